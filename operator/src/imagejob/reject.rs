//! An ImageJob that this version cannot read: told in its own status, and nobody else's work is stopped.

use crate::context::Ctx;
use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use tessera_api::ImageJob;
use tessera_core::name::label;
use tessera_core::reason::Reason;

/// Says why the object is not accepted.
pub(crate) async fn unreadable(ctx: &Ctx, invalid: &InvalidObject) -> kube::Result<Action> {
    let namespace = invalid.metadata.namespace.clone().unwrap_or_default();
    let resource = ApiResource::erase::<ImageJob>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), &namespace, &resource);
    let name = invalid.metadata.name.clone().unwrap_or_default();
    let told = api.get_opt(&name).await?;
    if let Some(object) = told.as_ref().filter(|object| object.metadata.deletion_timestamp.is_some()) {
        // Nothing of it is understood, so nothing can be cleaned; but it must not stand in the way of its deletion.
        ctx.metrics.orphans.inc();
        release(&api, object).await?;
        return Ok(Action::await_change());
    }
    let message = format!("this version of Tessera does not understand the ImageJob: {}", invalid.error);
    if told.is_some_and(|object| already_told(&object, &message)) {
        return Ok(Action::await_change());
    }
    let patch = serde_json::json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "status": { "conditions": [{
            "type": "Accepted",
            "status": "False",
            "reason": Reason::InvalidSpec.as_str(),
            "message": message,
            "lastTransitionTime": Timestamp::from_second(ctx.now().as_second()).unwrap_or_default(),
        }]}
    });
    let params = PatchParams::apply("tessera-reject").force();
    crate::objects::gone_is_fine(api.patch_status(&name, &params, &Patch::Apply(patch)).await)?;
    Ok(Action::await_change())
}

async fn release(api: &Api<DynamicObject>, object: &DynamicObject) -> kube::Result<()> {
    let rest: Vec<&String> = object.finalizers().iter().filter(|one| *one != label::FINALIZER).collect();
    let patch = serde_json::json!({
        "metadata": { "finalizers": rest, "resourceVersion": object.resource_version() }
    });
    let patched = api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
    crate::objects::gone_is_fine(patched)
}

fn already_told(object: &DynamicObject, message: &str) -> bool {
    let conditions = object.data.pointer("/status/conditions").and_then(serde_json::Value::as_array);
    tracing::debug!(name = object.name_any(), "an ImageJob is not understood");
    conditions
        .into_iter()
        .flatten()
        .any(|one| one.get("message").and_then(serde_json::Value::as_str) == Some(message))
}
