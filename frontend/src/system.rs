//! What the pool does now: slots, queue, workers, nodes, and what they use. Figures that nobody gives are null.

use crate::app::Shared;
use crate::jobs::show;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use tessera_api::conditions::{ConditionType, get, is_true};
use tessera_api::imagejob::State as JobState;
use utoipa::ToSchema;

/// What the pool does now.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct System {
    /// Worker pods that may run at once.
    slots: u32,
    /// Of them in use.
    used: u32,
    /// Jobs that wait.
    waiting: u32,
    /// Slots that could be used.
    queue_depth: u32,
    /// Nodes with workers; null: nobody says.
    nodes: Option<usize>,
    /// Worker pods that run.
    workers: usize,
    /// Megapixels of results each second, of all jobs.
    throughput: f64,
    /// Processors in use; null: there is no metrics server.
    cpu: Option<f64>,
    /// Bytes in use.
    memory: Option<f64>,
    /// Whether jobs can be done.
    ready: bool,
    /// Why not.
    message: Option<String>,
}

/// What the pool does now.
#[utoipa::path(get, path = "/system", tag = "jobs", responses((status = 200, body = System)))]
pub(crate) async fn show(State(app): State<Shared>) -> Json<System> {
    measure(&app).await;
    Json(of(&app))
}

/// From what the watches have, and the last measurement.
pub(crate) fn of(app: &Shared) -> System {
    let pool = app.cluster.pool(&app.config.pool);
    let pods = app.cluster.workers(&app.config.pool);
    let nodes: BTreeSet<&str> =
        pods.iter().filter_map(|pod| pod.spec.as_ref()?.node_name.as_deref()).collect();
    let (cpu, memory) = app.cluster.usage();
    let status = pool.as_ref().ok().and_then(|pool| pool.status.clone()).unwrap_or_default();
    let (ready, message) = match &pool {
        Err(refusal) => (false, Some(refusal.message.clone())),
        Ok(_) if is_true(&status.conditions, ConditionType::Ready) => (true, None),
        Ok(_) => {
            let said = get(&status.conditions, ConditionType::Ready).map(|one| one.message.clone());
            (false, said.or_else(|| Some("the pool is not ready yet: wait a moment".to_owned())))
        }
    };
    System {
        slots: pool.as_ref().map_or(0, |pool| pool.spec.replicas),
        used: status.in_use,
        waiting: status.waiting,
        queue_depth: status.queue_depth,
        nodes: Some(nodes.len()),
        workers: pods.len(),
        throughput: throughput(app),
        cpu,
        memory,
        ready,
        message,
    }
}

/// Of all jobs that run.
fn throughput(app: &Shared) -> f64 {
    let jobs = app.cluster.jobs();
    let running = jobs.iter().filter(|job| !show::has_ended(job)).filter_map(|job| job.status.as_ref());
    let running = running.filter(|status| status.state == Some(JobState::Running));
    let all: f64 = running.filter_map(|status| megapixels(status.throughput.as_deref()?)).sum();
    (all * 10.0).round() / 10.0
}

/// Of a text such as `412 MP/s` or `1.2 GP/s`.
fn megapixels(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once(' ')?;
    let factor = match unit.chars().next()? {
        'G' => 1000.0,
        'M' => 1.0,
        'k' => 0.001,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// Asks the metrics server what the workers use.
pub(crate) async fn measure(app: &Shared) {
    let measured = app.cluster.pod_metrics(&app.config.pool).await;
    app.cluster.set_usage(measured.as_ref().map(sum));
}

/// Processors and bytes of all containers.
fn sum(metrics: &Value) -> (f64, f64) {
    let pods = metrics["items"].as_array().into_iter().flatten();
    let containers = pods.flat_map(|pod| pod["containers"].as_array().into_iter().flatten());
    containers.fold((0.0, 0.0), |(cpu, memory), container| {
        let usage = |key: &str| quantity(container["usage"][key].as_str().unwrap_or("0"));
        (cpu + usage("cpu"), memory + usage("memory"))
    })
}

/// A Kubernetes quantity as a number.
fn quantity(text: &str) -> f64 {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    number.parse::<f64>().unwrap_or(0.0) * factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_summed_over_containers() {
        let metrics = serde_json::json!({"items": [
            {"containers": [{"usage": {"cpu": "250m", "memory": "1Mi"}}]},
            {"containers": [{"usage": {"cpu": "500000000n", "memory": "2Mi"}}]},
        ]});
        let (cpu, memory) = sum(&metrics);
        assert!((cpu - 0.75).abs() < 1e-9 && (memory - 3.0 * 1024.0 * 1024.0).abs() < 1.0);
        assert_eq!(megapixels("412 MP/s"), Some(412.0));
        assert_eq!(megapixels("1.5 GP/s"), Some(1500.0));
    }
}
