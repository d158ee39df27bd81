//! Random histories: few things that much happens to, at few times, so that everything collides.

use huntr_receiver::{
    domain::{Clock, EventId, EventRecord, SystemClock},
    providers::{Sample, sample_event},
};
use rand::{
    RngExt, SeedableRng,
    rngs::SmallRng,
    seq::{IndexedRandom, SliceRandom},
};
use serde_json::{Map, Value, json};

/// An event of that provider, as if it had been stored.
pub(super) fn event(provider: &str, body: &Value) -> EventRecord {
    // Leaked, as samples are static; a test's process does not live long.
    let sample = Sample {
        name: "random",
        body: Box::leak(body.to_string().into_boxed_str()),
        documented: false,
    };
    let mut event = sample_event(provider, &sample, SystemClock.now());
    event.summary.id = EventId(0);
    event
}

/// Where the randomness of one history comes from.
pub(super) struct Dice(SmallRng);

const MEMBERS: &[&str] = &["m1", "m2", "m3"];
const JOBS: &[&str] = &["j1", "j2"];
const EMPLOYERS: &[&str] = &["e1", "e2"];
const TYPES: &[&str] = &[
    "JOB_CREATED",
    "JOB_UPDATED",
    "JOB_MOVED",
    "JOB_DELETED",
    "ACTIVITY_CREATED",
    "ACTIVITY_UPDATED",
    "ACTIVITY_DELETED",
    "NOTE_CREATED",
    "NOTE_DELETED",
    "CONTACT_CREATED",
    "CONTACT_DELETED",
    "MEMBER_CREATED",
    "MEMBER_DEACTIVATED",
    "MEMBER_DELETED",
    "ORGANIZATION_COMPANY_UPDATED",
    "SOMETHING_NEW",
];

/// A key of an object, and what makes its value.
type Key = (&'static str, fn(&mut Dice) -> Value);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// Events of both vendors, each under an id of its own.
    pub(super) fn history(&mut self) -> Vec<EventRecord> {
        let mut events = Vec::new();
        for number in 0..self.0.random_range(1..25) {
            let mut body = self.action();
            body["id"] = json!(format!("{number:024x}"));
            events.push(event("huntr", &body));
        }
        for number in 0..self.0.random_range(0..6) {
            let mut body = self.envelope();
            body["idempotencyId"] = json!(format!("{number}"));
            events.push(event("hunty", &body));
        }
        events
    }

    /// Everything twice, in any order.
    pub(super) fn shuffled_twice<T: Clone>(&mut self, things: &[T]) -> Vec<T> {
        let mut twice: Vec<T> = things.iter().chain(things).cloned().collect();
        twice.shuffle(&mut self.0);
        twice
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit)
    }

    fn one_of(&mut self, choices: &[&str]) -> Value {
        json!(choices.choose(&mut self.0))
    }

    fn odd(&mut self) -> Value {
        let odd = [
            json!(null),
            json!(7),
            json!(true),
            json!(["x"]),
            json!({"y": 1}),
            json!("a\u{0}b"),
            json!(1e300),
        ];
        odd[self.below(odd.len())].clone()
    }

    fn usually(&mut self, value: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.0.random_bool(0.85) {
            value(self)
        } else {
            self.odd()
        }
    }

    fn text(&mut self) -> Value {
        self.usually(|dice| dice.one_of(&["a", "b", "c", "", "$90k", "50-60k"]))
    }

    fn flag(&mut self) -> Value {
        self.usually(|dice| json!(dice.0.random::<bool>()))
    }

    fn seconds(&mut self) -> Value {
        self.usually(|dice| json!(1_588_634_675.0 + f64::from(dice.0.random_range(0..12_u8)) / 2.0))
    }

    fn several(&mut self, value: fn(&mut Self) -> Value) -> Value {
        (0..self.below(3)).map(|_| value(self)).collect()
    }

    /// With each of the keys, or without it.
    fn object(&mut self, ids: &[&str], keys: &[Key]) -> Value {
        let mut object = Map::new();
        object.insert("id".into(), self.one_of(ids));
        for (name, value) in keys {
            if self.0.random_bool(0.6) {
                object.insert((*name).into(), value(self));
            }
        }
        Value::Object(object)
    }

    fn member(&mut self) -> Value {
        self.object(
            MEMBERS,
            &[
                ("givenName", Self::text),
                ("email", Self::text),
                ("createdAt", Self::seconds),
                ("isActive", Self::flag),
                ("memberFieldValues", |dice| dice.several(Self::field_value)),
                ("advisor", |dice| {
                    dice.object(&["a1"], &[("fullName", Self::text)])
                }),
            ],
        )
    }

    fn field_value(&mut self) -> Value {
        let value = if self.0.random() {
            json!(["x", "y"])
        } else {
            self.text()
        };
        json!({ "fieldId": self.one_of(&["f1", "f2"]), "value": value })
    }

    fn employer(&mut self) -> Value {
        self.object(
            EMPLOYERS,
            &[
                ("name", Self::text),
                ("domain", Self::text),
                ("foundedYear", |dice| {
                    dice.usually(|dice| json!(1900 + dice.below(130)))
                }),
                ("isPartner", Self::flag),
            ],
        )
    }

    fn list(&mut self) -> Value {
        let name = |dice: &mut Self| {
            dice.usually(|dice| {
                dice.one_of(&["Applied", "offer", "Wishlist", "rejected", "Our own"])
            })
        };
        self.object(&["l1", "l2"], &[("name", name)])
    }

    fn job(&mut self) -> Value {
        let location = |dice: &mut Self| {
            let places = [
                json!({}),
                json!({"address": ""}),
                json!({"address": "Here 1", "lat": "1.5"}),
            ];
            places[dice.below(places.len())].clone()
        };
        self.object(
            JOBS,
            &[
                ("title", |dice| {
                    dice.usually(|dice| dice.one_of(&["No Job Title", "Engineer", "Chief"]))
                }),
                ("salary", Self::text),
                ("location", location),
                ("createdAt", Self::seconds),
                ("list", Self::list),
                ("employer", Self::employer),
            ],
        )
    }

    fn activity(&mut self) -> Value {
        self.object(
            &["v1", "v2"],
            &[
                ("title", Self::text),
                ("completed", Self::flag),
                ("startAt", Self::seconds),
                ("completedAt", Self::seconds),
                ("createdAt", Self::seconds),
                ("createdByWorkflow", Self::flag),
                ("job", Self::job),
            ],
        )
    }

    fn action(&mut self) -> Value {
        self.object(
            &["replaced"],
            &[
                ("actionType", |dice| dice.one_of(TYPES)),
                ("date", Self::seconds),
                ("createdAt", Self::seconds),
                ("ownerMember", Self::member),
                ("creatorMember", Self::member),
                ("member", Self::member),
                ("job", Self::job),
                ("jobId", |dice| dice.one_of(JOBS)),
                ("jobs", |dice| dice.several(Self::job)),
                ("employer", Self::employer),
                ("employerId", |dice| dice.one_of(EMPLOYERS)),
                ("employers", |dice| dice.several(Self::employer)),
                ("activity", Self::activity),
                ("activityId", |dice| dice.one_of(&["v1", "v2"])),
                ("activityCategory", |dice| {
                    dice.object(&["k1"], &[("name", Self::text)])
                }),
                ("note", |dice| dice.object(&["n1"], &[("text", Self::text)])),
                ("noteId", |dice| dice.one_of(&["n1"])),
                ("contact", |dice| {
                    dice.object(&["c1"], &[("firstName", Self::text)])
                }),
                ("contactId", |dice| dice.one_of(&["c1"])),
                ("fromList", Self::list),
                ("toList", Self::list),
                ("update", Self::text),
                ("createdByWorkflow", Self::flag),
            ],
        )
    }

    fn envelope(&mut self) -> Value {
        let payload = self.object(
            &["x1", "x2"],
            &[("status", Self::text), ("previousStatus", Self::text)],
        );
        json!({
            "webhookId": "wh", "domain": self.one_of(&["candidate", "vacancy"]), "event": "Moved", "version": 2,
            "timestamp": 1_713_384_000_000_i64 + i64::from(self.0.random_range(0..4_u8)), "payload": payload,
        })
    }
}
