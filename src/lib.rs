//! A synchronization provider for business applications that speaks SData.

pub mod cli;
pub mod engine;
pub mod protocol;
pub mod settings;
pub mod telemetry;
pub mod wire;
