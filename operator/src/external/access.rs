//! What a user may ask for: the API server is asked, and its answers are remembered for a short while.

use super::api::{GROUP, Metric, VERSION};
use super::proxy::User;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is remembered.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Answers that are remembered at most.
const ANSWERS: usize = 1000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    pub(super) user: User,
    pub(super) namespace: String,
    pub(super) metric: Metric,
}

/// The answers to questions of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Access(Mutex<BTreeMap<Question, (Instant, bool)>>);

impl Access {
    /// Whether the user may read the metric in the namespace.
    ///
    /// # Errors
    /// The API server does not answer.
    pub(super) async fn allows(&self, client: &Client, question: Question) -> kube::Result<bool> {
        if let Some(answer) = self.remembered(&question, Instant::now()) {
            return Ok(answer);
        }
        let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
        let answer = reviews.create(&PostParams::default(), &review(&question)).await?;
        let allowed = answer.status.is_some_and(|status| status.allowed);
        self.remember(question, Instant::now(), allowed);
        Ok(allowed)
    }

    fn remembered(&self, question: &Question, now: Instant) -> Option<bool> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (time, allowed) = answers.get(question)?;
        (now.duration_since(*time) < REMEMBERED).then_some(*allowed)
    }

    fn remember(&self, question: Question, now: Instant, allowed: bool) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS {
            answers.retain(|_, (time, _)| now.duration_since(*time) < REMEMBERED);
        }
        if answers.len() < ANSWERS {
            answers.insert(question, (now, allowed));
        }
    }
}

fn review(question: &Question) -> SubjectAccessReview {
    let user = question.user.clone();
    let resource = ResourceAttributes {
        namespace: Some(question.namespace.clone()),
        // A GET without a name, as Kubernetes counts it.
        verb: Some("list".to_owned()),
        group: Some(GROUP.to_owned()),
        version: Some(VERSION.to_owned()),
        resource: Some(question.metric.name().to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: Some(user.name),
        uid: user.uid,
        groups: Some(user.groups),
        extra: Some(user.extra),
        resource_attributes: Some(resource),
        non_resource_attributes: None,
    };
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(user: &str) -> Question {
        let user = User { name: user.into(), uid: None, groups: Vec::new(), extra: BTreeMap::new() };
        Question { user, namespace: "n".into(), metric: Metric::QueueDepth }
    }

    #[test]
    fn an_answer_is_remembered_for_its_user_and_not_for_long() {
        let (access, then) = (Access::default(), Instant::now());
        access.remember(question("ann"), then, true);
        assert_eq!(access.remembered(&question("ann"), then + REMEMBERED / 2), Some(true));
        assert_eq!(access.remembered(&question("bob"), then), None);
        assert_eq!(access.remembered(&question("ann"), then + REMEMBERED), None);
    }

    #[test]
    fn not_more_than_so_many_answers_are_remembered() {
        let (access, then) = (Access::default(), Instant::now());
        for number in 0..ANSWERS + 10 {
            access.remember(question(&number.to_string()), then, true);
        }
        assert_eq!(access.0.lock().unwrap().len(), ANSWERS);
        access.remember(question("later"), then + REMEMBERED, false);
        assert_eq!(access.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn the_review_asks_for_the_metric_as_a_resource() {
        let spec = review(&question("ann")).spec;
        let resource = spec.resource_attributes.unwrap();
        assert_eq!(spec.user.as_deref(), Some("ann"));
        assert_eq!(resource.resource.as_deref(), Some("tessera_queue_depth"));
        assert_eq!(resource.group.as_deref(), Some("external.metrics.k8s.io"));
    }
}
