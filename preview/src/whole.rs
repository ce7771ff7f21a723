//! Images that are decoded as a whole, with all their halves, in a bounded store. What is in use counts, whether or not it is still
//! remembered, so that the bound holds.

use std::sync::{Arc, Mutex, PoisonError};

use tessera_operations::{Region, halve};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::error::PreviewError;
use crate::memory::Memory;

/// The unit in which memory is counted.
pub(crate) const UNIT: u64 = 1 << 20;

/// An image and its halves, down to one pixel.
pub(crate) struct Whole {
    levels: Vec<Region>,
    /// Given back when nobody uses the image any more.
    _room: OwnedSemaphorePermit,
}

impl Whole {
    pub(crate) fn new(image: Region, room: OwnedSemaphorePermit) -> Whole {
        let mut levels = vec![image];
        while let Some(next) = levels.last().filter(|last| last.rect.pixels() > 1).map(halve) {
            levels.push(next);
        }
        Whole { levels, _room: room }
    }

    /// The level after `level` halvings, or the smallest that there is.
    pub(crate) fn level(&self, level: u32) -> &Region {
        &self.levels[(level as usize).min(self.levels.len() - 1)]
    }
}

type Slot = Arc<OnceCell<Arc<Whole>>>;

/// The images that are remembered, by the numbers of their sources, the last used at the end.
pub(crate) struct Wholes {
    room: Arc<Semaphore>,
    remembered: Mutex<Vec<(u64, Slot)>>,
}

impl Wholes {
    pub(crate) fn new(memory: Memory) -> Wholes {
        let units = usize::try_from(memory.wholes / UNIT).unwrap_or(usize::MAX >> 4);
        Wholes { room: Arc::new(Semaphore::new(units)), remembered: Mutex::new(Vec::new()) }
    }

    /// The place of the image of source `number`; requests for the same image wait for one decoder.
    pub(crate) fn slot(&self, number: u64) -> Slot {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let found = remembered.iter().position(|(other, _)| *other == number);
        let entry = found.map_or_else(|| (number, Slot::default()), |at| remembered.remove(at));
        let slot = entry.1.clone();
        remembered.push(entry);
        slot
    }

    /// Room for an image of `bytes`; forgets those that were not used for longest until there is some.
    pub(crate) async fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, PreviewError> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        loop {
            if let Ok(room) = self.room.clone().try_acquire_many_owned(units) {
                return Ok(room);
            }
            if !self.forget_one() {
                break;
            }
        }
        // All that is left is in use, and comes back.
        self.room.clone().acquire_many_owned(units).await.map_err(|_| PreviewError::Busy)
    }

    fn forget_one(&self) -> bool {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = remembered.iter().position(|(_, slot)| slot.initialized());
        oldest.map(|at| drop(remembered.remove(at))).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::pixel::{Channels, Depth, PixelType};

    #[tokio::test]
    async fn what_is_in_use_counts_until_it_is_let_go() {
        let memory = Memory { wholes: 4 * UNIT, ..Memory::of(0) };
        let wholes = Arc::new(Wholes::new(memory));
        let image = Region::zeroed(Size::new(3, 2).rect(), PixelType::new(Channels::Gray, Depth::U8));
        let (first, other) = (wholes.slot(1), wholes.slot(2));
        let room = wholes.room(3 * UNIT).await.unwrap();
        let used = first.get_or_init(async || Arc::new(Whole::new(image, room))).await.clone();
        let waiting = tokio::spawn({
            let wholes = wholes.clone();
            async move { wholes.room(2 * UNIT).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished() && !other.initialized());
        assert_eq!(used.level(9).rect, Size::new(1, 1).rect());
        drop((first, used));
        waiting.await.unwrap().unwrap();
    }
}
