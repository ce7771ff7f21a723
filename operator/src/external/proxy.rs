//! Who asks: the API server's aggregator shows its own client certificate and names the user in headers, as the ConfigMap
//! `extension-apiserver-authentication` says. Trusts no header without that certificate. Pure but for the watch.

use crate::context::Ctx;
use crate::objects::{causes, watch};
use axum::http::HeaderMap;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch::Sender;
use x509_cert::der::Decode;

/// Name of the ConfigMap, in kube-system.
const CONFIG_MAP: &str = "extension-apiserver-authentication";

/// The ConfigMap cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "the ConfigMap kube-system/{CONFIG_MAP} has no {0}: the API server's aggregation layer is not configured"
    )]
    Missing(&'static str),
    #[error("{key} of the ConfigMap kube-system/{CONFIG_MAP} is no list of strings")]
    List { key: &'static str, source: serde_json::Error },
    #[error("the CA in the ConfigMap kube-system/{CONFIG_MAP} cannot be read")]
    Pem(#[source] rustls::pki_types::pem::Error),
    #[error("the CA in the ConfigMap kube-system/{CONFIG_MAP} cannot be used")]
    Certificate(#[source] rustls::Error),
    #[error("the CA in the ConfigMap kube-system/{CONFIG_MAP} cannot be used")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
}

/// A request that is not the aggregator's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stranger {
    #[error("no client certificate: this API is reached through the API server")]
    NoCertificate,
    #[error("the client certificate is not one of the API server's aggregator")]
    Certificate(#[source] rustls::Error),
    #[error("the client certificate's name is not an allowed one")]
    Name,
    #[error("the request names no user")]
    NoUser,
}

/// On whose behalf the aggregator asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

/// Whom to believe, and which headers.
#[derive(Debug)]
pub(super) struct Trust {
    verifier: Arc<dyn ClientCertVerifier>,
    /// Common names that the certificate may have; empty: any.
    allowed_names: Vec<String>,
    user: Vec<String>,
    uid: Vec<String>,
    groups: Vec<String>,
    extra_prefixes: Vec<String>,
}

impl Trust {
    /// What the ConfigMap says.
    pub(super) fn new(data: &BTreeMap<String, String>) -> Result<Trust, Error> {
        const CA: &str = "requestheader-client-ca-file";
        let user = list(data, "requestheader-username-headers")?;
        if user.is_empty() {
            return Err(Error::Missing("requestheader-username-headers"));
        }
        Ok(Trust {
            verifier: verifier(data.get(CA).ok_or(Error::Missing(CA))?)?,
            allowed_names: list(data, "requestheader-allowed-names")?,
            user,
            uid: list(data, "requestheader-uid-headers")?,
            groups: list(data, "requestheader-group-headers")?,
            extra_prefixes: list(data, "requestheader-extra-headers-prefix")?,
        })
    }

    /// What checks client certificates during the TLS handshake; a client without one is let in, to be told.
    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        self.verifier.clone()
    }

    /// The user of a request that came with this chain of certificates and these headers. The chain is verified again,
    /// since a connection may outlive the certificate, or the trust in it.
    pub(super) fn user(
        &self,
        chain: &[Vec<u8>],
        headers: &HeaderMap,
        now: UnixTime,
    ) -> Result<User, Stranger> {
        let chain: Vec<CertificateDer<'_>> =
            chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let (leaf, intermediates) = chain.split_first().ok_or(Stranger::NoCertificate)?;
        self.verifier.verify_client_cert(leaf, intermediates, now).map_err(Stranger::Certificate)?;
        if !self.allowed_names.is_empty() && !self.allowed_names.contains(&common_name(leaf)) {
            return Err(Stranger::Name);
        }
        Ok(User {
            name: first(headers, &self.user).ok_or(Stranger::NoUser)?,
            uid: first(headers, &self.uid),
            groups: self.groups.iter().flat_map(|name| all(headers, name)).collect(),
            extra: extra(headers, &self.extra_prefixes),
        })
    }
}

fn list(data: &BTreeMap<String, String>, key: &'static str) -> Result<Vec<String>, Error> {
    let Some(text) = data.get(key).filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    serde_json::from_str(text).map_err(|source| Error::List { key, source })
}

fn verifier(ca: &str) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.map_err(Error::Pem)?).map_err(Error::Certificate)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), super::provider())
        .allow_unauthenticated()
        .build()
        .map_err(Error::Verifier)
}

/// The common name of a certificate's subject; empty if it has none.
fn common_name(certificate: &CertificateDer<'_>) -> String {
    let parsed = x509_cert::Certificate::from_der(certificate).ok();
    let name = parsed.and_then(|one| one.tbs_certificate().subject().common_name().ok().flatten());
    name.map(String::from).unwrap_or_default()
}

/// All values of a header that are text and not empty.
fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn first(headers: &HeaderMap, names: &[String]) -> Option<String> {
    names.iter().flat_map(|name| all(headers, name)).next()
}

/// The headers that begin with one of the prefixes: the rest of the name, decoded, is the key.
fn extra(headers: &HeaderMap, prefixes: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut extra = BTreeMap::new();
    for prefix in prefixes.iter().map(|prefix| prefix.to_lowercase()) {
        for name in headers.keys() {
            if let Some(rest) = name.as_str().strip_prefix(&prefix) {
                let key = percent_decode_str(rest).decode_utf8_lossy().to_lowercase();
                extra.insert(key, all(headers, name.as_str()));
            }
        }
    }
    extra
}

/// Tells of the ConfigMap for as long as the process lives. One that cannot be used changes nothing.
pub(super) async fn watch_trust(ctx: &Ctx, trust: Sender<Option<Arc<Trust>>>) {
    let maps: Api<ConfigMap> = Api::namespaced(ctx.client.clone(), "kube-system");
    let only = watch().fields(&format!("metadata.name={CONFIG_MAP}"));
    let changes = watcher(maps, only).default_backoff().applied_objects();
    changes
        .for_each(|map| {
            match map.map(|map| Trust::new(&map.data.unwrap_or_default())) {
                Ok(Ok(new)) => {
                    trust.send_replace(Some(Arc::new(new)));
                }
                Ok(Err(error)) => tracing::warn!(error = %causes(&error), "external metrics"),
                Err(error) => tracing::warn!(
                    error = %causes(&error),
                    "external metrics: cannot watch the ConfigMap kube-system/{CONFIG_MAP}"
                ),
            }
            std::future::ready(())
        })
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use std::time::Duration;

    type Ca = CertifiedIssuer<'static, KeyPair>;

    fn ca() -> Ca {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "front-proxy-ca");
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A client certificate of this name, valid in 2026.
    fn client(ca: &Ca, name: &str) -> Vec<Vec<u8>> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        vec![params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().der().to_vec()]
    }

    fn trust(cas: &[&Ca], names: &str) -> Trust {
        let bundle: String = cas.iter().map(|ca| ca.pem()).collect();
        let data = [
            ("requestheader-client-ca-file", bundle.as_str()),
            ("requestheader-allowed-names", names),
            ("requestheader-username-headers", r#"["X-Remote-User"]"#),
            ("requestheader-uid-headers", r#"["X-Remote-Uid"]"#),
            ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
            ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#),
        ];
        Trust::new(&data.map(|(key, value)| (key.to_owned(), value.to_owned())).into()).unwrap()
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append::<axum::http::HeaderName>(name, value);
        }
        headers
    }

    /// Seconds since 1970 in the middle of 2026.
    const NOW: u64 = 1_782_000_000;

    fn ask(trust: &Trust, chain: &[Vec<u8>], seconds: u64) -> Result<User, Stranger> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        trust.user(chain, &headers(&[("x-remote-user", "ann")]), now)
    }

    #[test]
    fn the_aggregator_is_known_by_its_certificate_and_name() {
        let ca = ca();
        assert_eq!(ask(&trust(&[&ca], r#"["proxy"]"#), &client(&ca, "proxy"), NOW).unwrap().name, "ann");
        assert_eq!(ask(&trust(&[&ca], "[]"), &client(&ca, "anybody"), NOW).unwrap().name, "ann");
        let other = ask(&trust(&[&ca], r#"["proxy"]"#), &client(&ca, "other"), NOW);
        assert!(matches!(other, Err(Stranger::Name)), "{other:?}");
    }

    #[test]
    fn a_stranger_is_refused_whatever_its_headers_say() {
        let (ours, theirs) = (ca(), ca());
        let trust = trust(&[&ours], "[]");
        let none = ask(&trust, &[], NOW);
        assert!(matches!(none, Err(Stranger::NoCertificate)), "{none:?}");
        let foreign = ask(&trust, &client(&theirs, "proxy"), NOW);
        assert!(matches!(foreign, Err(Stranger::Certificate(_))), "{foreign:?}");
        let expired = ask(&trust, &client(&ours, "proxy"), NOW + 365 * 86_400);
        assert!(matches!(expired, Err(Stranger::Certificate(_))), "{expired:?}");
        let garbage = ask(&trust, &[b"garbage".to_vec()], NOW);
        assert!(matches!(garbage, Err(Stranger::Certificate(_))), "{garbage:?}");
    }

    #[test]
    fn while_a_ca_is_rotated_both_are_trusted() {
        let (old, new) = (ca(), ca());
        let trust = trust(&[&old, &new], "[]");
        assert!(ask(&trust, &client(&old, "proxy"), NOW).is_ok());
        assert!(ask(&trust, &client(&new, "proxy"), NOW).is_ok());
    }

    #[test]
    fn headers_tell_the_user_its_groups_and_the_rest() {
        let ca = ca();
        let headers = headers(&[
            ("x-remote-user", "ann"),
            ("x-remote-uid", "7"),
            ("x-remote-group", "a"),
            ("x-remote-group", "b"),
            ("x-remote-extra-acme.com%2Fproject", "one"),
            ("x-remote-extra-acme.com%2Fproject", "two"),
        ]);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
        let trust = trust(&[&ca], "[]");
        let user = trust.user(&client(&ca, "proxy"), &headers, now).unwrap();
        let expected = User {
            name: "ann".into(),
            uid: Some("7".into()),
            groups: vec!["a".into(), "b".into()],
            extra: BTreeMap::from([("acme.com/project".into(), vec!["one".into(), "two".into()])]),
        };
        assert_eq!(user, expected);
        let nobody = trust.user(&client(&ca, "proxy"), &HeaderMap::new(), now);
        assert!(matches!(nobody, Err(Stranger::NoUser)), "{nobody:?}");
    }

    #[test]
    fn a_cluster_without_aggregation_is_told_so() {
        let error = Trust::new(&BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("aggregation layer is not configured"), "{error}");
    }
}
