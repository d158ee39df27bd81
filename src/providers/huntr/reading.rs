//! Reads a stored Action of Huntr's for those it is delivered to.

use serde::Deserialize;
use serde_json::{Map, Value as Json, value::RawValue};

use super::{PROVIDER, SIGNATURE_HEADER_NAME, action, headline, projection};
use crate::{
    domain::{EventRecord, Said},
    providers::{
        Envelope, reading,
        recall::{self, Recalled},
    },
};

/// The reading of Huntr's events.
pub(in crate::providers) struct Reading;

/// Who an Action may be about. Each is read on its own, so that an odd one hides no other.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subjects<'a> {
    #[serde(borrow)]
    action_type: Option<&'a RawValue>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    owner_member: Option<&'a RawValue>,
    #[serde(borrow)]
    member: Option<&'a RawValue>,
    #[serde(borrow)]
    member_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Member<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl reading::Reading for Reading {
    fn envelope(&self, body: &[u8]) -> Envelope {
        action::read(body)
    }

    fn cloud_event_type(&self, event: &EventRecord) -> String {
        let event_type = event.summary.event_type.as_deref();
        format!("co.{PROVIDER}.{}", event_type.unwrap_or(reading::UNKNOWN))
    }

    fn payload<'a>(&self, event: &'a EventRecord) -> Option<&'a RawValue> {
        reading::whole_body(event)
    }

    /// In an Action about a member `member` is that member; elsewhere it is what the Events of old called the
    /// owner.
    fn entity(&self, body: &[u8]) -> Option<String> {
        let action: Subjects<'_> = reading::object(body)?;
        let event_type = action.action_type.or(action.event_type);
        let is_about_member = event_type.is_some_and(|raw| raw.get().starts_with("\"MEMBER_"));
        let owner = || action.owner_member.and_then(member_id);
        let member = || action.member.and_then(member_id);
        let id = || action.member_id.and_then(reading::id);
        if is_about_member {
            member().or_else(id).or_else(owner)
        } else {
            owner().or_else(member).or_else(id)
        }
    }

    fn headline(&self, event: &EventRecord) -> String {
        headline::of(event).unwrap_or_else(|| reading::generic_headline(event))
    }

    fn project(&self, event: &EventRecord) -> Vec<Said> {
        projection::project(event)
    }

    fn recall(&self, row: &Map<String, Json>) -> Option<Recalled> {
        Some(Recalled {
            body: recall::json(row, "payload").unwrap_or_default(),
            version: None,
        })
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some(SIGNATURE_HEADER_NAME)
    }
}

fn member_id(member: &RawValue) -> Option<String> {
    let member: Member<'_> = reading::object(member.get().as_bytes())?;
    member.id.and_then(reading::id)
}
