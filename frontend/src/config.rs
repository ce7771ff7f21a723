//! What the page's server is told from outside: flags and environment. The store's keys are in the variables that workers
//! have too (`AWS_*`), and are read elsewhere.

use clap::{Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use tessera_store::Prefix;

/// The server of Tessera's page.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Address of the page and its API.
    #[arg(long, env = "TESSERA_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Address of health checks and metrics.
    #[arg(long, env = "TESSERA_HEALTH_LISTEN", default_value = "0.0.0.0:8082")]
    pub health_listen: SocketAddr,

    /// Folder of the built page; unset: only the API, and a page that says how to build it.
    #[arg(long, env = "TESSERA_UI")]
    pub ui: Option<PathBuf>,

    /// Who signs people in: a trusted proxy, or nobody (a demonstration: everybody is the same user).
    #[arg(long, env = "TESSERA_SIGN_IN", default_value = "demo")]
    pub sign_in: SignIn,

    /// The header in which the trusted proxy says who asks.
    #[arg(long, env = "TESSERA_USER_HEADER", default_value = "X-Forwarded-User")]
    pub user_header: String,

    /// Other origins that may send requests, such as `https://images.example.org` where a proxy changes `Host`.
    #[arg(long, env = "TESSERA_TRUSTED_ORIGINS", value_delimiter = ',')]
    pub trusted_origins: Vec<String>,

    /// Namespace of the ImageJobs.
    #[arg(long, env = "TESSERA_NAMESPACE", default_value = "default")]
    pub namespace: String,

    /// The WorkerPool that the page's jobs use.
    #[arg(long, env = "TESSERA_POOL", default_value = "default")]
    pub pool: String,

    /// Where uploads lie.
    #[arg(long, env = "TESSERA_UPLOADS", default_value = "s3://images/uploads/")]
    pub uploads: Prefix,

    /// Where results lie.
    #[arg(long, env = "TESSERA_RESULTS", default_value = "s3://results/page/")]
    pub results: Prefix,

    /// Where view copies lie: of images that cannot be shown as they are.
    #[arg(long, env = "TESSERA_VIEWS", default_value = "s3://images/views/")]
    pub views: Prefix,

    /// Prefixes of images that anybody may open, separated by commas; others' uploads and results excepted.
    #[arg(long, env = "TESSERA_BROWSE", value_delimiter = ',')]
    pub browse: Vec<Prefix>,

    /// Where the preview listens.
    #[arg(long, env = "TESSERA_PREVIEW", default_value = "http://127.0.0.1:8081")]
    pub preview: String,

    /// Address of a page with help.
    #[arg(long, env = "TESSERA_HELP")]
    pub help_address: Option<String>,

    /// Whom to ask: an address of mail or of a page.
    #[arg(long, env = "TESSERA_CONTACT")]
    pub contact: Option<String>,

    /// The largest upload, in bytes.
    #[arg(long, env = "TESSERA_UPLOAD_BYTES", default_value_t = 200 << 30)]
    pub upload_bytes: u64,

    /// The most that one user's uploads may take together, in bytes.
    #[arg(long, env = "TESSERA_OWNER_BYTES", default_value_t = 1 << 40)]
    pub owner_bytes: u64,

    /// The most unfinished jobs of one user.
    #[arg(long, env = "TESSERA_OWNER_JOBS", default_value_t = 100)]
    pub owner_jobs: u32,

    /// The size of a part that the page should use, in bytes.
    #[arg(long, env = "TESSERA_PART_BYTES", default_value_t = 16 << 20)]
    pub part_bytes: u64,

    /// Days after which a view copy is deleted.
    #[arg(long, env = "TESSERA_VIEW_DAYS", default_value_t = 7)]
    pub view_days: u32,
}

/// Who signs people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SignIn {
    /// Nobody: everybody is the same user.
    Demo,
    /// A trusted proxy, which names the user in a header.
    Proxy,
}

/// The largest part that is taken, whatever the page uses.
pub(crate) const LARGEST_PART: u64 = 512 << 20;

/// Days for which jobs that the page made are kept after their end.
pub(crate) const RESULT_DAYS: u32 = 30;
