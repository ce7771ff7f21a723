//! Measures the cases: agreement first, then all candidates in turn, A B C A B C, on one thread and on two.

use crate::cases::{CASES, Case};
use crate::own::Work;
use crate::pictures::{Pictures, bytes_of};
use crate::python::Python;
use crate::rust_peers::Crate;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tessera_operations::Region;

/// The name of Tessera among the candidates.
pub const OWN: &str = "tessera";

/// What is needed to measure.
pub struct Bench<'a> {
    /// The pixels.
    pub pictures: &'a Pictures,
    /// Where the peers find them.
    pub folder: PathBuf,
    /// The interpreter with the peers, and their program.
    pub python: (PathBuf, PathBuf),
    /// Counted rounds.
    pub rounds: usize,
    /// Only cases whose name holds one of these; all if there is none.
    pub only: Vec<String>,
}

/// Seconds of each counted round, by candidate.
pub type Times = BTreeMap<String, Vec<f64>>;

/// How a peer's result differs from Tessera's, in levels of 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The largest.
    pub largest: f64,
    /// The mean, with its sign.
    pub mean: f64,
    /// Whether it is within what the case allows.
    pub same: bool,
}

/// What became of a case.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Megapixels of the source.
    pub megapixels: f64,
    /// By peer; nothing where the results have other sizes.
    pub differences: BTreeMap<String, Option<Difference>>,
    /// By the number of threads.
    pub times: BTreeMap<usize, Times>,
}

impl Bench<'_> {
    /// The cases that are wanted.
    pub fn cases(&self) -> impl Iterator<Item = &'static Case> + '_ {
        CASES.iter().filter(|case| {
            self.only.is_empty() || self.only.iter().any(|part| case.name.contains(part.as_str()))
        })
    }

    /// Measures all cases that are wanted with `threads`, into `results`.
    pub fn measure(&self, threads: usize, results: &mut BTreeMap<String, Measured>) -> Result<()> {
        let size = self.pictures.of(CASES[0].pixel, false)?.rect.size();
        let mut peers = Vec::new();
        for engine in ["opencv", "vips"] {
            let numbers = [size.width.to_string(), size.height.to_string(), threads.to_string()];
            let arguments =
                [vec![engine.to_owned(), self.folder.display().to_string()], numbers.to_vec()].concat();
            peers.push((engine, Python::start(&self.python.0, &self.python.1, &arguments)?));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        for case in self.cases() {
            let picture = self.pictures.of(case.pixel, case.slow)?;
            let measured = results.entry(case.name.to_owned()).or_default();
            measured.megapixels = picture.rect.pixels() as f64 / 1e6;
            if threads == 1 {
                measured.differences = self.differences(case, &picture, &mut peers, &pool)?;
            }
            let times = self.rounds(case, &picture, &mut peers, (&pool, threads))?;
            println!("{threads} {:26} {}", case.name, line(measured.megapixels, &times));
            measured.times.insert(threads, times);
        }
        Ok(())
    }

    fn rounds(
        &self,
        case: &Case,
        picture: &Region,
        peers: &mut [(&str, Python)],
        (pool, threads): (&rayon::ThreadPool, usize),
    ) -> Result<Times> {
        let (mut work, mut times, mut buffer) = (Work::new(case, picture)?, Times::new(), Vec::new());
        for round in 0..=self.rounds {
            let mut note = |name: &str, seconds: Option<f64>| {
                if let (Some(seconds), true) = (seconds, round > 0) {
                    times.entry(name.to_owned()).or_default().push(seconds);
                }
            };
            note(OWN, Some(seconds_of(threads, || pool.install(|| work.run()))?));
            for (name, peer) in &mut *peers {
                note(name, peer.run(case.name, None)?);
            }
            for peer in Crate::ALL {
                note(peer.name(), pool.install(|| peer.run(case, picture, threads, &mut buffer))?);
            }
        }
        Ok(times)
    }

    fn differences(
        &self,
        case: &Case,
        picture: &Region,
        peers: &mut [(&str, Python)],
        pool: &rayon::ThreadPool,
    ) -> Result<BTreeMap<String, Option<Difference>>> {
        let mut work = Work::new(case, picture)?;
        pool.install(|| work.run());
        let result = work.result();
        let (own, wide) = (bytes_of(&result), result.pixel().depth.bytes() == 2);
        let mut differences = BTreeMap::new();
        for (name, peer) in peers {
            let path = self.folder.join("result");
            if peer.run(case.name, Some(&path))?.is_some() {
                differences
                    .insert((*name).to_owned(), difference(&own, &std::fs::read(&path)?, wide, case.within));
                std::fs::remove_file(&path)?;
            }
        }
        let mut buffer = Vec::new();
        for peer in Crate::ALL {
            if peer.run(case, picture, 1, &mut buffer)?.is_some() {
                differences.insert(peer.name().to_owned(), difference(&own, &buffer, wide, case.within));
            }
        }
        Ok(differences)
    }
}

/// What `work` takes: on one thread the processor's time, so that other work on the machine does not count.
pub fn seconds_of(threads: usize, work: impl FnOnce()) -> Result<f64> {
    if threads > 1 {
        let start = Instant::now();
        work();
        return Ok(start.elapsed().as_secs_f64());
    }
    let start = processor_seconds()?;
    work();
    Ok(processor_seconds()? - start)
}

/// The processor's time of all threads of this process.
fn processor_seconds() -> Result<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let times = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

fn difference(own: &[u8], other: &[u8], wide: bool, within: f64) -> Option<Difference> {
    if own.len() != other.len() {
        return None;
    }
    let (mut largest, mut sum) = (0i64, 0i64);
    let mut take = |own: i64, other: i64| {
        largest = largest.max((other - own).abs());
        sum += other - own;
    };
    if wide {
        let value = |bytes: &[u8; 2]| i64::from(u16::from_le_bytes(*bytes));
        let pairs = own.as_chunks::<2>().0.iter().zip(other.as_chunks::<2>().0);
        pairs.for_each(|(own, other)| take(value(own), value(other)));
    } else {
        own.iter().zip(other).for_each(|(own, other)| take(i64::from(*own), i64::from(*other)));
    }
    let (level, count) = if wide { (257.0, own.len() / 2) } else { (1.0, own.len()) };
    let (largest, mean) = (largest as f64 / level, sum as f64 / level / count as f64);
    Some(Difference { largest, mean, same: largest <= within })
}

/// The middle of times.
pub fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn line(megapixels: f64, times: &Times) -> String {
    let cell = |(name, times): (&String, &Vec<f64>)| format!("{name} {:.0}", megapixels / median(times));
    times.iter().map(cell).collect::<Vec<_>>().join(", ")
}

/// Reads what was measured before.
pub fn load(path: &Path) -> BTreeMap<String, Measured> {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
