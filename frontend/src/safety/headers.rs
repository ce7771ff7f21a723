//! The headers of every answer that keep a browser from doing more with it than it is for.

use axum::extract::Request;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// SHA-256 of the one `<style>` that OpenSeadragon 6 puts into the page.
pub(crate) const OPENSEADRAGON_STYLE: &str = "sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE=";

/// No inline code, nothing from anywhere else, in nobody's frame.
pub(crate) fn policy() -> String {
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self' '{OPENSEADRAGON_STYLE}'; img-src 'self' data: blob:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The policy of files of users: they are looked at by nothing.
pub(crate) const FILE_POLICY: &str = "default-src 'none'; sandbox";

const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// Adds them; what a handler has set stays.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    if api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_one_style_is_the_one_that_openseadragon_has() {
        let style =
            "@media (hover: none) {    .openseadragon-canvas:focus {        outline: none !important;    }}";
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
        assert_eq!(OPENSEADRAGON_STYLE, format!("sha256-{digest}"));
    }
}
