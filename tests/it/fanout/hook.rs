//! A sink of the kind `http`, and what it took of what it got.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde::Deserialize;

use crate::sinks::web_server::{Behaviour, Request, WebServer};

/// A web server that keeps account by event.
pub(crate) struct Hook {
    pub(crate) server: WebServer,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The event, as its sender calls it.
    pub(crate) id: String,
    /// The event, as we call it.
    pub(crate) event: i64,
    /// What it is about.
    pub(crate) subject: String,
    /// Whether it was answered 2xx.
    pub(crate) taken: bool,
}

#[derive(Deserialize)]
struct CloudEvent {
    id: String,
    #[serde(default)]
    subject: String,
}

impl Hook {
    /// Takes everything until told otherwise.
    pub(crate) async fn start() -> Self {
        let hook = Self {
            server: WebServer::start().await,
            calls: Arc::default(),
        };
        hook.answer_by(|_| Behaviour::status(200));
        hook
    }

    /// From now on, each call is answered as it deserves.
    pub(crate) fn answer_by(&self, behave: impl Fn(&Call) -> Behaviour + Send + Sync + 'static) {
        let calls = Arc::clone(&self.calls);
        self.server.answer_by(move |request| {
            let mut call = read(request);
            let behaviour = behave(&call);
            call.taken = takes(&behaviour);
            calls.lock().expect("the calls").push(call);
            behaviour
        });
    }

    pub(crate) fn answer_with(&self, behaviour: Behaviour) {
        self.answer_by(move |_| behaviour.clone());
    }

    /// Every call so far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("the calls").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.lock().expect("the calls").len()
    }

    /// How often each event was taken.
    pub(crate) fn taken(&self) -> HashMap<String, usize> {
        let mut taken = HashMap::new();
        let calls = self.calls.lock().expect("the calls");
        for call in calls.iter().filter(|call| call.taken) {
            *taken.entry(call.id.clone()).or_default() += 1;
        }
        taken
    }

    /// Checks that it took these events and no others.
    pub(crate) fn took(&self, events: &[String]) {
        let taken = self.taken();
        let missing: Vec<_> = events
            .iter()
            .filter(|id| !taken.contains_key(*id))
            .collect();
        assert_eq!(missing, [""; 0]);
        assert_eq!(taken.len(), events.len());
    }

    /// How many more times it took events than there were.
    pub(crate) fn duplicates(&self) -> usize {
        let taken = self.taken();
        taken.values().sum::<usize>() - taken.len()
    }

    /// A sink of this name, with these options.
    pub(crate) fn sink(&self, name: &str, options: &str) -> String {
        format!(
            "[sinks.{name}]\nkind = \"http\"\nurl = \"{}\"\nallow_private = true\n{options}\n",
            self.server.url()
        )
    }
}

fn read(request: &Request) -> Call {
    let cloud_event: CloudEvent = serde_json::from_slice(&request.body).expect("a CloudEvent");
    let event = request.header("webhook-id").strip_prefix("evt_");
    Call {
        number: request.number,
        id: cloud_event.id,
        event: event.expect("an id of ours").parse().expect("a number"),
        subject: cloud_event.subject,
        taken: false,
    }
}

fn takes(behaviour: &Behaviour) -> bool {
    match behaviour {
        Behaviour::Answer { status, .. } | Behaviour::Late { status, .. } => {
            (200..300).contains(status)
        }
        Behaviour::Drip | Behaviour::Flood | Behaviour::CloseWithin => true,
        Behaviour::Hang | Behaviour::Close => false,
    }
}
