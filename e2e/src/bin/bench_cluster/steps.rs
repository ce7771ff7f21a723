//! The parts of a run: how long each step took, and the gaps between two pods of one slot. Pure.

use crate::figures::Sample;
use crate::moments::{Moments, PodMoments, StageMoments};
use serde::Serialize;

/// A step over several runs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) seconds: Sample,
}

/// The steps of runs of one kind, from `kubectl apply` to Finished: each begins where the one before has ended.
pub(crate) fn steps(runs: &[Moments]) -> Vec<Step> {
    gather(&runs.iter().map(of_run).collect::<Vec<_>>())
}

/// The parts of all gaps between two pods of one slot: each begins where the one before has ended.
pub(crate) fn gaps(runs: &[Moments]) -> Vec<Step> {
    let pods = runs.iter().flat_map(|run| &run.stages).map(|stage| &stage.pods);
    gather(&pods.flat_map(|pods| of_slots(pods)).collect::<Vec<_>>())
}

/// What happens beside the steps: after Finished, and the store's own copying.
pub(crate) fn beside(runs: &[Moments]) -> Vec<Step> {
    let copying = |run: &Moments| run.completion.map(|(start, end)| end - start);
    let released = runs.iter().map(|run| run.released - run.finished).collect();
    vec![
        Step {
            name: "of these: the store's CompleteMultipartUpload",
            seconds: runs.iter().filter_map(copying).collect(),
        },
        Step { name: "after Finished: scratch deleted, finalizer removed", seconds: released },
    ]
}

type Times = Vec<(&'static str, f64)>;

fn gather(all: &[Times]) -> Vec<Step> {
    let names = all.first().map(|first| first.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let of = |name: &str| {
        all.iter().flatten().filter(|(other, _)| *other == name).map(|(_, seconds)| *seconds).collect()
    };
    names.unwrap_or_default().into_iter().map(|name| Step { name, seconds: of(name) }).collect()
}

fn of_run(run: &Moments) -> Times {
    let mut clock = Clock { at: 0.0, times: Vec::new() };
    clock.step("kubectl; the API server has the ImageJob", run.created);
    clock.step("accepted: source probed, plan made", run.accepted);
    clock.step("slots granted", run.granted);
    for (number, stage) in run.stages.iter().enumerate() {
        of_stage(&mut clock, stage, number > 0);
    }
    let last = run.stages.last().map_or("", |stage| stage.name.as_str());
    clock.step(
        if last == "whole" { "pixels, and output published" } else { "output published" },
        run.published,
    );
    clock.step("Finished", run.finished);
    clock.times
}

/// The steps up to the first request of a stage's first pod; for tiles also those up to the last answer of its last pod.
fn of_stage(clock: &mut Clock, stage: &StageMoments, second: bool) {
    let Some(first) = stage.pods.first() else { return };
    let names = if second {
        [
            "assembly: Job created",
            "assembly: pod created",
            "assembly: pod scheduled",
            "assembly: container up, first request",
        ]
    } else {
        ["Job created", "first pod created", "first pod scheduled", "first container up, its first request"]
    };
    for (name, at) in
        names.into_iter().zip([stage.created, first.created, first.scheduled, first.first_request])
    {
        clock.step(name, at);
    }
    if stage.name != "tiles" {
        return;
    }
    let pieces = stage.pods.iter().filter_map(|pod| pod.first_piece);
    clock.step("first piece in scratch", pieces.fold(f64::INFINITY, f64::min).max(clock.at));
    clock
        .step("last piece in scratch", stage.pods.iter().map(|pod| pod.last_answer).fold(clock.at, f64::max));
}

struct Clock {
    at: f64,
    times: Times,
}

impl Clock {
    fn step(&mut self, name: &'static str, until: f64) {
        self.times.push((name, until - self.at));
        self.at = until;
    }
}

fn of_slots(pods: &[PodMoments]) -> Vec<Times> {
    let slots = pods.iter().map(|pod| pod.slot).max().map_or(0, |slot| slot + 1);
    let of = |slot: usize| pods.iter().filter(move |pod| pod.slot == slot).collect::<Vec<_>>();
    (0..slots)
        .flat_map(|slot| of(slot).windows(2).filter_map(|two| gap(two[0], two[1])).collect::<Vec<_>>())
        .collect()
}

fn gap(before: &PodMoments, after: &PodMoments) -> Option<Times> {
    let mut clock = Clock { at: before.last_answer, times: Vec::new() };
    clock.step("the API server knows that the pod has ended", before.ended?);
    clock.step("next pod created", after.created);
    clock.step("scheduled", after.scheduled);
    clock.step("container up, first request", after.first_request);
    clock.times.push(("all", after.first_request - before.last_answer));
    Some(clock.times)
}
