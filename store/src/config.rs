//! How to reach an object store: endpoint, keys, limits of time; checked once.
//! Opens no connection. The environment is read in `from_env` alone.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

const DEFAULT_REGION: &str = "us-east-1";

/// Where the store is and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// `http://host:port` or `https://host`; AWS itself when unset.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`. Most servers other than AWS need it.
    pub path_style: bool,
    /// The keys.
    pub credentials: Credentials,
    /// When checksums are sent along.
    pub checksums: Checksums,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
}

/// Static keys. Never shown: the secret parts are left out of the debug form.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// For temporary keys.
    pub session_token: Option<String>,
}

/// When checksums (CRC-64/NVME) are sent along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksums {
    /// With every write.
    #[default]
    WhenSupported,
    /// Only where the protocol demands one: for servers that do not know them.
    WhenRequired,
}

/// Limits of time. `complete_upload` gets more, by the object's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until connected.
    pub connect: Duration,
    /// Until the answer begins; the request's body included.
    pub read: Duration,
    /// For one attempt, the answer's body included.
    pub attempt: Duration,
    /// For all attempts together; the body of a `get` has `attempt` once more.
    pub operation: Duration,
}

impl Timeouts {
    /// For moving pixel data: an object of 64 MiB at 1 MiB/s still arrives.
    pub const DATA: Timeouts = Timeouts::seconds(5, 90, 120, 400);
    /// For a controller that reads headers and listings, and has other work.
    pub const PROBE: Timeouts = Timeouts::seconds(3, 8, 10, 25);

    const fn seconds(connect: u64, read: u64, attempt: u64, operation: u64) -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(connect),
            read: Duration::from_secs(read),
            attempt: Duration::from_secs(attempt),
            operation: Duration::from_secs(operation),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts::DATA
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A variable is missing or empty.
    #[error("{0} is not set: set it to a key of the object store")]
    Missing(&'static str),
    /// A variable has a value that is not understood.
    #[error("{0} is not understood: use {1}")]
    Value(&'static str, &'static str),
    /// Not the address of a server.
    #[error("`{0}` is not an endpoint: write http://host:port or https://host, without a path or a user")]
    Endpoint(String),
    /// Link-local addresses belong to the machine's own services, such as a cloud's metadata.
    #[error("`{0}` is a link-local address: use the address of an object store")]
    LinkLocal(String),
}

impl StoreConfig {
    /// AWS in `us-east-1` with these keys, or, given an endpoint, the server there with path-style addresses.
    pub fn new(endpoint: Option<String>, credentials: Credentials) -> StoreConfig {
        StoreConfig {
            path_style: endpoint.is_some(),
            endpoint,
            region: DEFAULT_REGION.to_owned(),
            credentials,
            checksums: Checksums::default(),
            timeouts: Timeouts::default(),
            attempts: 4,
        }
    }

    /// From `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` (or
    /// `AWS_DEFAULT_REGION`), `AWS_REQUEST_CHECKSUM_CALCULATION` (`when_supported`, `when_required`) and
    /// `TESSERA_S3_PATH_STYLE` (`true`, `false`; unset: true with an endpoint).
    pub fn from_env() -> Result<StoreConfig, ConfigError> {
        StoreConfig::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`StoreConfig::from_env`], from any source of variables. An empty value counts as unset.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<StoreConfig, ConfigError> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let need = |name: &'static str| get(name).ok_or(ConfigError::Missing(name));
        let credentials = Credentials {
            access_key_id: need("AWS_ACCESS_KEY_ID")?,
            secret_access_key: need("AWS_SECRET_ACCESS_KEY")?,
            session_token: get("AWS_SESSION_TOKEN"),
        };
        let mut config = StoreConfig::new(get("AWS_ENDPOINT_URL"), credentials);
        if let Some(region) = get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")) {
            config.region = region;
        }
        if let Some(value) = get("TESSERA_S3_PATH_STYLE") {
            config.path_style =
                value.parse().map_err(|_| ConfigError::Value("TESSERA_S3_PATH_STYLE", "true or false"))?;
        }
        if let Some(value) = get("AWS_REQUEST_CHECKSUM_CALCULATION") {
            config.checksums = checksums(&value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// The variables that [`StoreConfig::from_env`] would read this from; without the keys.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let checksums = match self.checksums {
            Checksums::WhenSupported => "when_supported",
            Checksums::WhenRequired => "when_required",
        };
        let mut all = vec![
            ("AWS_REGION", self.region.clone()),
            ("AWS_REQUEST_CHECKSUM_CALCULATION", checksums.to_owned()),
            ("TESSERA_S3_PATH_STYLE", self.path_style.to_string()),
        ];
        all.extend(self.endpoint.clone().map(|endpoint| ("AWS_ENDPOINT_URL", endpoint)));
        all
    }

    /// Fails when the endpoint is not one, or is a link-local address. Names are checked after they are resolved,
    /// at each connection.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        let wrong = || ConfigError::Endpoint(endpoint.clone());
        let host = host(endpoint).ok_or_else(wrong)?;
        match host.parse::<IpAddr>() {
            Ok(address) if is_link_local(address) => Err(ConfigError::LinkLocal(endpoint.clone())),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn checksums(value: &str) -> Result<Checksums, ConfigError> {
    match value.to_ascii_lowercase().as_str() {
        "when_supported" => Ok(Checksums::WhenSupported),
        "when_required" => Ok(Checksums::WhenRequired),
        _ => Err(ConfigError::Value("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported or when_required")),
    }
}

/// The host of `http[s]://host[:port][/]`, without the brackets of IPv6.
fn host(endpoint: &str) -> Option<&str> {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"))?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !authority.chars().all(plain) {
        return None;
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_right =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (!host.is_empty() && port_right).then_some(host)
}

/// Whether an address reaches only the machine's own link: 169.254.0.0/16 and fe80::/10, also as mapped IPv4.
/// AWS's metadata service of IPv6, fd00:ec2::254, counts too.
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    const METADATA_V6: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254);
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address == METADATA_V6,
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<StoreConfig, ConfigError> {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hush")];
        StoreConfig::from_variables(|name| {
            let mut all = variables.iter().chain(&keys);
            all.find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variables_written_are_the_variables_read() {
        let first = config(&[
            ("AWS_ENDPOINT_URL", "http://[::1]:7070"),
            ("AWS_DEFAULT_REGION", "eu-1"),
            ("AWS_REQUEST_CHECKSUM_CALCULATION", "WHEN_REQUIRED"),
        ])
        .unwrap();
        assert!(first.path_style && first.region == "eu-1" && first.checksums == Checksums::WhenRequired);
        let written = first.variables();
        let again: Vec<(&str, &str)> = written.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(config(&again).unwrap(), first);
        assert!(!format!("{first:?}").contains("hush"));
    }

    #[test]
    fn a_missing_key_is_named() {
        let missing = config(&[("AWS_SECRET_ACCESS_KEY", "")]).unwrap_err();
        assert_eq!(missing, ConfigError::Missing("AWS_SECRET_ACCESS_KEY"));
        assert!(!config(&[]).unwrap().path_style, "AWS itself wants the bucket in the host's name");
        assert!(config(&[("TESSERA_S3_PATH_STYLE", "yes")]).is_err());
    }

    #[test]
    fn an_endpoint_is_a_plain_server_and_never_a_link_local_address() {
        let check = |endpoint: &str| config(&[("AWS_ENDPOINT_URL", endpoint)]).map(|_| ());
        for right in ["http://127.0.0.1:7070", "https://s3.example.org/", "http://minio.store.svc:9000"] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        for wrong in ["ftp://x", "http://", "http://u@h", "http://h/path", "http://h?x", "http://h:99999"] {
            assert_eq!(check(wrong), Err(ConfigError::Endpoint(wrong.to_owned())), "{wrong}");
        }
        for inner in ["http://169.254.169.254", "http://[fe80::1]:80", "http://[::ffff:169.254.169.254]/"] {
            assert_eq!(check(inner), Err(ConfigError::LinkLocal(inner.to_owned())), "{inner}");
        }
    }
}
