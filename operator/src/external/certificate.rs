//! The serving certificate and the CA that vouches for it: made, read from a Secret's data, and judged. Does no IO.

use jiff::{Timestamp, ToSpan};
use k8s_openapi::ByteString;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::collections::BTreeMap;
use std::sync::Arc;
use x509_cert::der::Decode;

/// Days that a certificate is valid.
const VALID_DAYS: i64 = 365;

/// Days before its end when it is made anew: many times what any replica may be down.
const RENEW_DAYS: i64 = 120;

const CA: &str = "ca.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The Secret's data cannot be used, or a certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the Secret has no {0}")]
    Missing(&'static str),
    #[error("{key} of the Secret cannot be read")]
    Pem { key: &'static str, source: rustls::pki_types::pem::Error },
    #[error("the certificate of the Secret cannot be read")]
    Der(#[source] x509_cert::der::Error),
    #[error("certificate and key of the Secret cannot be used")]
    Unusable(#[source] rustls::Error),
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
}

/// What a Secret holds: PEM texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    /// The CA of the certificate, and after it the one before.
    pub(super) ca: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate that can be served.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    /// PEM of the CAs that clients are to trust.
    pub(super) ca: Vec<u8>,
    /// Certificate and key.
    pub(super) key: Arc<CertifiedKey>,
    /// When it ends, in seconds since 1970.
    ends: u64,
}

impl Texts {
    /// A certificate for `host` and its CA. The CA signs nothing else: its key is thrown away. Who trusts the new CA goes
    /// on to trust `before`, since other replicas serve the old certificate for some seconds more.
    pub(super) fn new(host: &str, before: Option<&Texts>, now: Timestamp) -> Result<Texts, Error> {
        let mut issuer = params(&format!("{host} CA"), now);
        issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(issuer, KeyPair::generate().map_err(Error::Make)?)
            .map_err(Error::Make)?;
        let mut leaf = params(host, now);
        leaf.subject_alt_names =
            vec![rcgen::SanType::DnsName(host.to_owned().try_into().map_err(Error::Make)?)];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(Error::Make)?;
        let certificate = leaf.signed_by(&key, &issuer).map_err(Error::Make)?;
        let mut ca = issuer.pem().into_bytes();
        ca.extend(before.map(Texts::newest_ca).unwrap_or_default());
        Ok(Texts { ca, certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
    }

    /// What the data of a Secret holds.
    pub(super) fn from_data(data: &BTreeMap<String, ByteString>) -> Result<Texts, Error> {
        let get = |key: &'static str| data.get(key).map(|one| one.0.clone()).ok_or(Error::Missing(key));
        Ok(Texts { ca: get(CA)?, certificate: get(CERTIFICATE)?, key: get(KEY)? })
    }

    /// The data of a Secret.
    pub(super) fn into_data(self) -> BTreeMap<&'static str, ByteString> {
        let Texts { ca, certificate, key } = self;
        [(CA, ca), (CERTIFICATE, certificate), (KEY, key)].map(|(key, text)| (key, ByteString(text))).into()
    }

    fn newest_ca(&self) -> Vec<u8> {
        const END: &str = "-----END CERTIFICATE-----\n";
        let text = String::from_utf8_lossy(&self.ca).replace("\r\n", "\n");
        text.split_inclusive(END).next().unwrap_or_default().as_bytes().to_vec()
    }

    /// The certificate, if it and its key can be used.
    pub(super) fn read(&self) -> Result<Serving, Error> {
        let pem = |key, source| Error::Pem { key, source };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|source| pem(CERTIFICATE, source))?;
        let leaf = chain.first().ok_or(Error::Missing(CERTIFICATE))?;
        let parsed = x509_cert::Certificate::from_der(leaf).map_err(Error::Der)?;
        let ends = parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|source| pem(KEY, source))?;
        let key = CertifiedKey::from_der(chain, key, &super::provider()).map_err(Error::Unusable)?;
        Ok(Serving { ca: self.ca.clone(), key: Arc::new(key), ends })
    }
}

impl Serving {
    /// Whether it is time for a new one.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let left = i64::try_from(self.ends).unwrap_or(i64::MAX).saturating_sub(now.as_second());
        left < RENEW_DAYS * 86_400
    }
}

/// A name, and validity from yesterday on, since clocks differ.
fn params(name: &str, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let day = |days: i64| {
        let date = now.to_zoned(jiff::tz::TimeZone::UTC).date().saturating_add(days.days());
        let number = |value: i8| u8::try_from(value).expect("days and months are positive");
        rcgen::date_time_ymd(date.year().into(), number(date.month()), number(date.day()))
    };
    (params.not_before, params.not_after) = (day(-1), day(VALID_DAYS));
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::pki_types::{ServerName, UnixTime};
    use std::time::Duration;

    const HOST: &str = "tessera-operator-external-metrics.tessera-system.svc";

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    /// Whether a client that trusts `ca` takes the certificate for one of `host`.
    fn taken(serving: &Serving, ca: &[u8], host: &'static str) -> bool {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crate::external::provider());
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now().as_second().unsigned_abs()));
        let host = ServerName::try_from(host).unwrap();
        let (leaf, chain) = serving.key.cert.split_first().unwrap();
        let verifier = verifier.build().unwrap();
        rustls::client::danger::ServerCertVerifier::verify_server_cert(
            verifier.as_ref(),
            leaf,
            chain,
            &host,
            &[],
            time,
        )
        .is_ok()
    }

    #[test]
    fn who_trusts_the_ca_takes_the_certificate_for_its_host_and_no_other() {
        let texts = Texts::new(HOST, None, now()).unwrap();
        let serving = texts.read().unwrap();
        assert!(taken(&serving, &texts.ca, HOST));
        assert!(!taken(&serving, &texts.ca, "kubernetes.default.svc"));
        let other = Texts::new(HOST, None, now()).unwrap();
        assert!(!taken(&serving, &other.ca, HOST));
    }

    #[test]
    fn a_renewed_ca_still_vouches_for_the_certificate_before() {
        let first = Texts::new(HOST, None, now()).unwrap();
        let second = Texts::new(HOST, Some(&first), now()).unwrap();
        let third = Texts::new(HOST, Some(&second), now()).unwrap();
        assert!(taken(&first.read().unwrap(), &second.ca, HOST));
        assert!(taken(&second.read().unwrap(), &second.ca, HOST));
        assert!(taken(&second.read().unwrap(), &third.ca, HOST));
        assert!(!taken(&first.read().unwrap(), &third.ca, HOST), "the list would grow for ever");
    }

    #[test]
    fn a_certificate_is_renewed_long_before_its_end() {
        let serving = Texts::new(HOST, None, now()).unwrap().read().unwrap();
        assert!(!serving.is_due(now()));
        assert!(!serving.is_due(now() + (244 * 24).hours()));
        assert!(serving.is_due(now() + (246 * 24).hours()));
        assert!(serving.is_due(now() + (400 * 24).hours()));
    }

    #[test]
    fn a_secret_keeps_it_and_gives_it_back() {
        let texts = Texts::new(HOST, None, now()).unwrap();
        let data = texts.clone().into_data().into_iter().map(|(key, text)| (key.to_owned(), text));
        assert_eq!(Texts::from_data(&data.collect()).unwrap(), texts);
    }

    #[test]
    fn a_secret_with_something_else_is_of_no_use() {
        assert!(matches!(Texts::from_data(&BTreeMap::new()), Err(Error::Missing(CA))));
        let (texts, other) = (Texts::new(HOST, None, now()).unwrap(), Texts::new(HOST, None, now()).unwrap());
        let mixed = Texts { key: other.key, ..texts.clone() };
        assert!(matches!(mixed.read(), Err(Error::Unusable(_))));
        let broken = Texts { certificate: b"garbage".to_vec(), ..texts };
        assert!(broken.read().is_err());
    }
}
