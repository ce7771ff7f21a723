//! An autoscaler moves the slots of a pool by its queue depth.
