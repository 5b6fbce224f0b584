//! The tables of sdata-sync.
