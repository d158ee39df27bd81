//! Any sequence of what a spool can do is answered as a list in memory would answer it, also after it was opened anew.

use chrono::DateTime;
use huntr_receiver::{
    domain::{NewEvent, Origin},
    spool::{Config, Spool, Usage},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use tokio::runtime::Runtime;

use crate::store::samples::{event, name};

#[derive(Debug, Clone)]
enum Step {
    Push(Vec<NewEventDraft>),
    /// Takes out the first so many.
    Take(usize),
    /// The database refuses the first.
    SetAside,
    TryAgain,
    Reopen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NewEventDraft {
    delivery_id: String,
    event_type: Option<String>,
    occurred_at: Option<i64>,
    envelope_version: Option<i16>,
    signature: Option<String>,
    body: Vec<u8>,
    problem: Option<String>,
}

impl NewEventDraft {
    fn event(&self) -> NewEvent {
        NewEvent {
            source: name("fellowship"),
            event_type: self.event_type.clone(),
            occurred_at: self.occurred_at.and_then(DateTime::from_timestamp_millis),
            envelope_version: self.envelope_version,
            signature: self.signature.clone(),
            body: self.body.clone().into(),
            problem: self.problem.clone(),
            ..event(&self.delivery_id)
        }
    }

    fn of(event: &NewEvent) -> Self {
        assert_eq!(event.origin, Origin::Spool);
        assert_eq!((&*event.source, event.provider), ("fellowship", "huntr"));
        Self {
            delivery_id: event.delivery_id.clone(),
            event_type: event.event_type.clone(),
            occurred_at: event.occurred_at.map(|time| time.timestamp_millis()),
            envelope_version: event.envelope_version,
            signature: event.signature.clone(),
            body: event.body.to_vec(),
            problem: event.problem.clone(),
        }
    }
}

fn draft() -> impl Strategy<Value = NewEventDraft> {
    let text = || proptest::option::of("\\PC{0,8}|a\0b");
    (
        "[ab]\\PC{0,4}",
        text(),
        proptest::option::of(0..4_000_000_000_000_i64),
        proptest::option::of(any::<i16>()),
        text(),
        vec(any::<u8>(), 0..40),
        text(),
    )
        .prop_map(
            |(delivery_id, event_type, occurred_at, envelope_version, signature, body, problem)| {
                NewEventDraft {
                    delivery_id,
                    event_type,
                    occurred_at,
                    envelope_version,
                    signature,
                    body,
                    problem,
                }
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(draft(), 0..4).prop_map(Step::Push),
        2 => (0..4_usize).prop_map(Step::Take),
        1 => Just(Step::SetAside),
        1 => Just(Step::TryAgain),
        1 => Just(Step::Reopen),
    ]
}

async fn behaves_as_a_list(steps: &[Step]) {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::new(&Config {
        dir: folder.path().join("deep/spool"),
        max_size: bytesize::ByteSize::mib(8),
    });
    // What was refused keeps its place.
    let mut list: Vec<(NewEventDraft, bool)> = Vec::new();
    for step in steps {
        match step {
            Step::Push(drafts) => {
                let events: Vec<NewEvent> = drafts.iter().map(NewEventDraft::event).collect();
                spool.push(&events).await.expect("pushed");
                list.extend(drafts.iter().map(|draft| (draft.clone(), false)));
            }
            Step::Take(count) => {
                let limit = u32::try_from(*count).expect("few");
                let spooled = spool.read(limit, u64::MAX).await.expect("read");
                let ids: Vec<_> = spooled.iter().map(|delivery| delivery.id).collect();
                spool.remove(&ids).await.expect("removed");
                for delivery in spooled {
                    let first = list.iter().position(|(_, refused)| !refused);
                    let (draft, _) = list.remove(first.expect("one that waits"));
                    let event = delivery.event.expect("a row of ours");
                    assert_eq!(NewEventDraft::of(&event), draft);
                }
            }
            Step::SetAside => {
                if let Some(first) = spool.read(1, u64::MAX).await.expect("read").first() {
                    spool.set_aside(first.id, "no").await.expect("noted");
                    let waiting = list.iter_mut().find(|(_, refused)| !refused);
                    waiting.expect("one that waits").1 = true;
                }
            }
            Step::TryAgain => {
                spool.try_again().await.expect("noted");
                for (_, refused) in &mut list {
                    *refused = false;
                }
            }
            Step::Reopen => {
                spool.shrink().await.expect("shrunk");
                spool.close().await;
            }
        }
        let refused = list.iter().filter(|(_, refused)| *refused).count();
        let Usage {
            waiting,
            refused: set_aside,
            ..
        } = spool.usage().await.expect("read");
        let expected = ((list.len() - refused) as u64, refused as u64);
        assert_eq!((waiting, set_aside), expected);
    }
}

#[test]
fn a_spool_is_a_list_that_outlives_the_process() {
    let runtime = Runtime::new().expect("a runtime");
    let config = proptest::test_runner::Config {
        cases: 40,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    };
    let outcome = TestRunner::new(config).run(&vec(step(), 1..12), |steps| {
        runtime.block_on(behaves_as_a_list(&steps));
        Ok(())
    });
    outcome.expect("a list");
}

#[tokio::test]
async fn a_read_stops_at_its_bytes_and_gives_at_least_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::new(&Config {
        dir: folder.path().into(),
        max_size: bytesize::ByteSize::mib(8),
    });
    let events = ["a", "b", "c"].map(|id| NewEvent {
        body: vec![0; 1000].into(),
        ..event(id)
    });
    spool.push(&events).await.expect("pushed");
    for (max_bytes, expected) in [(1, 1), (1000, 1), (1001, 2), (u64::MAX, 3)] {
        assert_eq!(
            spool.read(9, max_bytes).await.expect("read").len(),
            expected
        );
    }
}
