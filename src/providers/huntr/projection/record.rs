//! The Action's own row.

use serde_json::value::RawValue;

use super::{Action, access::id_at, lists::List};
use crate::{
    domain::{EventRecord, Kind, Value},
    providers::{huntr::tables::ACTIONS, json::cell},
};

impl Action<'_> {
    pub(super) fn record(&mut self, event: &EventRecord, payload: Option<String>) {
        let mut row = self.read(&ACTIONS, self.json);
        let mut set = |name: &str, value: Value| row.set(ACTIONS.position(name), value);
        set("event_id", Value::Integer(event.summary.id.0));
        set("owner_member_id", Value::text(self.owner.clone()));
        set("creator_member_id", Value::text(self.creator.clone()));
        set("member_id", Value::text(self.member_id()));
        set("job_id", Value::text(self.job_id()));
        set("employer_id", Value::text(self.employer_id()));
        for (name, key) in [
            ("activity_id", "activity"),
            ("note_id", "note"),
            ("contact_id", "contact"),
            ("job_post_id", "jobPost"),
            ("document_id", "document"),
            ("goal_id", "goal"),
            ("goal_enrollment_id", "goalEnrollment"),
            ("organization_invitation_id", "organizationInvitation"),
            ("candidate_id", "candidate"),
        ] {
            set(name, Value::text(self.reference(key)));
        }
        let category = self.category();
        set(
            "activity_category_id",
            Value::text(category.and_then(|category| id_at(category, "id"))),
        );
        set("activity_category", self.category_name());
        for (list, id, name, stage) in [
            ("fromList", "from_list_id", "from_list", "from_stage"),
            ("toList", "to_list_id", "to_list", "to_stage"),
        ] {
            let list = List::of(self.json, list);
            set(id, Value::text(list.id.clone()));
            set(stage, Value::text(list.stage()));
            set(name, list.name);
        }
        let payload = payload.and_then(|payload| RawValue::from_string(payload).ok());
        set("payload", payload.map_or(Value::Null, Value::json));
        let id = event.summary.delivery_id.clone();
        self.add(&ACTIONS, &[&id], row);
    }

    /// The Events of old named some activities by their type alone.
    pub(super) fn category_name(&self) -> Value {
        if let Some(name) = self.category().and_then(|category| category.get("name")) {
            return cell(Kind::Text, name);
        }
        Value::text(match self.what.0 {
            "JOB_APPLICATION_DATE_SET" => Some("Apply"),
            "JOB_FIRST_INTERVIEW_DATE_SET" => Some("Phone Interview"),
            "JOB_SECOND_INTERVIEW_DATE_SET" => Some("On Site Interview"),
            "JOB_OFFER_DATE_SET" => Some("Offer Received"),
            _ => None,
        })
    }
}
