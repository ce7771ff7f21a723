//! What the page sends to have a job made, and the ImageJob that it becomes. Pure but for the random names.

use super::names;
use crate::config::{Config, RESULT_DAYS};
use crate::identity::User;
use crate::refusal::{Refusal, Result};
use crate::{access, catalog};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tessera_api::uri::Locations;
use tessera_api::{GROUP, Problem, VERSION, ValidJob, parse_job, validate};
use tessera_store::Location;
use utoipa::ToSchema;

/// The longest title of a job.
const TITLE: usize = 200;

/// What to make of an image.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct JobRequest {
    /// The identifier of the image.
    pub(crate) source: String,
    /// Which image of a TIFF of several pages, counted from 0.
    #[serde(default)]
    pub(crate) page: u32,
    /// The chain, as an ImageJob has it.
    #[serde(default)]
    pub(crate) operations: Vec<Value>,
    /// The format of the result.
    pub(crate) output: OutputAsked,
    /// What the user calls it.
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// The format of a result.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub(crate) struct OutputAsked {
    /// One of the names that the configuration lists.
    pub(crate) format: String,
    /// Such as `{"quality": 90}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) options: Map<String, Value>,
}

/// What a job is made of, beside the request.
pub(crate) struct Source<'a> {
    pub(crate) at: &'a Location,
    /// The name of its file.
    pub(crate) name: &'a str,
}

/// A checked job, ready to be sent.
pub(crate) struct Prepared {
    /// Just what is written; all else has its default.
    pub(crate) manifest: Value,
    pub(crate) valid: ValidJob,
}

/// Makes the ImageJob of a request, and checks it as the API server and the operator will.
///
/// # Errors
/// Everything that is wrong, in one sentence each.
pub(crate) fn prepare(
    config: &Config,
    user: &User,
    request: &JobRequest,
    source: &Source<'_>,
) -> Result<Prepared> {
    let kinds = catalog::outputs();
    let kind = kinds.iter().find(|kind| kind.name == request.output.format).ok_or_else(|| {
        let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        Refusal::chain(format!(
            "there is no format {}: choose one of {}",
            request.output.format,
            known.join(", ")
        ))
    })?;
    let result = access::results(config, user).object(&format!("{}.{}", names::random(), kind.ext));
    let result = result.map_err(|error| Refusal::internal(&error))?;
    let names_of: Vec<String> =
        request.operations.iter().filter_map(|one| one.as_object()?.keys().next().cloned()).collect();
    let title = request.name.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let mut annotations = json!({ names::SOURCE_NAME: cut(source.name) });
    if let Some(title) = title {
        annotations[names::TITLE] = cut(title).into();
    }
    let manifest = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ImageJob",
        "metadata": {
            "name": names::job_name(&names_of),
            "namespace": config.namespace,
            "labels": { names::OWNER: user.owner, names::MANAGED_BY: names::MANAGER },
            "annotations": annotations,
        },
        "spec": {
            "pool": config.pool,
            "source": of_source(source.at, request.page),
            "operations": request.operations,
            "output": { "uri": result.to_string(), request.output.format.as_str(): request.output.options },
            "ttlSecondsAfterFinished": u64::from(RESULT_DAYS) * 86_400,
        },
    });
    let valid = checked(&manifest)?;
    Ok(Prepared { manifest, valid })
}

/// The first page is what is meant without one.
fn of_source(at: &Location, page: u32) -> Value {
    let mut source = json!({ "uri": at.to_string() });
    if page > 0 {
        source["page"] = page.into();
    }
    source
}

/// Texts of users are kept short, and on one line.
fn cut(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(TITLE).collect()
}

/// The typed form of a manifest, with all its fields known and within their bounds.
fn checked(manifest: &Value) -> Result<ValidJob> {
    // JSON is YAML.
    let job = parse_job(&manifest.to_string()).map_err(told)?;
    validate(&job.spec, Locations::Cluster).map_err(told)
}

#[expect(clippy::needless_pass_by_value, reason = "the form of an error that is mapped")]
fn told(problems: Vec<Problem>) -> Refusal {
    let texts: Vec<String> =
        problems.iter().map(|problem| problem.to_string().replacen("spec.", "", 1)).collect();
    Refusal::chain(texts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn prepared(operations: Value, output: Value) -> Result<Prepared> {
        prepared_of(
            json!({ "source": "x", "operations": operations, "output": output, "name": " A\ntitle " }),
        )
    }

    fn prepared_of(request: Value) -> Result<Prepared> {
        let config = Config::parse_from(["frontend"]);
        let at = "s3://images/photo.jpg".parse().unwrap();
        let source = Source { at: &at, name: "My photo.jpg" };
        prepare(&config, &User::new("ada"), &serde_json::from_value(request).unwrap(), &source)
    }

    #[test]
    fn a_request_becomes_an_imagejob_with_nothing_of_the_user_in_its_key() {
        let job =
            prepared(json!([{"crop": {"x": 1, "y": 2, "width": 3, "height": 4}}]), json!({"format": "png"}));
        let manifest = job.unwrap().manifest;
        assert_eq!(manifest["metadata"]["annotations"][names::TITLE], "Atitle");
        assert_eq!(manifest["metadata"]["annotations"][names::SOURCE_NAME], "My photo.jpg");
        assert_eq!(manifest["spec"]["ttlSecondsAfterFinished"], 2_592_000);
        let key = manifest["spec"]["output"]["uri"].as_str().unwrap();
        let owner = User::new("ada").owner;
        assert!(key.starts_with(&format!("s3://results/page/{owner}/")) && key.ends_with(".png"), "{key}");
        assert_eq!(manifest["spec"]["output"]["png"], json!({}));
    }

    #[test]
    fn a_page_of_the_source_is_named_only_where_it_is_not_the_first() {
        let source = |page: Value| {
            let request = json!({ "source": "x", "page": page, "output": {"format": "png"} });
            prepared_of(request)
                .map(|prepared| (prepared.manifest["spec"]["source"].clone(), prepared.valid.page))
        };
        assert_eq!(source(json!(0)).unwrap(), (json!({"uri": "s3://images/photo.jpg"}), 0));
        assert_eq!(source(json!(2)).unwrap(), (json!({"uri": "s3://images/photo.jpg", "page": 2}), 2));
        assert!(source(json!(70_000)).err().unwrap().message.contains("source.page"));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_right() {
        let refused = |operations, output| prepared(operations, output).err().unwrap().message;
        let png = json!({"format": "png"});
        assert!(refused(json!([{"gausianBlur": {}}]), png.clone()).contains("gaussianBlur"));
        assert!(refused(json!([{"gaussianBlur": {"sigma": 500}}]), png).contains("from 0.1 to 100"));
        assert!(refused(json!([]), json!({"format": "gif"})).contains("choose one of"));
        let quality = refused(json!([]), json!({"format": "jpeg", "options": {"quality": 101}}));
        assert!(quality.contains("output.jpeg.quality"), "{quality}");
        let strange = refused(json!([]), json!({"format": "jpeg", "options": {"uri": "s3://x"}}));
        assert!(strange.contains("uri"), "{strange}");
    }
}
