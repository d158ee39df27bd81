//! What lists show, and what they leave out.

use huntr_receiver::{
    domain::{EventId, NewEvent},
    store::{EventFilter, Store},
};

use super::{
    database::Database,
    samples::{at, event, id_of, name},
};

on_both_stores!(
    the_newest_come_first,
    each_filter_leaves_others_out,
    pages_follow_each_other_without_gaps,
    an_event_that_is_not_there_is_not_found,
);

fn all() -> EventFilter {
    EventFilter {
        limit: 100,
        ..EventFilter::default()
    }
}

async fn listed(store: &dyn Store, filter: EventFilter) -> Vec<String> {
    let events = store.list_events(&filter).await.expect("listed");
    events.into_iter().map(|event| event.delivery_id).collect()
}

async fn the_newest_come_first(store: &dyn Store, _: &Database) {
    for id in ["a", "b", "c"] {
        store.insert_events(&[event(id)]).await.expect("stored");
    }
    assert_eq!(listed(store, all()).await, ["c", "b", "a"]);
}

async fn each_filter_leaves_others_out(store: &dyn Store, _: &Database) {
    for event in [
        NewEvent {
            source: name("hunty"),
            received_at: at(1),
            ..event("source")
        },
        NewEvent {
            event_type: Some("NOTE_ADDED".to_owned()),
            received_at: at(2),
            ..event("type")
        },
        NewEvent {
            problem: Some("not JSON".to_owned()),
            received_at: at(3),
            ..event("problem")
        },
        NewEvent {
            event_type: None,
            received_at: at(4),
            ..event("no type")
        },
    ] {
        store.insert_events(&[event]).await.expect("stored");
    }
    let source = EventFilter {
        source: Some("hunty".to_owned()),
        ..all()
    };
    assert_eq!(listed(store, source).await, ["source"]);
    let event_type = EventFilter {
        event_type: Some("NOTE_ADDED".to_owned()),
        ..all()
    };
    assert_eq!(listed(store, event_type).await, ["type"]);
    let problems = EventFilter {
        problems_only: true,
        ..all()
    };
    assert_eq!(listed(store, problems).await, ["problem"]);
    let since = EventFilter {
        since: Some(at(3)),
        ..all()
    };
    assert_eq!(listed(store, since).await, ["no type", "problem"]);
    let until = EventFilter {
        until: Some(at(3)),
        ..all()
    };
    assert_eq!(listed(store, until).await, ["type", "source"]);
    let between = EventFilter {
        since: Some(at(2)),
        until: Some(at(3)),
        ..all()
    };
    assert_eq!(listed(store, between).await, ["type"]);
    let both = EventFilter {
        source: Some("hunty".to_owned()),
        problems_only: true,
        ..all()
    };
    assert!(listed(store, both).await.is_empty());
}

async fn pages_follow_each_other_without_gaps(store: &dyn Store, _: &Database) {
    let batch: Vec<NewEvent> = (0..7).map(|number| event(&number.to_string())).collect();
    let answers = store.insert_events(&batch).await.expect("stored");
    let mut expected: Vec<EventId> = answers.into_iter().map(id_of).collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));

    let mut seen = Vec::new();
    loop {
        let page = EventFilter {
            before: seen.last().copied(),
            limit: 3,
            ..all()
        };
        let events = store.list_events(&page).await.expect("listed");
        if events.is_empty() {
            break;
        }
        assert!(events.len() <= 3);
        seen.extend(events.into_iter().map(|event| event.id));
    }
    assert_eq!(seen, expected);
}

async fn an_event_that_is_not_there_is_not_found(store: &dyn Store, _: &Database) {
    assert_eq!(store.find_event(EventId(1)).await.expect("read"), None);
}
