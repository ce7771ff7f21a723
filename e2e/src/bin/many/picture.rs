//! A measurement over time, as SVG. Pure.

use crate::record::{Run, Sample};
use tessera_e2e::svg::{BLUE, GREEN, GREY, ORANGE, Picture, WIDTH};

const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 70.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 330.0;

/// The jobs that are created, started and finished (left scale), and the operator's memory (right scale), over seconds.
pub(crate) fn over_time(run: &Run) -> String {
    let samples = &run.samples;
    let seconds = samples.iter().map(|sample| sample.at).fold(1.0, f64::max);
    let jobs = run.jobs.max(1) as f64;
    let most = round_up(samples.iter().map(memory).fold(1.0, f64::max));
    let mut picture = Picture::new(390.0);
    frame(&mut picture, seconds, jobs, most);
    let count = |which: usize| move |sample: &Sample| sample.jobs[which] as f64 / jobs;
    curve(&mut picture, samples, seconds, GREY, count(0));
    curve(&mut picture, samples, seconds, BLUE, count(2));
    curve(&mut picture, samples, seconds, GREEN, count(3));
    curve(&mut picture, samples, seconds, ORANGE, |sample| memory(sample) / most);
    picture.finish()
}

fn memory(sample: &Sample) -> f64 {
    sample.programs.get("tessera-operator").map_or(0.0, |(mib, _)| *mib)
}

/// The next of 1, 2, 5, 10, 20, 50, ...
fn round_up(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|step| step * decade).find(|step| *step >= value).unwrap_or(decade * 10.0)
}

fn frame(picture: &mut Picture, seconds: f64, jobs: f64, most: f64) {
    for part in 0..=4 {
        let part = f64::from(part) / 4.0;
        let (x, y) = (LEFT + (RIGHT - LEFT) * part, BOTTOM - (BOTTOM - TOP) * part);
        picture.line((LEFT, y), (RIGHT, y), "stroke=\"#e0e0e0\"");
        picture.words((LEFT - 8.0, y + 4.0), "end", &format!("{:.0}", jobs * part));
        picture.words((RIGHT + 8.0, y + 4.0), "start", &format!("{:.0} MiB", most * part));
        picture.words((x, BOTTOM + 20.0), "middle", &format!("{:.0} s", seconds * part));
    }
    let mut at = LEFT;
    for (colour, words) in
        [(GREY, "jobs created"), (BLUE, "started"), (GREEN, "finished"), (ORANGE, "memory of the operator")]
    {
        picture.bar((at, at + 14.0), 14.0, 14.0, colour);
        picture.words((at + 20.0, 26.0), "start", words);
        at += 50.0 + 7.5 * words.len() as f64;
    }
}

fn curve(
    picture: &mut Picture,
    samples: &[Sample],
    seconds: f64,
    colour: &str,
    part: impl Fn(&Sample) -> f64,
) {
    let point = |sample: &Sample| {
        let x = LEFT + (RIGHT - LEFT) * sample.at / seconds;
        format!("{x:.1},{:.1}", BOTTOM - (BOTTOM - TOP) * part(sample))
    };
    let points: Vec<String> = samples.iter().map(point).collect();
    picture.add(&format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        points.join(" ")
    ));
}
