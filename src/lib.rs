//! A synchronization provider for business applications that speaks SData.

pub mod cli;
pub mod contract;
pub mod engine;
pub mod protocol;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod wire;
