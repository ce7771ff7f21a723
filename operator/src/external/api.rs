//! The answers of `external.metrics.k8s.io/v1beta1`, as JSON, from the figures of pools. Pure.

use crate::figures::PoolFigures;
use axum::http::StatusCode;
use jiff::Timestamp;
use kube::core::{Selector, SelectorExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The group.
pub(super) const GROUP: &str = "external.metrics.k8s.io";

/// Its only version.
pub(super) const VERSION: &str = "v1beta1";

/// What an autoscaler can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Metric {
    QueueDepth,
    TilesOutstanding,
}

impl Metric {
    const ALL: [Metric; 2] = [Metric::QueueDepth, Metric::TilesOutstanding];

    /// The metric of this name.
    pub(super) fn named(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Its name, the same as on /metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Metric::QueueDepth => "tessera_queue_depth",
            Metric::TilesOutstanding => "tessera_tiles_outstanding",
        }
    }

    fn of(self, pool: &PoolFigures) -> u64 {
        match self {
            Metric::QueueDepth => pool.queue_depth.into(),
            Metric::TilesOutstanding => pool.tiles_outstanding,
        }
    }
}

/// `GET /apis`.
pub(super) fn groups() -> Value {
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group()] })
}

/// `GET /apis/external.metrics.k8s.io`.
pub(super) fn group() -> Value {
    let version = json!({ "groupVersion": format!("{GROUP}/{VERSION}"), "version": VERSION });
    json!({
        "kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": [version], "preferredVersion": version,
    })
}

/// `GET /apis/external.metrics.k8s.io/v1beta1`. The only verb is get: what can be listed, the garbage collector and the
/// deletion of namespaces would list.
pub(super) fn resources() -> Value {
    let resource = |metric: Metric| {
        json!({
            "name": metric.name(), "singularName": "", "namespaced": true,
            "kind": "ExternalMetricValueList", "verbs": ["get"],
        })
    };
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/{VERSION}"),
        "resources": Metric::ALL.map(resource),
    })
}

/// The metric of the namespace's pools that `selector` selects by their label `pool`. A pool whose figures are not known
/// is left out: an autoscaler that gets nothing keeps the size.
pub(super) fn values(
    metric: Metric,
    namespace: &str,
    selector: &Selector,
    pools: &[PoolFigures],
    now: Timestamp,
) -> Value {
    let labels = |pool: &PoolFigures| BTreeMap::from([("pool".to_owned(), pool.pool.clone())]);
    let chosen = pools.iter().filter(|pool| pool.namespace == namespace && selector.matches(&labels(pool)));
    let item = |pool: &PoolFigures| {
        json!({
            "metricName": metric.name(),
            "metricLabels": labels(pool),
            "timestamp": Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
            "value": metric.of(pool).to_string(),
        })
    };
    json!({
        "kind": "ExternalMetricValueList", "apiVersion": format!("{GROUP}/{VERSION}"), "metadata": {},
        "items": chosen.map(item).collect::<Vec<Value>>(),
    })
}

/// A refusal in the form that Kubernetes' clients understand.
pub(super) fn refusal(code: StatusCode, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason(code), "code": code.as_u16(),
    })
}

fn reason(code: StatusCode) -> &'static str {
    match code {
        StatusCode::BAD_REQUEST => "BadRequest",
        StatusCode::UNAUTHORIZED => "Unauthorized",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::GATEWAY_TIMEOUT => "Timeout",
        _ => "InternalError",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external::selector::parse;

    fn pool(namespace: &str, pool: &str, depth: u32) -> PoolFigures {
        PoolFigures {
            namespace: namespace.into(),
            pool: pool.into(),
            slots: 1,
            slots_in_use: 1,
            queue_depth: depth,
            tiles_outstanding: u64::from(depth) * 1_000_000_000_000,
        }
    }

    /// The items for this selector in namespace `n`.
    fn items(metric: Metric, selector: &str) -> Vec<(String, String)> {
        let pools = [pool("n", "a", 40), pool("n", "b", 0), pool("other", "a", 7)];
        let now: Timestamp = "2026-01-02T03:04:05.6Z".parse().unwrap();
        let list = values(metric, "n", &parse(selector).unwrap(), &pools, now);
        let text = |item: &Value, path: &str| item.pointer(path).unwrap().as_str().unwrap().to_owned();
        let item = |item: &Value| (text(item, "/metricLabels/pool"), text(item, "/value"));
        list["items"].as_array().unwrap().iter().map(item).collect()
    }

    #[test]
    fn a_selector_chooses_among_the_pools_of_the_namespace() {
        let of = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(pool, value)| ((*pool).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(items(Metric::QueueDepth, "pool=a"), of(&[("a", "40")]));
        assert_eq!(items(Metric::QueueDepth, ""), of(&[("a", "40"), ("b", "0")]));
        assert_eq!(items(Metric::QueueDepth, "pool in (b,c)"), of(&[("b", "0")]));
        assert_eq!(items(Metric::TilesOutstanding, "pool=a"), of(&[("a", "40000000000000")]));
    }

    #[test]
    fn a_pool_that_is_not_there_is_no_item_and_not_zero() {
        assert_eq!(items(Metric::QueueDepth, "pool=gone"), []);
    }

    #[test]
    fn a_list_has_the_form_of_the_api() {
        let now: Timestamp = "2026-01-02T03:04:05.6Z".parse().unwrap();
        let list = values(Metric::QueueDepth, "n", &Selector::default(), &[pool("n", "a", 40)], now);
        let expected = json!({
            "kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": {},
            "items": [{
                "metricName": "tessera_queue_depth", "metricLabels": { "pool": "a" },
                "timestamp": "2026-01-02T03:04:05Z", "value": "40",
            }],
        });
        assert_eq!(list, expected);
    }

    #[test]
    fn discovery_names_every_metric_and_nothing_that_could_be_listed() {
        let parsed: k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList =
            serde_json::from_value(resources()).unwrap();
        assert_eq!(parsed.group_version, "external.metrics.k8s.io/v1beta1");
        let named: Vec<Option<Metric>> =
            parsed.resources.iter().map(|resource| Metric::named(&resource.name)).collect();
        assert_eq!(named, Metric::ALL.map(Some));
        assert!(parsed.resources.iter().all(|resource| resource.namespaced && resource.verbs == ["get"]));
        assert_eq!(groups()["groups"][0]["preferredVersion"]["version"], "v1beta1");
        assert_eq!(Metric::named("tessera_pool_slots"), None);
    }

    #[test]
    fn a_refusal_is_a_status_with_its_code() {
        let status = refusal(StatusCode::FORBIDDEN, "no");
        assert_eq!((status["reason"].as_str(), status["code"].as_u64()), (Some("Forbidden"), Some(403)));
    }
}
