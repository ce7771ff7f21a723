//! How often one user may ask. Three kinds of requests have budgets of their own, so that panning over an image does not
//! keep a job from being made.

use crate::app::Shared;
use crate::identity::User;
use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::{DefaultKeyedRateLimiter, Quota};
use std::num::NonZeroU32;

/// Requests of one kind: so many each second, after so many at once.
struct Budget {
    each_second: u32,
    at_once: u32,
}

const READS: Budget = Budget { each_second: 50, at_once: 300 };
const WRITES: Budget = Budget { each_second: 5, at_once: 60 };
const PIECES: Budget = Budget { each_second: 200, at_once: 1000 };

/// What users have left.
pub(crate) struct Rates {
    reads: DefaultKeyedRateLimiter<String>,
    writes: DefaultKeyedRateLimiter<String>,
    /// Tiles, parts of uploads, and the files of the page.
    pieces: DefaultKeyedRateLimiter<String>,
}

impl Default for Rates {
    fn default() -> Rates {
        Rates { reads: limiter(&READS), writes: limiter(&WRITES), pieces: limiter(&PIECES) }
    }
}

fn limiter(budget: &Budget) -> DefaultKeyedRateLimiter<String> {
    let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    DefaultKeyedRateLimiter::keyed(
        Quota::per_second(number(budget.each_second)).allow_burst(number(budget.at_once)),
    )
}

impl Rates {
    fn of(&self, request: &Request) -> &DefaultKeyedRateLimiter<String> {
        let path = request.uri().path();
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        let piece = path.starts_with("/api/v1/uploads/") || path.starts_with("/api/v1/s3/multipart");
        if !path.starts_with("/api/") || piece {
            &self.pieces
        } else if reads {
            &self.reads
        } else {
            &self.writes
        }
    }

    /// Forgets users who have not asked for a while.
    pub(crate) fn forget_idle(&self) {
        for limiter in [&self.reads, &self.writes, &self.pieces] {
            limiter.retain_recent();
        }
    }
}

/// Refuses what is over the user's budget.
pub(crate) async fn limit_rate(
    State(app): State<Shared>,
    user: User,
    request: Request,
    next: Next,
) -> Response {
    if app.rates.of(&request).check_key(&user.owner).is_ok() {
        return next.run(request).await;
    }
    let message = "too many requests in a short time: wait a second and try again";
    let mut response = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "RateLimited", message).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
