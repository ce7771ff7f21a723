//! Progress on stderr: a bar on a terminal, else a line every few seconds. It decides nothing.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tessera_worker::Progress;

/// Time between two lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Counts the tiles of one stage.
pub(crate) struct Bar {
    bar: ProgressBar,
    stage: String,
    pixels_per_tile: f64,
    started: Instant,
    /// When the last line was written; unused on a terminal.
    last: Option<Mutex<Instant>>,
}

impl Bar {
    /// For a stage of `tiles` tiles that hold `pixels` pixels together.
    pub(crate) fn new(stage: String, tiles: u64, pixels: u64) -> Bar {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(tiles) } else { ProgressBar::hidden() };
        bar.set_length(tiles);
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {bar:40} {pos}/{len} tiles  {msg}  {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_prefix(stage.clone());
        let now = Instant::now();
        let last = (!terminal).then(|| Mutex::new(now));
        Bar { bar, stage, pixels_per_tile: pixels as f64 / tiles.max(1) as f64, started: now, last }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn rate(&self) -> f64 {
        self.bar.position() as f64 * self.pixels_per_tile
            / 1e6
            / self.started.elapsed().as_secs_f64().max(1e-6)
    }
}

impl Progress for Bar {
    fn tiles(&self, n: u64) {
        self.bar.inc(n);
        self.bar.set_message(format!("{:.0} MP/s", self.rate()));
        let Some(last) = &self.last else { return };
        if let Ok(mut last) = last.lock()
            && last.elapsed() >= INTERVAL
        {
            *last = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            eprintln!(
                "{} {done}/{all} tiles, {} %, {:.0} MP/s",
                self.stage,
                done * 100 / all.max(1),
                self.rate()
            );
        }
    }
}
