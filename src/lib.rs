//! huntr-receiver (work in progress).

pub mod app;
pub mod cli;
pub mod config;
pub mod deliveries;
pub mod domain;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod providers;
pub mod secret;
pub mod shutdown;
pub mod sinks;
pub mod store;
pub mod telemetry;
pub mod units;
