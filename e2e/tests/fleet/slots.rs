//! How the slots of a pool are shared, taken and given.
