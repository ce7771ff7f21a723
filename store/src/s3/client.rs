//! Builds the S3 client: connection, TLS by ring, name resolution, timeouts, retries, checksums.
//! Sends nothing. Redirects and proxies of the environment are not followed.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::is_link_local;
use crate::{Checksums, StoreConfig, Timeouts};

/// The client for a checked configuration.
pub(super) fn client(config: &StoreConfig) -> Client {
    let keys = &config.credentials;
    let credentials = aws_credential_types::Credentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        keys.session_token.clone(),
        None,
        "static",
    );
    let builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .force_path_style(config.path_style)
        .credentials_provider(credentials)
        .http_client(http_client())
        .timeout_config(timeouts(&config.timeouts))
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().build())
        .retry_config(RetryConfig::standard().with_max_attempts(config.attempts));
    let builder = match &config.endpoint {
        Some(endpoint) => builder.endpoint_url(endpoint.trim_end_matches('/')),
        None => builder,
    };
    Client::from_conf(checksums(builder, config.checksums).build())
}

fn checksums(builder: Builder, checksums: Checksums) -> Builder {
    let (request, response) = match checksums {
        Checksums::WhenSupported => {
            (RequestChecksumCalculation::WhenSupported, ResponseChecksumValidation::WhenSupported)
        }
        Checksums::WhenRequired => {
            (RequestChecksumCalculation::WhenRequired, ResponseChecksumValidation::WhenRequired)
        }
    };
    builder.request_checksum_calculation(request).response_checksum_validation(response)
}

fn timeouts(timeouts: &Timeouts) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .operation_attempt_timeout(timeouts.attempt)
        .operation_timeout(timeouts.operation)
        .build()
}

/// Completing an upload copies all its bytes on some servers: a minute, and 15 s more for each GiB.
pub(super) fn while_completing(timeouts: &Timeouts, size: u64) -> Builder {
    let long = Duration::from_secs(60 + 15 * (size >> 30));
    let config = TimeoutConfig::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(long)
        .operation_attempt_timeout(long)
        .operation_timeout(long + timeouts.operation)
        .build();
    // Only we know what an answer to a further attempt is worth: see `Store::complete_upload`.
    Config::builder().timeout_config(config).retry_config(RetryConfig::disabled())
}

/// A part that is sent as it comes takes as long as its sender.
pub(super) fn while_sending(timeouts: &Timeouts) -> Builder {
    let hour = Duration::from_secs(3600);
    let config = TimeoutConfig::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(hour)
        .operation_attempt_timeout(hour)
        .operation_timeout(hour)
        .build();
    Config::builder().timeout_config(config).retry_config(RetryConfig::disabled())
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_with_resolver(PublicResolver)
}

/// Resolves names as the system does, and refuses link-local addresses whatever the name.
#[derive(Debug, Clone, Copy)]
struct PublicResolver;

impl ResolveDns for PublicResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { resolve(name).await.map_err(ResolveDnsError::new) })
    }
}

async fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?.map(|socket| socket.ip());
    let allowed: Vec<IpAddr> = found.filter(|address| !is_link_local(*address)).collect();
    if allowed.is_empty() {
        return Err(io::Error::other("the endpoint's name has no address outside the local link"));
    }
    Ok(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_means_a_link_local_address_is_refused() {
        assert!(resolve("localhost").await.is_ok());
        assert!(resolve("2852039166").await.is_err(), "169.254.169.254 as one number");
    }
}
