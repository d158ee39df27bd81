//! Sinks beside each other: one that is well, and one each that hangs, lies and dies for a while.

use std::{collections::HashMap, time::Duration};

use tokio::{sync::Mutex, time::sleep};

use crate::{fanout::hook::Hook, sinks::web_server::Behaviour};

pub(super) struct Sinks {
    healthy: Hook,
    hanging: Hook,
    lying: Hook,
    dying: Mutex<Hook>,
}

/// Each with the types it wants; none for all.
pub(super) const WANTED: [(&str, &[&str]); 4] = [
    ("healthy", &[]),
    ("hanging", &["JOB_CREATED", "JOB_MOVED"]),
    (
        "lying",
        &[
            "ACTIVITY_CREATED",
            "NOTE_CREATED",
            "CandidateStatusTransitionedEvent",
        ],
    ),
    (
        "dying",
        &["ACTIVITY_UPDATED", "JOB_UPDATED", "MEMBER_UPDATED"],
    ),
];

const OPTIONS: &str = r#"timeout = "1s"
retry = { initial = "100ms", max = "1s" }
"#;
/// The other three need only know which event it is.
const SHORT: &str = r#"format = "template"
template = '{"id":{{ event.delivery_id | tojson }}}'
"#;

impl Sinks {
    pub(super) async fn start() -> Self {
        Self {
            healthy: Hook::start().await,
            hanging: Hook::start().await,
            lying: Hook::start().await,
            dying: Mutex::new(Hook::start().await),
        }
    }

    pub(super) async fn config(&self) -> String {
        let dying = self.dying.lock().await;
        let hooks = [&self.healthy, &self.hanging, &self.lying, &dying];
        let sinks = hooks.iter().zip(WANTED).map(|(hook, (name, types))| {
            if types.is_empty() {
                return hook.sink(name, OPTIONS);
            }
            hook.sink(name, &format!("types = {types:?}\n{OPTIONS}{SHORT}"))
        });
        sinks.collect()
    }

    pub(super) async fn one_hangs_for(&self, time: Duration) {
        self.hanging.answer_with(Behaviour::Hang);
        sleep(time).await;
        self.hanging.answer_with(Behaviour::status(200));
    }

    pub(super) async fn one_lies_for(&self, time: Duration) {
        self.lying.answer_by(|call| match call.number % 3 {
            0 => Behaviour::status(200),
            1 => Behaviour::CloseWithin,
            _ => Behaviour::status(500),
        });
        sleep(time).await;
        self.lying.answer_with(Behaviour::status(200));
    }

    pub(super) async fn one_is_dead_for(&self, time: Duration) {
        let mut dying = self.dying.lock().await;
        dying.server.stop().await;
        sleep(time).await;
        dying.server.restart_on_same_port().await;
    }

    /// How often each event was taken, by sink.
    pub(super) async fn taken(&self) -> HashMap<&'static str, HashMap<String, usize>> {
        let dying = self.dying.lock().await;
        let hooks = [&self.healthy, &self.hanging, &self.lying, &dying];
        let taken = WANTED
            .iter()
            .zip(hooks)
            .map(|((name, _), hook)| (*name, hook.taken()));
        taken.collect()
    }
}
