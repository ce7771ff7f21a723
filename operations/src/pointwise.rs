//! Operations that turn each sample, or each pixel, into one other. Neighbours and places do not matter here.

use crate::border::Rows;
use crate::fetch::{PART, fetch_behind};
use crate::plane::{Aligned, PLANE, put_together, take_apart};
use crate::region::{Region, Samples};
use crate::sample::{Sample, round_f64};
use crate::target::{Lines, Target};
use crate::vector::{Kernel, vectorised};
use std::cell::RefCell;
use std::rc::Rc;
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// What a curve is of: an operation, and its parameters.
pub(crate) type CurveKey = (&'static str, [i64; 3]);

/// Writes the pixels of `target` of `input`, with every sample but alpha replaced by `curve(sample, max)`, rounded half
/// to even and saturated. `of` must determine `curve`: tables are kept by it.
pub(crate) fn map_curve(
    input: &Region,
    target: &mut Target<'_>,
    of: CurveKey,
    curve: impl Fn(f64, f64) -> f64,
) {
    match &input.samples {
        Samples::U8(_) => {
            let table = table(of, 256, |sample| u16::from(on_curve(sample as u8, &curve)));
            let table: [u8; 256] = std::array::from_fn(|sample| table[sample] as u8);
            map_samples(input, target, |sample: u8| table[usize::from(sample)], on_neither);
        }
        Samples::U16(_) => {
            let table = table(of, 1 << 16, |sample| on_curve(sample as u16, &curve));
            let table: &[u16; 1 << 16] = table.first_chunk().expect("one entry for each sample");
            map_samples(input, target, on_neither, |sample: u16| table[usize::from(sample)]);
        }
    }
}

/// Tables that a thread keeps: as many as a chain is likely to have curves.
const TABLES: usize = 8;

thread_local! {
    static KEPT: RefCell<Vec<(CurveKey, Rc<[u16]>)>> = const { RefCell::new(Vec::new()) };
}

/// The values of a curve. Those used last are kept: those of 16 bits would cost as much as a working tile.
fn table(of: CurveKey, size: usize, value: impl Fn(usize) -> u16) -> Rc<[u16]> {
    KEPT.with_borrow_mut(|kept| {
        let place = kept.iter().position(|(one, table)| *one == of && table.len() == size);
        let table = place.map_or_else(|| (0..size).map(value).collect(), |place| kept.remove(place).1);
        kept.truncate(TABLES - 1);
        kept.insert(0, (of, Rc::clone(&table)));
        table
    })
}

/// For the depth that does not occur.
fn on_neither<S>(sample: S) -> S {
    sample
}

fn on_curve<S: Sample>(sample: S, curve: impl Fn(f64, f64) -> f64) -> S {
    let max = f64::from(S::MAX);
    S::narrow(round_f64(curve(f64::from(sample.widen()), max).clamp(0.0, max)))
}

/// Writes the pixels of `target` of `input`, with every sample but alpha replaced by `eight` or `sixteen` of it.
pub(crate) fn map_samples(
    input: &Region,
    target: &mut Target<'_>,
    eight: impl Fn(u8) -> u8 + Copy,
    sixteen: impl Fn(u16) -> u16 + Copy,
) {
    let (rect, channels) = (target.rect, input.channels);
    match (&input.samples, &mut target.rows) {
        (Samples::U8(samples), Lines::U8(lines)) => {
            map_lines(
                &Rows { samples, rect: input.rect, channels: channels.count() },
                (rect, channels),
                lines,
                eight,
            );
        }
        (Samples::U16(samples), Lines::U16(lines)) => {
            map_lines(
                &Rows { samples, rect: input.rect, channels: channels.count() },
                (rect, channels),
                lines,
                sixteen,
            );
        }
        (Samples::U8(_), Lines::U16(_)) | (Samples::U16(_), Lines::U8(_)) => {
            debug_assert!(false, "the depth stays");
        }
    }
}

fn map_lines<S: Copy>(
    rows: &Rows<S>,
    (rect, channels): (Rect, Channels),
    lines: &mut [&mut [S]],
    f: impl Fn(S) -> S + Copy,
) {
    for (y, to) in (rect.y..).zip(lines) {
        vectorised(Colours { from: rows.row(y, rect), to, channels, f });
    }
}

/// A row of samples, of which all but alpha become others. `f` is held by value: what it captures then stays in
/// registers, since no store to the row can change it.
struct Colours<'a, S, F> {
    from: &'a [S],
    to: &'a mut [S],
    channels: Channels,
    f: F,
}

impl<S: Copy, F: Fn(S) -> S> Kernel for Colours<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Colours { from, to, channels, f } = self;
        for (from, to) in from.chunks(PART).zip(to.chunks_mut(PART)) {
            fetch_behind(from);
            fetch_behind(to);
            match channels {
                Channels::Gray | Channels::Rgb => {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = f(*from));
                }
                Channels::GrayAlpha => {
                    let (from, to) = (from.as_chunks::<2>().0, to.as_chunks_mut::<2>().0);
                    to.iter_mut().zip(from).for_each(|(to, [gray, alpha])| *to = [f(*gray), *alpha]);
                }
                Channels::Rgba => {
                    let (from, to) = (from.as_chunks::<4>().0, to.as_chunks_mut::<4>().0);
                    to.iter_mut()
                        .zip(from)
                        .for_each(|(to, [r, g, b, alpha])| *to = [f(*r), f(*g), f(*b), *alpha]);
                }
            }
        }
    }
}

/// Writes the pixels `output` of an image of `N` channels to `lines`, each replaced by the `M` samples that `f` makes of
/// it. `rect` is where `samples` lie.
pub(crate) fn map_pixels<S, T, const N: usize, const M: usize>(
    (samples, rect): (&[S], Rect),
    (output, lines): (Rect, &mut [&mut [T]]),
    f: impl Fn([S; N]) -> [T; M] + Copy,
) where
    S: Copy + Default,
    T: Copy + Default,
{
    let rows = Rows { samples, rect, channels: N };
    for (y, line) in (output.y..).zip(lines) {
        map_row(rows.row(y, output), line, f);
    }
}

/// The same for one row.
pub(crate) fn map_row<S: Copy + Default, T: Copy + Default, const N: usize, const M: usize>(
    from: &[S],
    to: &mut [T],
    f: impl Fn([S; N]) -> [T; M] + Copy,
) {
    vectorised(Pixels { from: from.as_chunks::<N>().0, to: to.as_chunks_mut::<M>().0, f });
}

/// A row of pixels that become others.
struct Pixels<'a, S, T, F, const N: usize, const M: usize> {
    from: &'a [[S; N]],
    to: &'a mut [[T; M]],
    f: F,
}

impl<S, T, F, const N: usize, const M: usize> Kernel for Pixels<'_, S, T, F, N, M>
where
    S: Copy + Default,
    T: Copy + Default,
    F: Fn([S; N]) -> [T; M],
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pixels { from, to, f } = self;
        if N == 1 {
            let part = PART / size_of::<[T; M]>();
            for (from, to) in from.chunks(part).zip(to.chunks_mut(part)) {
                fetch_behind(from);
                fetch_behind(to);
                for index in 0..to.len().min(from.len()) {
                    to[index] = f(from[index]);
                }
            }
            return;
        }
        // Channels are taken apart first: loops over whole planes compile to vector instructions.
        let Aligned(before) = &mut Aligned([[S::default(); PLANE]; N]);
        let Aligned(after) = &mut Aligned([[T::default(); PLANE]; M]);
        for (from, to) in from.chunks(PLANE).zip(to.chunks_mut(PLANE)) {
            fetch_behind(from);
            fetch_behind(to);
            take_apart(from, before);
            for index in 0..to.len() {
                let pixel = f(std::array::from_fn(|channel| before[channel][index]));
                (0..M).for_each(|channel| after[channel][index] = pixel[channel]);
            }
            put_together(after, to);
        }
    }
}
