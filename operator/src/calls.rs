//! Counts the operator's calls of the Kubernetes API, as a layer of its client. It changes no request and no answer; a call
//! that the client repeats by itself is counted once.

use axum::http::{Method, Request, Response, Uri};
use kube::client::Body;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// The counters. A clone counts on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(pub(crate) Family<Call, Counter>);

/// What was asked for, in the words of Kubernetes' own audit log, and the answer's status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Call {
    verb: &'static str,
    /// The plural, with the subresource if there is one: `imagejobs/status`.
    resource: String,
    /// The HTTP status, or `none` where no answer came.
    code: String,
}

impl<S> Layer<S> for Calls {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, calls: self.clone() }
    }
}

/// A service whose calls are counted.
#[derive(Debug, Clone)]
pub(crate) struct Counted<S> {
    inner: S,
    calls: Calls,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (verb, resource) = describe(request.method(), request.uri());
        let calls = self.calls.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code =
                answer.as_ref().map_or_else(|_| "none".to_owned(), |one| one.status().as_str().to_owned());
            calls.0.get_or_create(&Call { verb, resource, code }).inc();
            answer
        })
    }
}

/// Verb and resource of a request. Names are left out, so that there are few.
fn describe(method: &Method, uri: &Uri) -> (&'static str, String) {
    let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => &[],
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    let resource = match rest {
        [] => "none".to_owned(),
        [resource] | [resource, _] => (*resource).to_owned(),
        [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
    };
    let watches =
        uri.query().unwrap_or_default().split('&').any(|one| one == "watch=true" || one == "watch=1");
    (verb(method, rest.len() > 1, watches), resource)
}

fn verb(method: &Method, named: bool, watches: bool) -> &'static str {
    match *method {
        Method::GET if watches => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        Method::DELETE => "deletecollection",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, uri: &str, verb: &str, resource: &str) {
        let uri = uri.parse().unwrap();
        assert_eq!(describe(&method, &uri), (verb, resource.to_owned()), "{uri}");
    }

    #[test]
    fn a_request_is_told_by_verb_and_resource_without_names() {
        let jobs = "/apis/tessera.dev/v1alpha1/namespaces/lab/imagejobs";
        check(Method::GET, &format!("{jobs}/slide?"), "get", "imagejobs");
        check(Method::PATCH, &format!("{jobs}/slide/status?&force=true"), "patch", "imagejobs/status");
        check(
            Method::GET,
            "/apis/tessera.dev/v1alpha1/imagejobs?&watch=true&timeoutSeconds=45",
            "watch",
            "imagejobs",
        );
        check(Method::GET, "/api/v1/namespaces/lab/pods?&labelSelector=a%3Db", "list", "pods");
        check(Method::POST, "/api/v1/namespaces/lab/configmaps", "create", "configmaps");
        check(Method::DELETE, "/apis/batch/v1/namespaces/lab/jobs/a-tiles", "delete", "jobs");
        check(Method::GET, "/api/v1/namespaces/lab", "get", "namespaces");
        check(Method::GET, "/version", "list", "none");
    }
}
