//! Which calls there are, how they are counted, and which of them fail.

/// The calls of a [`Store`](crate::Store).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the call of the same name")]
pub enum Call {
    Head,
    Get,
    GetRange,
    Put,
    List,
    Delete,
    CreateUpload,
    UploadPart,
    ListParts,
    CopyPart,
    CompleteUpload,
    AbortUpload,
    ListUploads,
}

/// The calls of one kind so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many, failed ones included.
    pub calls: u64,
    /// How many bytes of objects they read, wrote or copied.
    pub bytes: u64,
}

/// Whether a failing call changes the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The request is lost.
    Before,
    /// The answer is lost.
    After,
}

/// A call that fails as `Unreachable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    call: Option<Call>,
    wait: u64,
    effect: Effect,
    lasts: bool,
}

impl Fault {
    /// The `n`-th call from now, from 1, is lost before it has an effect.
    pub fn nth(n: u64) -> Fault {
        Fault { call: None, wait: n.max(1), effect: Effect::Before, lasts: false }
    }

    /// Only calls of this kind count.
    pub fn of(self, call: Call) -> Fault {
        Fault { call: Some(call), ..self }
    }

    /// The call has its effect, and the answer is lost.
    pub fn after(self) -> Fault {
        Fault { effect: Effect::After, ..self }
    }

    /// All later calls fail as well, before they have an effect: the process or the store is gone.
    pub fn from_then_on(self) -> Fault {
        Fault { lasts: true, ..self }
    }

    /// Sees a call go by, and says how it fails.
    pub(super) fn strike(&mut self, call: Call) -> Option<Effect> {
        if self.call.is_some_and(|mine| mine != call) {
            return None;
        }
        match self.wait {
            0 => self.lasts.then_some(Effect::Before),
            1 => {
                self.wait = 0;
                Some(self.effect)
            }
            _ => {
                self.wait -= 1;
                None
            }
        }
    }
}
