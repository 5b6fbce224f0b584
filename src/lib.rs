//! A synchronization provider for business applications that speaks SData.

pub mod cli;
pub mod contract;
pub mod engine;
pub mod http;
pub mod jobs;
pub mod protocol;
pub mod provider;
pub mod query;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod wire;
