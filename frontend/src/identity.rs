//! Who asks: the one user of a demonstration, or whom a trusted proxy names. Believes no header in a demonstration, and only
//! the configured one, given once, behind a proxy.

use crate::app::Shared;
use crate::config::{Config, SignIn};
use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The longest name of a user.
const LONGEST: usize = 256;

/// The user of a demonstration.
const DEMO: &str = "demo";

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// As the proxy calls the user.
    pub(crate) name: String,
    /// What stands in labels and keys: the first 40 hexadecimal digits of the SHA-256 of the name.
    pub(crate) owner: String,
}

impl User {
    pub(crate) fn new(name: &str) -> User {
        let digest = Sha256::digest(name.as_bytes());
        let mut owner = String::new();
        for byte in &digest[..20] {
            write!(owner, "{byte:02x}").expect("writing to a string does not fail");
        }
        User { name: name.to_owned(), owner }
    }
}

/// The user of a request.
pub(crate) fn user(config: &Config, headers: &HeaderMap) -> Result<User, Refusal> {
    match config.sign_in {
        SignIn::Demo => Ok(User::new(DEMO)),
        SignIn::Proxy => named(headers, &config.user_header),
    }
}

fn named(headers: &HeaderMap, header: &str) -> Result<User, Refusal> {
    let mut values = headers.get_all(header).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthorized());
    };
    let name = std::str::from_utf8(value.as_bytes()).ok().map(str::trim);
    let right = |name: &&str| (1..=LONGEST).contains(&name.len()) && !name.chars().any(char::is_control);
    name.filter(right).map(User::new).ok_or_else(unauthorized)
}

fn unauthorized() -> Refusal {
    let message = "nobody is signed in: open the page through the address that asks you to sign in";
    Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
}

/// Lets nobody in who is not signed in, and tells the handlers who asks.
pub(crate) async fn sign_in(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    match user(&app.config, request.headers()) {
        Ok(user) => {
            request.extensions_mut().insert(user);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<User, Refusal> {
        parts.extensions.get::<User>().cloned().ok_or_else(unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_the_beginning_of_a_digest() {
        assert_eq!(User::new("abc").owner, "ba7816bf8f01cfea414140de5dae2223b00361a3");
    }

    #[test]
    fn only_one_printable_name_is_believed() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| {
                headers.append("x-forwarded-user", value.parse().unwrap());
            });
            named(&headers, "X-Forwarded-User").map(|user| user.name).ok()
        };
        assert_eq!(with(&["ada@example.org"]).as_deref(), Some("ada@example.org"));
        assert_eq!(with(&[]), None);
        assert_eq!(with(&["ada", "eve"]), None);
        assert_eq!(with(&["  "]), None);
        assert_eq!(with(&[&"a".repeat(300)]), None);
    }
}
