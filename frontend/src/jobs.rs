//! Jobs: made from what the page asks for, shown as the page shows them, and the routes for both.

pub(crate) mod create;
pub(crate) mod estimate;
pub(crate) mod names;
pub(crate) mod ready;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod show;
