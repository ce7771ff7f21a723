//! Which worker pods are given up because their node is lost. Pure.
//! Shards are idempotent: a pod that was given up and works on, where nobody sees it, does no harm.

/// Seconds after its time that a pod is waited for where nodes cannot be read: a kubelet that is alive needs some to end it
/// and to say so.
const PATIENCE: i64 = 10;

/// What is known of a pod's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// Its agent answers, whether the node is ready or not: it ends its pods itself.
    Answers,
    /// It has been silent for so long that the cluster calls it unreachable.
    Silent,
    /// It does not exist any more.
    Gone,
    /// Nodes may not be read here.
    Hidden,
}

/// What is known of a worker pod that was given to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pod {
    /// Whether it has succeeded or failed.
    pub ended: bool,
    /// Whether it is marked for deletion, and when it should be gone.
    pub deletion: Option<Deletion>,
    /// Whether the cluster took it off its node because of the node's state.
    pub driven_off: bool,
}

/// A mark for deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// Unix seconds at which the pod should be gone.
    pub due: i64,
    /// Whether nobody is waited for: the pod goes as soon as its last finalizer does.
    pub forced: bool,
}

/// What is to be done with a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Keep,
    /// It is marked as failed by a disruption, so that its shard can be given to another, and then removed.
    GiveUp,
    /// It has ended, and only its object is left, for which nobody else will care.
    Remove,
}

/// Judges one pod at the time `now`, in Unix seconds. A pod on a silent node is given up only when it is marked for
/// deletion: how long it may wait for its node to come back is for its tolerations to say.
pub fn judge(pod: Pod, node: Node, now: i64) -> Verdict {
    let lost = match node {
        Node::Answers => false,
        Node::Silent => pod.deletion.is_some(),
        Node::Gone => true,
        Node::Hidden => pod.driven_off && pod.deletion.is_some_and(|mark| mark.due + PATIENCE <= now),
    };
    match pod.deletion {
        _ if !lost => Verdict::Keep,
        _ if !pod.ended => Verdict::GiveUp,
        Some(Deletion { forced: false, .. }) => Verdict::Remove,
        Some(Deletion { forced: true, .. }) | None => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1000;

    const RUNNING: Pod = Pod { ended: false, deletion: None, driven_off: false };

    fn marked(pod: Pod, due: i64) -> Pod {
        Pod { deletion: Some(Deletion { due, forced: false }), ..pod }
    }

    fn ended(pod: Pod) -> Pod {
        Pod { ended: true, ..pod }
    }

    fn check(pod: Pod, expected: [(Node, Verdict); 4]) {
        for (node, verdict) in expected {
            assert_eq!(judge(pod, node, NOW), verdict, "{pod:?} on a node that is {node:?}");
        }
    }

    use Node::{Answers, Gone, Hidden, Silent};
    use Verdict::{GiveUp, Keep, Remove};

    #[test]
    fn a_pod_that_nobody_deletes_waits_for_its_node_unless_that_is_gone() {
        check(RUNNING, [(Answers, Keep), (Silent, Keep), (Gone, GiveUp), (Hidden, Keep)]);
    }

    #[test]
    fn a_deleted_pod_is_given_up_before_its_time_where_no_one_could_end_it() {
        check(marked(RUNNING, NOW + 15), [(Answers, Keep), (Silent, GiveUp), (Gone, GiveUp), (Hidden, Keep)]);
    }

    #[test]
    fn a_node_that_answers_ends_its_pods_however_long_that_takes() {
        let late = Pod { driven_off: true, ..marked(RUNNING, NOW - 600) };
        check(late, [(Answers, Keep), (Silent, GiveUp), (Gone, GiveUp), (Hidden, GiveUp)]);
    }

    #[test]
    fn where_nodes_are_hidden_only_a_pod_that_was_driven_off_and_is_late_is_given_up() {
        let driven_off = |due| Pod { driven_off: true, ..marked(RUNNING, due) };
        assert_eq!(judge(driven_off(NOW - PATIENCE), Hidden, NOW), GiveUp);
        assert_eq!(judge(driven_off(NOW - PATIENCE + 1), Hidden, NOW), Keep);
        assert_eq!(judge(marked(RUNNING, NOW - 600), Hidden, NOW), Keep);
        assert_eq!(judge(Pod { driven_off: true, ..RUNNING }, Hidden, NOW), Keep);
    }

    #[test]
    fn a_pod_that_has_ended_keeps_its_result_and_only_loses_its_object() {
        check(ended(RUNNING), [(Answers, Keep), (Silent, Keep), (Gone, Keep), (Hidden, Keep)]);
        check(
            ended(marked(RUNNING, NOW + 15)),
            [(Answers, Keep), (Silent, Remove), (Gone, Remove), (Hidden, Keep)],
        );
    }

    #[test]
    fn what_was_given_up_is_done_with() {
        let forced = Pod { deletion: Some(Deletion { due: NOW, forced: true }), ..RUNNING };
        check(ended(forced), [(Answers, Keep), (Silent, Keep), (Gone, Keep), (Hidden, Keep)]);
        // Deleted by force and not marked as failed: its Job would wait for ever.
        check(forced, [(Answers, Keep), (Silent, GiveUp), (Gone, GiveUp), (Hidden, Keep)]);
    }
}
