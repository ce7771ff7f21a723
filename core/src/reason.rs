//! The reasons that conditions, events and metrics give: one bounded list for the whole project.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Why a condition has its status, in PascalCase as the Kubernetes API conventions want it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];

            /// The reason's name in the API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Reason::$name => stringify!($name),)*
                }
            }
        }
    };
}

reasons! {
    /// The job is valid, planned and will be run.
    Accepted,
    /// The source's header is being read.
    Probing,
    /// The spec says something that cannot be meant.
    InvalidSpec,
    /// Source or output are beyond a limit of the pool.
    ImageTooLarge,
    /// The source is a format, or a kind of it, that is not read.
    UnsupportedImage,
    /// An operation, or the output's format, does not take what the chain gives.
    UnsupportedChain,
    /// Something exists at the output's place, or another job writes there.
    OutputConflict,
    /// There is no such object, or no such bucket.
    SourceNotFound,
    /// The store's credentials, or the pool, do not allow reading the source.
    SourceDenied,
    /// The store's credentials, or the pool, do not allow writing the output.
    OutputDenied,
    /// There is no such WorkerPool in the namespace.
    PoolNotFound,
    /// The pool's store does not answer, or its Secret is missing.
    StoreUnavailable,
    /// Every slot of the pool is taken.
    WaitingForSlots,
    /// The pool is missing or not ready.
    WaitingForPool,
    /// No node has room for a worker.
    WaitingForNodes,
    /// A worker's node is lost: its pod was given up, so that another one takes its shard.
    NodeLost,
    /// The worker's image cannot be pulled.
    ImageNotPulled,
    /// The user has asked to try a failed job again.
    Retrying,
    /// Workers are at work.
    Running,
    /// The user has suspended the job.
    Suspended,
    /// The output is complete.
    Complete,
    /// The source was changed while it was read.
    InputChanged,
    /// The source cannot be decoded.
    BadInput,
    /// A shard failed more often than `spec.retries` allows.
    ShardFailed,
    /// A worker needed more memory than it may have.
    OutOfMemory,
    /// `spec.activeDeadlineSeconds` has passed.
    DeadlineExceeded,
    /// The pool is usable.
    Healthy,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
