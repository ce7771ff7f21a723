//! What keeps a request in its place: origin, headers, rates, and how many go on at once.

mod gate;
pub(crate) mod headers;
pub(crate) mod origin;
mod rate;

pub(crate) use gate::{Gates, Pass};
pub(crate) use rate::{Rates, limit_rate};
