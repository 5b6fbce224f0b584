//! A synchronization provider for business applications that speaks SData.

pub mod contract;
pub mod protocol;
pub mod store;
pub mod wire;
