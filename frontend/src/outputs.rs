//! What the page needs to know before anything else: who is here, what is allowed, the operations, the formats.

use crate::app::Shared;
use crate::catalog::{self, OperationForm, OutputKind};
use crate::config::{RESULT_DAYS, SignIn};
use crate::identity::User;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// The page's configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageConfig {
    version: &'static str,
    /// `demo`: everybody is one user; `proxy`: people sign in.
    mode: &'static str,
    user: UserName,
    pool: String,
    namespace: String,
    limits: PageLimits,
    help: Option<String>,
    contact: Option<String>,
    #[schema(value_type = Vec<OutputKind>)]
    outputs: &'static [OutputKind],
    /// Days for which finished jobs are kept.
    result_days: u32,
}

/// Who is here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserName {
    name: String,
}

/// What is refused beyond.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageLimits {
    /// Bytes of an upload.
    upload_bytes: u64,
    /// Pixels of a source or result.
    pixels: u64,
    /// Operations of a chain.
    operations: u32,
    /// Bytes of a part, as the page should send them; larger where there would be more than 10,000.
    part_bytes: u64,
}

/// The page's configuration.
#[utoipa::path(get, path = "/config", tag = "page", responses((status = 200, body = PageConfig)))]
pub(crate) async fn config(State(app): State<Shared>, user: User) -> Json<PageConfig> {
    let limits = app.cluster.pool(&app.config.pool).map(|pool| pool.spec.limits).unwrap_or_default();
    let config = &app.config;
    Json(PageConfig {
        version: env!("CARGO_PKG_VERSION"),
        mode: match config.sign_in {
            SignIn::Demo => "demo",
            SignIn::Proxy => "proxy",
        },
        user: UserName { name: user.name },
        pool: config.pool.clone(),
        namespace: config.namespace.clone(),
        limits: PageLimits {
            upload_bytes: config.upload_bytes,
            pixels: limits.pixels,
            operations: limits.operations,
            part_bytes: config.part_bytes,
        },
        help: config.help_address.clone(),
        contact: config.contact.clone(),
        outputs: catalog::outputs(),
        result_days: RESULT_DAYS,
    })
}

/// All operations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operations {
    #[schema(value_type = Vec<OperationForm>)]
    operations: &'static [OperationForm],
}

/// The operations with their parameters, as a form shows them.
#[utoipa::path(get, path = "/operations", tag = "page", responses((status = 200, body = Operations)))]
pub(crate) async fn operations() -> Json<Operations> {
    Json(Operations { operations: catalog::operations() })
}
