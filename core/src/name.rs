//! Every name of a Kubernetes object, label and scratch key. Nothing else in the project makes one up.

use crate::record::sha256;

/// Label and annotation keys.
pub mod label {
    /// UID of the ImageJob that an object belongs to.
    pub const JOB_UID: &str = "tessera.dev/imagejob-uid";
    /// Name of the ImageJob, cut to 63 characters.
    pub const JOB_NAME: &str = "tessera.dev/imagejob";
    /// Name of the WorkerPool, cut to 63 characters.
    pub const POOL: &str = "tessera.dev/pool";
    /// Stage that a Job runs.
    pub const STAGE: &str = "tessera.dev/stage";
    /// Annotation of an ImageJob: the number of shards, instead of the planner's choice.
    pub const SHARDS: &str = "tessera.dev/shards";
    /// Annotation of a failed ImageJob: a number that is larger than the last one has it tried again.
    pub const RETRY: &str = "tessera.dev/retry";
    /// Kueue's label: its queue decides when the Jobs of an ImageJob that has it run, and with how many pods.
    pub const KUEUE_QUEUE: &str = "kueue.x-k8s.io/queue-name";
    /// Kueue's label for the priority in its queue.
    pub const KUEUE_PRIORITY: &str = "kueue.x-k8s.io/priority-class";
    /// The finalizer of an ImageJob.
    pub const FINALIZER: &str = "tessera.dev/scratch";
    /// Metadata key of a published object: UID of the ImageJob that made it.
    pub const PUBLISHED_BY: &str = "tessera-job";
}

/// Characters of a label's value, and of a pod's host name.
const LABEL: usize = 63;

/// What is kept of an ImageJob's name in the names of its objects: with hash, stage and a five-digit index it stays below 63.
const STEM: usize = 36;

/// A value that fits in a label: `name`, cut to 63 characters and never ending in a separator.
pub fn label_value(name: &str) -> String {
    cut(name, LABEL)
}

/// The name of the batch/v1 Job that runs `stage` of the ImageJob `name` with UID `uid`.
pub fn job(name: &str, uid: &str, stage: &str) -> String {
    format!("{}-{}-{stage}", cut(&name.replace('.', "-"), STEM), &sha256(uid.as_bytes())[..8])
}

/// The name of the ConfigMap that holds the plan.
pub fn plan(name: &str, uid: &str) -> String {
    job(name, uid, "plan")
}

fn cut(name: &str, length: usize) -> String {
    let end = name.char_indices().nth(length).map_or(name.len(), |(at, _)| at);
    name[..end].trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

/// Keys in scratch, all below `<scratch>/<uid>/`. `scratch` is a key prefix that is empty or ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    prefix: String,
}

impl Scratch {
    /// The scratch of the ImageJob with UID `uid`.
    pub fn new(scratch: &str, uid: &str) -> Scratch {
        Scratch { prefix: format!("{scratch}{uid}/") }
    }

    /// The prefix of everything, ending in `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The prefix of a stage, ending in `/`.
    pub fn stage(&self, stage: &str) -> String {
        format!("{}{stage}/", self.prefix)
    }

    /// A piece's data.
    pub fn data(&self, stage: &str, shard: u32, piece: u32) -> String {
        format!("{}{stage}/{shard}/{piece}.data", self.prefix)
    }

    /// A piece's record.
    pub fn record(&self, stage: &str, shard: u32, piece: u32) -> String {
        format!("{}{stage}/{shard}/{piece}.json", self.prefix)
    }

    /// A shard's manifest.
    pub fn manifest(&self, stage: &str, shard: u32) -> String {
        format!("{}{stage}/{shard}/manifest.json", self.prefix)
    }

    /// What a key of this scratch stands for; `None` for anything else.
    pub fn parse(&self, key: &str) -> Option<ScratchKey> {
        let mut parts = key.strip_prefix(&self.prefix)?.split('/');
        let (stage, shard, file) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let entry = match file.split_once('.')? {
            ("manifest", "json") => Entry::Manifest,
            ("progress", "json") => Entry::Progress,
            (number, "json") => Entry::Record(number.parse().ok()?),
            (number, "data") => Entry::Data(number.parse().ok()?),
            _ => return None,
        };
        Some(ScratchKey { stage: stage.to_owned(), shard, entry })
    }

    /// The object in which a stage of one pod tells how many tiles it has done.
    pub fn progress(&self, stage: &str) -> String {
        format!("{}{stage}/0/progress.json", self.prefix)
    }
}

/// A key of scratch, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScratchKey {
    /// Name of the stage.
    pub stage: String,
    /// Shard number.
    pub shard: u32,
    /// Which object of the shard.
    pub entry: Entry,
}

/// An object of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The shard's manifest.
    Manifest,
    /// Progress of a stage of one pod.
    Progress,
    /// The record of a piece.
    Record(u32),
    /// The data of a piece.
    Data(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_long_jobs_fit_and_do_not_collide() {
        let long = "a".repeat(253);
        let (one, two) = (job(&long, "uid-1", "assemble"), job(&long, "uid-2", "assemble"));
        assert!(one.len() + "-99999".len() <= LABEL, "{one}");
        assert_ne!(one, two);
        assert_eq!(label_value(&format!("{}.x", "b".repeat(62))), "b".repeat(62));
    }

    #[test]
    fn keys_are_taken_apart_as_they_were_made() {
        let scratch = Scratch::new(".tessera/", "u");
        let check = |key: String, entry| {
            let expected = ScratchKey { stage: "tiles".into(), shard: 3, entry };
            assert_eq!(scratch.parse(&key), Some(expected));
        };
        check(scratch.data("tiles", 3, 7), Entry::Data(7));
        check(scratch.record("tiles", 3, 7), Entry::Record(7));
        check(scratch.manifest("tiles", 3), Entry::Manifest);
        assert_eq!(scratch.parse(".tessera/other/tiles/3/manifest.json"), None);
        assert_eq!(scratch.parse(".tessera/u/tiles/x/manifest.json"), None);
    }
}
