//! The page of figures and its picture, of what was measured. Pure but for writing them.

use crate::cases::CHAIN;
use crate::kernels::{Difference, Measured, OWN, median};
use crate::svg::{BLUE, GREY, ORANGE, Picture, WIDTH};
use anyhow::Result;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What the goals are measured against; the crates stand beside.
const BEATEN: [&str; 2] = ["opencv", "vips"];

/// What was measured, and on what.
pub struct Report<'a> {
    /// By case, in the order of the list.
    pub cases: Vec<(&'a str, &'a Measured)>,
    /// The machine, the versions, how it was run: a line each.
    pub about: Vec<String>,
}

/// One case on one number of threads: megapixels per second.
struct Speed<'a> {
    own: f64,
    best: Option<(&'a str, f64)>,
}

impl<'a> Speed<'a> {
    fn of(measured: &'a Measured, threads: usize) -> Option<Speed<'a>> {
        let times = measured.times.get(&threads)?;
        let speed = |name: &str| times.get(name).map(|times| measured.megapixels / median(times));
        let peers = BEATEN.iter().filter_map(|name| Some((*name, speed(name)?)));
        Some(Speed { own: speed(OWN)?, best: peers.max_by(|a, b| a.1.total_cmp(&b.1)) })
    }

    fn ratio(&self) -> Option<f64> {
        self.best.map(|(_, best)| self.own / best)
    }
}

impl Report<'_> {
    /// Writes `engine.md` and `engine/kernels.svg` into `folder`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder.join("engine"))?;
        std::fs::write(folder.join("engine/kernels.svg"), self.picture())?;
        std::fs::write(folder.join("engine.md"), self.page()?)?;
        Ok(())
    }

    fn page(&self) -> Result<String> {
        let mut page = String::from(
            "# The engine's speed\n\nWritten by `make bench`. All candidates take the same pixels in memory, in turn (A B C A B C), in one run; each cell is\nthe median in megapixels of the source per second, on 1 / 2 threads. The ratio is Tessera's speed over that of the better\none of OpenCV and libvips. On one thread a round's time is the processor's, so that other work on the machine does not\ncount; on two it is the clock's. Tessera takes a picture as one step; a worker's steps, and with them its working tiles, are\n4096 pixels wide at most.\n\n",
        );
        self.about.iter().try_for_each(|line| writeln!(page, "- {line}"))?;
        page.push_str("\n![Ratios](engine/kernels.svg)\n\n");
        for threads in [1, 2] {
            let ratios: Vec<f64> = self.ratios(threads).map(|(_, ratio)| ratio).collect();
            let below: Vec<String> = self
                .ratios(threads)
                .filter(|(_, ratio)| *ratio < 1.0)
                .map(|(name, ratio)| format!("{name} ({ratio:.2})"))
                .collect();
            writeln!(
                page,
                "- {threads} thread{}: geometric mean of {} ratios {:.2}; below 1: {}",
                if threads == 1 { "" } else { "s" },
                ratios.len(),
                geometric_mean(&ratios),
                if below.is_empty() { "none".to_owned() } else { below.join(", ") }
            )?;
        }
        if let Some((_, chain)) = self.cases.iter().find(|(name, _)| *name == CHAIN) {
            let ratio =
                |threads| Speed::of(chain, threads).and_then(|speed| speed.ratio()).unwrap_or(f64::NAN);
            writeln!(
                page,
                "- The chain of grayscale, gaussianBlur 1.5 and sobel, fused: {:.2} and {:.2} times the best peer",
                ratio(1),
                ratio(2)
            )?;
        }
        page.push_str("\n| operation | Tessera | scales | best peer | ratio | all peers | their results |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        self.cases.iter().try_for_each(|(name, measured)| writeln!(page, "{}", row(name, measured)))?;
        page.push_str("\n\"Same\" is within what the case allows (0 to 3 levels of 255); a peer whose result differs by more does other work, such as an\nedge in other units or a filter that is not widened: its speed is shown, and counts.\n\n## Spread\n\nThe fastest and slowest round of Tessera and of the best peer, as parts of the median.\n\n| operation | threads | Tessera | best peer |\n| --- | --- | --- | --- |\n");
        for (name, measured) in &self.cases {
            for (threads, times) in &measured.times {
                let best = Speed::of(measured, *threads).and_then(|speed| speed.best.map(|(name, _)| name));
                let cell = |name: Option<&str>| {
                    name.and_then(|name| times.get(name)).map_or("-".to_owned(), |times| spread(times))
                };
                writeln!(page, "| {name} | {threads} | {} | {} |", cell(Some(OWN)), cell(best))?;
            }
        }
        Ok(page)
    }

    fn ratios(&self, threads: usize) -> impl Iterator<Item = (&str, f64)> {
        let ratio = move |measured| Speed::of(measured, threads)?.ratio();
        self.cases
            .iter()
            .filter(|(name, _)| *name != CHAIN)
            .filter_map(move |(name, measured)| Some((*name, ratio(measured)?)))
    }

    /// Bars of the ratios on one thread, on a scale of powers of 2.
    fn picture(&self) -> String {
        let ratios: Vec<(&str, f64)> = self.ratios(1).collect();
        let height = 40.0 + 18.0 * ratios.len() as f64;
        let mut picture = Picture::new(height);
        let at = |ratio: f64| 220.0 + (ratio.clamp(0.25, 16.0).log2() + 2.0) / 6.0 * (WIDTH - 280.0);
        picture.words(
            (WIDTH / 2.0, 16.0),
            "middle",
            "Times the speed of the better one of OpenCV and libvips, 1 thread",
        );
        for mark in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0] {
            let style =
                format!("stroke=\"{}\" stroke-width=\"{}\"", GREY, if mark == 1.0 { 1.5 } else { 0.3 });
            picture.line((at(mark), 24.0), (at(mark), height - 12.0), &style);
            picture.words((at(mark), height - 1.0), "middle", &format!("{mark}"));
        }
        for (index, (name, ratio)) in ratios.iter().enumerate() {
            let y = 28.0 + 18.0 * index as f64;
            let (from, to) = (at(1.0).min(at(*ratio)), at(1.0).max(at(*ratio)));
            picture.bar((from, to), y, 12.0, if *ratio < 1.0 { ORANGE } else { BLUE });
            picture.words((212.0, y + 10.0), "end", name);
            picture.words((to + 4.0, y + 10.0), "start", &format!("{ratio:.2}"));
        }
        picture.finish()
    }
}

fn row(name: &str, measured: &Measured) -> String {
    let [one, two] = [1, 2].map(|threads| Speed::of(measured, threads));
    let number =
        |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
    let own = |speed: &Option<Speed>| number(speed.as_ref().map(|speed| speed.own), 0);
    let scales = one.as_ref().zip(two.as_ref()).map(|(one, two)| two.own / one.own);
    let best = one.as_ref().and_then(|speed| speed.best).map_or("-", |(name, _)| name);
    let ratio = |speed: &Option<Speed>| number(speed.as_ref().and_then(Speed::ratio), 2);
    let names: Vec<&String> =
        measured.times.values().next().map(|times| times.keys().collect()).unwrap_or_default();
    let peers = names.iter().filter(|name| **name != OWN).map(|name| {
        let speed = |threads: usize| {
            measured.times.get(&threads)?.get(*name).map(|times| measured.megapixels / median(times))
        };
        format!("{name} {} / {}", number(speed(1), 0), number(speed(2), 0))
    });
    let results =
        measured.differences.iter().map(|(name, difference)| format!("{name}: {}", words(*difference)));
    format!(
        "| {name} | {} / {} | {} | {best} | **{}** / {} | {} | {} |",
        own(&one),
        own(&two),
        number(scales, 2),
        ratio(&one),
        ratio(&two),
        peers.collect::<Vec<_>>().join("<br>"),
        results.collect::<Vec<_>>().join("<br>")
    )
}

fn words(difference: Option<Difference>) -> String {
    match difference {
        None => "another size or depth".to_owned(),
        Some(Difference { largest: 0.0, .. }) => "equal".to_owned(),
        Some(Difference { largest, same: true, .. }) => format!("same, to {largest:.0}"),
        Some(Difference { largest, mean, .. }) => {
            format!("differs by up to {largest:.0}, {mean:+.1} in the mean")
        }
    }
}

fn spread(times: &[f64]) -> String {
    let middle = median(times);
    let extreme = |pick: fn(f64, f64) -> f64| times.iter().copied().reduce(pick).unwrap_or(middle) / middle;
    format!("{:.2} to {:.2}", extreme(f64::min), extreme(f64::max))
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

/// What was measured, in the order of the list of cases.
pub fn ordered<'a>(
    names: impl Iterator<Item = &'static str>,
    results: &'a BTreeMap<String, Measured>,
) -> Vec<(&'a str, &'a Measured)> {
    names
        .filter_map(|name| results.get_key_value(name))
        .map(|(name, measured)| (name.as_str(), measured))
        .collect()
}
