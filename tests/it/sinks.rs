//! Every kind of sink, against what it really talks to.

mod brokers;
#[cfg(any(feature = "kafka", feature = "s3", feature = "sqs"))]
mod clouds;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod made;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "slack")]
mod slack;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(feature = "stdout")]
mod stdout;
pub(crate) mod web_server;
