//! What the operator and the API server count of themselves, in the text form of Prometheus. It reads only.

use crate::record::Counters;
use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::Request;
use kube::{Api, Client, ResourceExt};
use std::collections::BTreeMap;
use tessera_e2e::report::{OPERATOR_LABELS, OPERATOR_NAMESPACE};

/// One line of metrics: its labels as they stand between the braces, and its value.
type Line<'a> = (&'a str, f64);

/// Text of metrics.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Of the API server.
    pub(crate) async fn of_api_server(client: &Client) -> Result<Metrics> {
        fetch(client, "").await
    }

    /// Of the operator that runs.
    pub(crate) async fn of_operator(client: &Client) -> Result<Metrics> {
        let pod = operator(client).await?.name_any();
        fetch(client, &format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy")).await
    }

    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Line<'a>> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once("} ")?,
                None => ("", rest.strip_prefix(' ')?),
            };
            Some((labels, value.split(' ').next()?.parse().ok()?))
        })
    }

    /// The sum of a metric over the lines whose labels hold this text.
    pub(crate) fn sum(&self, name: &str, labels: &str) -> f64 {
        self.lines(name).filter(|(has, _)| has.contains(labels)).map(|(_, value)| value).sum()
    }

    /// A metric by its labels.
    pub(crate) fn by_labels(&self, name: &str) -> BTreeMap<String, f64> {
        self.lines(name).map(|(labels, value)| (labels.to_owned(), value)).collect()
    }

    /// The calls by verb and resource.
    pub(crate) fn requests(&self) -> BTreeMap<(String, String), f64> {
        let mut all = BTreeMap::new();
        for (labels, value) in self.lines("apiserver_request_total") {
            let mut resource = label(labels, "resource");
            let part = label(labels, "subresource");
            if !part.is_empty() {
                resource = format!("{resource}/{part}");
            }
            *all.entry((label(labels, "verb"), resource)).or_insert(0.0) += value;
        }
        all
    }

    /// What is followed of the operator.
    pub(crate) fn counters(&self) -> Counters {
        let of = |kind: &str| {
            let labels = format!("kind=\"{kind}\"");
            (
                self.sum("tessera_reconciles_total", &labels),
                self.sum("tessera_reconcile_seconds_sum", &labels),
            )
        };
        Counters {
            jobs: of("ImageJob"),
            pools: of("WorkerPool"),
            failures: self.sum("tessera_reconcile_failures_total", ""),
            requests: self.sum("tessera_api_requests_total", ""),
        }
    }
}

/// The operator's pod.
pub(crate) async fn operator(client: &Client) -> Result<Pod> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let pods = pods.list(&ListParams::default().labels(OPERATOR_LABELS)).await?.items;
    let runs = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
    pods.into_iter().find(runs).context("no operator runs: make install")
}

async fn fetch(client: &Client, at: &str) -> Result<Metrics> {
    let request = Request::new(at).get("metrics", &Default::default())?;
    Ok(Metrics(client.request_text(request).await?))
}

/// The value of one label.
fn label(labels: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let found = labels.split(',').find_map(|label| label.strip_prefix(start.as_str()));
    found.unwrap_or_default().trim_end_matches('"').to_owned()
}
