//! Times and their spread. Pure, but for the clock.

use serde::Serialize;
use std::time::SystemTime;

/// This machine's time in Unix seconds.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Several measurements of one thing.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Sample(pub(crate) Vec<f64>);

impl Sample {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The middle one, or the mean of the two in the middle; 0 of none.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => 0.0,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }

    pub(crate) fn least(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(0.0)
    }

    pub(crate) fn most(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(0.0)
    }

    /// Median, least and most for a table: `3.2 (2.9 to 3.4)`, or the one there is.
    pub(crate) fn text(&self) -> String {
        match self.0[..] {
            [] => "-".to_owned(),
            [one] => format!("{one:.1}"),
            _ => format!("{:.1} ({:.1} to {:.1})", self.median(), self.least(), self.most()),
        }
    }

    /// The same in milliseconds.
    pub(crate) fn millis(&self) -> String {
        match self.0[..] {
            [] => "-".to_owned(),
            [one] => format!("{:.0}", one * 1000.0),
            _ => format!(
                "{:.0} | {:.0} to {:.0}",
                self.median() * 1000.0,
                self.least() * 1000.0,
                self.most() * 1000.0
            ),
        }
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Sample {
        Sample(values.into_iter().collect())
    }
}

/// Prints a line of progress or of a table.
pub(crate) fn say(line: &str) {
    println!("{line}");
}
