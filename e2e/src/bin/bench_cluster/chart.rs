//! The page's pictures as SVG: slots against speed, and one run's pods over time. Pure.

use crate::moments::Moments;
use crate::scaling::Row;
use tessera_e2e::svg::{BLUE, GREEN, GREY, ORANGE, PALE, Picture, WIDTH};

/// Slots against speed, both doubling, with the ideal line.
pub(crate) fn scaling(rows: &[Row]) -> String {
    let (left, right, top, bottom) = (70.0, WIDTH - 30.0, 40.0, 380.0);
    let most = rows.iter().map(|row| f64::from(row.slots)).fold(2.0, f64::max);
    let x = |slots: f64| left + (right - left) * slots.log2() / most.log2();
    let y = |speed: f64| bottom - (bottom - top) * speed.max(0.5).log2() / most.log2();
    let mut picture = Picture::new(430.0);
    for row in rows {
        let at = f64::from(row.slots);
        picture.line((x(at), top), (x(at), bottom), "stroke=\"#e0e0e0\"");
        picture.line((left, y(at)), (right, y(at)), "stroke=\"#e0e0e0\"");
        picture.words((x(at), bottom + 20.0), "middle", &row.slots.to_string());
        picture.words((left - 10.0, y(at) + 4.0), "end", &format!("{at} x"));
    }
    picture.line(
        (x(1.0), y(1.0)),
        (x(most), y(most)),
        &format!("stroke=\"{GREY}\" stroke-dasharray=\"6 4\""),
    );
    for pair in rows.windows(2) {
        let at = |row: &Row| (x(f64::from(row.slots)), y(row.speedup));
        picture.line(at(&pair[0]), at(&pair[1]), &format!("stroke=\"{BLUE}\" stroke-width=\"2.5\""));
    }
    for row in rows {
        let (cx, cy) = (x(f64::from(row.slots)), y(row.speedup));
        picture.add(&format!("<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"5\" fill=\"{BLUE}\"/>"));
        let words = format!("{:.0} s, {:.2} x", row.seconds.median(), row.speedup);
        let anchor = if row.slots == 1 { "start" } else { "end" };
        picture.words((cx + if row.slots == 1 { 10.0 } else { 0.0 }, cy + 24.0), anchor, &words);
    }
    picture.words((left, 22.0), "start", "Speed by number of slots (dashed: ideal)");
    picture.words((f64::midpoint(left, right), bottom + 40.0), "middle", "slots");
    picture.finish()
}

/// The pods of a run, a line for each slot, over the seconds since `kubectl apply`.
pub(crate) fn timeline(run: &Moments) -> String {
    let (left, right, top, row) = (90.0, WIDTH - 30.0, 70.0, 26.0);
    let lines: usize = run.stages.iter().map(slots_of).sum();
    let bottom = top + row * lines as f64;
    let x = |seconds: f64| left + (right - left) * seconds / run.finished.max(1.0);
    let mut picture = Picture::new(bottom + 60.0);
    axis(&mut picture, run.finished, &x, (top, bottom));
    let mut y = top;
    for stage in &run.stages {
        for slot in 0..slots_of(stage) {
            let name = if stage.name == "tiles" { format!("slot {}", slot + 1) } else { stage.name.clone() };
            picture.words((left - 10.0, y + 17.0), "end", &name);
            for pod in stage.pods.iter().filter(|pod| pod.slot == slot) {
                let ended = pod.ended.unwrap_or(pod.last_answer);
                picture.bar((x(pod.created), x(pod.first_request)), y + 4.0, row - 8.0, ORANGE);
                picture.bar((x(pod.first_request), x(pod.last_answer)), y + 4.0, row - 8.0, BLUE);
                picture.bar((x(pod.last_answer), x(ended)), y + 4.0, row - 8.0, PALE);
            }
            y += row;
        }
    }
    for (at, words) in [(run.accepted, "accepted"), (run.published, "published")] {
        picture.line(
            (x(at), top - 8.0),
            (x(at), bottom),
            &format!("stroke=\"{GREEN}\" stroke-dasharray=\"3 3\""),
        );
        let anchor = if words == "accepted" { "start" } else { "end" };
        picture.words((x(at), top - 12.0), anchor, words);
    }
    legend(&mut picture, left);
    picture.finish()
}

fn slots_of(stage: &crate::moments::StageMoments) -> usize {
    stage.pods.iter().map(|pod| pod.slot + 1).max().unwrap_or(0)
}

fn axis(picture: &mut Picture, seconds: f64, x: &impl Fn(f64) -> f64, (top, bottom): (f64, f64)) {
    let unit =
        [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|unit| seconds / unit <= 12.0).unwrap_or(100.0);
    let mut at = 0.0;
    while at <= seconds {
        picture.line((x(at), top), (x(at), bottom), "stroke=\"#e0e0e0\"");
        picture.words((x(at), bottom + 20.0), "middle", &format!("{at:.0}"));
        at += unit;
    }
    picture.words((x(seconds / 2.0), bottom + 42.0), "middle", "seconds since kubectl apply");
}

fn legend(picture: &mut Picture, left: f64) {
    let mut at = left;
    for (colour, words) in [(ORANGE, "pod starts"), (BLUE, "worker works"), (PALE, "until its end is known")]
    {
        picture.bar((at, at + 14.0), 14.0, 14.0, colour);
        picture.words((at + 20.0, 26.0), "start", words);
        at += 60.0 + 7.0 * words.len() as f64;
    }
}
