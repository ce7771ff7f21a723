//! Nodes that are lost, drained and joined in the middle of a job.
