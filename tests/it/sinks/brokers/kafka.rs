//! Kafka: librdkafka's own brokers, which speak the real protocol in this process, and one that knows nobody.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::PATIENCE;

const PARTITIONS: i32 = 4;
const ALL_BROKERS: i32 = -1;

/// Two brokers.
pub(crate) struct Cluster(MockCluster<'static, DefaultProducerContext>);

/// A record as it was written.
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) key: Option<String>,
    pub(crate) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Cluster {
    pub(crate) fn with_topic(topic: &str) -> Self {
        let cluster = MockCluster::new(2).expect("brokers");
        cluster
            .create_topic(topic, PARTITIONS, 2)
            .expect("a new topic");
        Self(cluster)
    }

    pub(crate) fn brokers(&self) -> String {
        self.0.bootstrap_servers()
    }

    pub(crate) fn down(&self) {
        self.0.broker_down(ALL_BROKERS).expect("no brokers");
    }

    /// On the same ports, with what they had.
    pub(crate) fn up(&self) {
        self.0.broker_up(ALL_BROKERS).expect("brokers");
    }

    /// The next message is told to be too large.
    pub(crate) fn refuse_as_too_large(&self) {
        let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE];
        self.0.request_errors(RDKafkaApiKey::Produce, &errors);
    }

    /// The next message does not follow the last one, which a producer cannot go on from.
    pub(crate) fn lose_sequence(&self) {
        let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        self.0.request_errors(RDKafkaApiKey::Produce, &[error]);
    }

    /// All records, once there are so many ids.
    pub(crate) fn records(&self, topic: &str, ids: usize) -> Vec<Record> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.brokers())
            .set("group.id", "tests")
            .create()
            .expect("a consumer");
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            partitions
                .add_partition_offset(topic, partition, Offset::Beginning)
                .expect("an offset");
        }
        consumer.assign(&partitions).expect("partitions");
        let mut records: Vec<Record> = Vec::new();
        let (mut seen, start) = (BTreeSet::new(), Instant::now());
        while seen.len() < ids {
            assert!(
                start.elapsed() < PATIENCE,
                "{} of {ids} records",
                seen.len()
            );
            // What cannot be read yet is read later.
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
                let record = Record::of(&message);
                seen.insert(record.id());
                records.push(record);
            }
        }
        records
    }
}

impl Record {
    fn of(message: &impl Message) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("a text");
        let headers = message.headers().expect("headers").iter();
        let headers =
            headers.map(|header| (header.key.to_owned(), text(header.value.expect("a value"))));
        Self {
            partition: message.partition(),
            key: message.key().map(text),
            body: message.payload().unwrap_or_default().to_vec(),
            headers: headers.collect(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&header.1)
    }

    pub(crate) fn id(&self) -> String {
        self.header("id").expect("an id").to_owned()
    }
}

/// A broker that takes no password, as the brokers above ask for none.
pub(crate) struct Refusing {
    address: String,
    /// Ends when dropped.
    _serving: JoinSet<()>,
}

impl Refusing {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                refuse(stream).await.ok();
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

/// Tells what it speaks, agrees to every mechanism, and takes no proof.
async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    const SASL_HANDSHAKE: i16 = 17;
    const API_VERSIONS: i16 = 18;
    const SASL_AUTHENTICATE: i16 = 36;
    const UNSUPPORTED_VERSION: i16 = 35;
    const SASL_AUTHENTICATION_FAILED: i16 = 58;
    loop {
        let length = stream.read_i32().await?;
        let mut request = vec![0; usize::try_from(length).unwrap_or_default()];
        stream.read_exact(&mut request).await?;
        let word = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
        let (api, version) = (word(0), word(2));
        // The answer's length, the request's number, then what is answered.
        let mut answer = request[4..8].to_vec();
        let mut put = |value: i16| answer.extend(value.to_be_bytes());
        match api {
            API_VERSIONS => {
                put(if version == 0 { 0 } else { UNSUPPORTED_VERSION });
                let known = [
                    (SASL_HANDSHAKE, 1),
                    (API_VERSIONS, 0),
                    (SASL_AUTHENTICATE, 0),
                ];
                put(0);
                put(3);
                for (api, newest) in known {
                    put(api);
                    put(0);
                    put(newest);
                }
            }
            SASL_HANDSHAKE => {
                put(0);
                put(0);
                put(1);
                put(13);
                answer.extend(b"SCRAM-SHA-512");
            }
            _ => {
                let why = "no such user, or another password";
                put(SASL_AUTHENTICATION_FAILED);
                put(i16::try_from(why.len()).unwrap_or_default());
                answer.extend(why.as_bytes());
                answer.extend(0_i32.to_be_bytes());
            }
        }
        let length = u32::try_from(answer.len()).unwrap_or_default();
        stream.write_u32(length).await?;
        stream.write_all(&answer).await?;
    }
}
