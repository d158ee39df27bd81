//! Brokers of the tests' own, on free loopback ports.

pub(crate) mod identity;
#[cfg(feature = "kafka")]
pub(crate) mod kafka;
#[cfg(any(feature = "s3", feature = "sqs"))]
pub(crate) mod moto;
#[cfg(feature = "nats")]
pub(crate) mod nats;
pub(crate) mod process;
#[cfg(feature = "rabbitmq")]
pub(crate) mod proxy;
#[cfg(feature = "rabbitmq")]
pub(crate) mod rabbitmq;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod trial;
