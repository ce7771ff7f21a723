//! Keeps the certificate in its Secret, which all replicas share, and its CA in the APIService. Writes to nothing else, and
//! to the APIService only where it points to this operator's own Service.

use super::certificate::{self, Serving, Texts};
use crate::context::Ctx;
use crate::objects::{MANAGER, causes};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch::Sender;

/// Name of the APIService.
const API_SERVICE: &str = "v1beta1.external.metrics.k8s.io";

/// Time between two looks when all is well.
const CALM: Duration = Duration::from_secs(10);

/// Time until the next look when something is not in place.
const BUSY: Duration = Duration::from_secs(2);

/// A look that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A step of the upkeep failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read the Secret {name}, which the chart makes empty")]
    Read { name: String, source: kube::Error },
    #[error("cannot make a certificate")]
    Make(#[source] certificate::Error),
    #[error("cannot write the certificate to the Secret {name}")]
    Write { name: String, source: kube::Error },
    #[error("cannot read the APIService {API_SERVICE}")]
    ReadApiService(#[source] kube::Error),
    #[error("the APIService {API_SERVICE} belongs to somebody else ({0}): it is left alone")]
    Foreign(String),
    #[error("cannot write the CA to the APIService {API_SERVICE}")]
    WriteApiService(#[source] kube::Error),
    #[error("the API server has not answered within {} s", TIMEOUT.as_secs())]
    Timeout,
}

/// Runs for as long as the process lives, and tells of each new certificate.
pub(super) async fn keep(ctx: &Ctx, service: &str, certificate: Sender<Option<Serving>>) {
    loop {
        let look = tokio::time::timeout(TIMEOUT, look(ctx, service, &certificate));
        let in_place = look.await.unwrap_or(Err(Error::Timeout)).unwrap_or_else(|error| {
            tracing::warn!(error = %causes(&error), "external metrics");
            false
        });
        tokio::time::sleep(if in_place { CALM } else { BUSY }).await;
    }
}

/// One look; whether all was in place. A new CA is known to the API server before the certificate is served.
async fn look(ctx: &Ctx, service: &str, certificate: &Sender<Option<Serving>>) -> Result<bool, Error> {
    let Some(serving) = shared(ctx, service).await? else { return Ok(false) };
    let trusted = trusted(ctx, service, &serving.ca).await;
    if trusted.is_ok() || certificate.borrow().is_none() {
        certificate.send_if_modified(|held| {
            let same = held.as_ref().is_some_and(|held| held.key.cert == serving.key.cert);
            *held = Some(serving);
            !same
        });
    }
    trusted
}

/// The certificate that all replicas share; `None` if it had to be made and another replica was faster.
async fn shared(ctx: &Ctx, service: &str) -> Result<Option<Serving>, Error> {
    let secrets: Api<Secret> = Api::namespaced(ctx.client.clone(), &ctx.config.namespace);
    let read = |source| Error::Read { name: service.to_owned(), source };
    let secret = secrets.get(service).await.map_err(read)?;
    let held = Texts::from_data(&secret.data.unwrap_or_default());
    if let Some(serving) = held.as_ref().ok().and_then(|texts| texts.read().ok())
        && !serving.is_due(ctx.now())
    {
        return Ok(Some(serving));
    }
    let host = format!("{service}.{}.svc", ctx.config.namespace);
    let texts = Texts::new(&host, held.as_ref().ok(), ctx.now()).map_err(Error::Make)?;
    let serving = texts.read().map_err(Error::Make)?;
    let version = secret.metadata.resource_version;
    let patch = json!({ "metadata": { "resourceVersion": version }, "data": texts.into_data() });
    match secrets.patch(service, &by_us(), &Patch::Merge(patch)).await {
        Ok(_) => {
            tracing::info!(secret = service, "a new certificate of the external metrics API");
            Ok(Some(serving))
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(source) => Err(Error::Write { name: service.to_owned(), source }),
    }
}

/// Sees to it that the API server trusts this CA; `false` if there is no APIService (yet).
async fn trusted(ctx: &Ctx, service: &str, ca: &[u8]) -> Result<bool, Error> {
    let services: Api<APIService> = Api::all(ctx.client.clone());
    let Some(found) = services.get_opt(API_SERVICE).await.map_err(Error::ReadApiService)? else {
        return Ok(false);
    };
    let spec = found.spec.unwrap_or_default();
    let name = spec.service.unwrap_or_default();
    let (name, namespace) = (name.name.unwrap_or_default(), name.namespace.unwrap_or_default());
    if (name.as_str(), namespace.as_str()) != (service, ctx.config.namespace.as_str()) {
        return Err(Error::Foreign(format!("Service {name} in namespace {namespace}")));
    }
    let ca = ByteString(ca.to_vec());
    if spec.ca_bundle.as_ref() == Some(&ca) {
        return Ok(true);
    }
    // With the version that was looked at: it may be another one's by now.
    let version = found.metadata.resource_version;
    let patch = json!({ "metadata": { "resourceVersion": version }, "spec": { "caBundle": ca } });
    match services.patch(API_SERVICE, &by_us(), &Patch::Merge(patch)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(source) => Err(Error::WriteApiService(source)),
    }
}

fn by_us() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}
