//! The schema history of sdata-sync.
