//! The members an Action speaks of, and what the organisation's own fields hold for them.

use serde_json::Value as Json;

use super::{
    Action, Object,
    access::{embedded, id_at, object, plain},
};
use crate::{
    domain::{Kind, Row, Value},
    providers::{
        huntr::tables::{MEMBER_FIELD_VALUES, MEMBERS},
        json::{cell, id},
    },
};

impl Action<'_> {
    pub(super) fn members(&mut self) {
        let invitation = object(self.json, "organizationInvitation");
        self.member(
            invitation.and_then(|invitation| object(invitation, "to")),
            false,
        );
        for nested in embedded(self.json) {
            self.member(object(nested, "creatorMember"), false);
            self.member(object(nested, "ownerMember"), false);
            if let Some(id) = id_at(nested, "memberId") {
                let row = self.row(&MEMBERS);
                self.add(&MEMBERS, &[&id], row);
            }
        }
        self.member(object(self.json, "creatorMember"), false);
        self.member(object(self.json, "ownerMember"), false);
        let is_subject = self.what.is_about("MEMBER");
        self.member(object(self.json, "member"), is_subject);
        if let Some(id) = id_at(self.json, "memberId") {
            let mut row = self.row(&MEMBERS);
            if is_subject {
                self.tell_of_subject(&mut row);
            }
            self.add(&MEMBERS, &[&id], row);
        }
    }

    pub(super) fn tell_of_subject(&self, row: &mut Row) {
        self.mark_deleted(&MEMBERS, row, "MEMBER");
        if self.what.0 == "MEMBER_DEACTIVATED" {
            row.set(MEMBERS.position("is_active"), Value::Boolean(false));
        }
    }

    pub(super) fn member(&mut self, member: Option<&Object>, is_subject: bool) {
        let Some((member, id)) = member.and_then(|member| Some((member, id_at(member, "id")?)))
        else {
            return;
        };
        let mut row = self.read(&MEMBERS, member);
        if let Some(advisor) = object(member, "advisor") {
            for (name, key) in [("advisor_name", "fullName"), ("advisor_email", "email")] {
                if let Some(json) = advisor.get(key) {
                    row.set(MEMBERS.position(name), cell(Kind::Text, json));
                }
            }
            row.set(
                MEMBERS.position("advisor_id"),
                Value::text(id_at(advisor, "id")),
            );
        } else if member.contains_key("advisor") {
            for name in ["advisor_id", "advisor_name", "advisor_email"] {
                row.set(MEMBERS.position(name), Value::Null);
            }
        }
        if is_subject {
            self.tell_of_subject(&mut row);
        }
        self.add(&MEMBERS, &[&id], row);
        self.field_values(&id, member);
    }

    /// As a list, and in later versions also by the fields' ids.
    pub(super) fn field_values(&mut self, member: &str, object: &Object) {
        let listed = object.get("memberFieldValues").and_then(Json::as_array);
        let keyed = object
            .get("memberFieldValuesKeyedById")
            .and_then(Json::as_object);
        let listed = listed.into_iter().flatten().filter_map(Json::as_object);
        let listed = listed.filter_map(|value| Some((id_at(value, "fieldId")?, value)));
        let keyed = keyed.into_iter().flatten().filter_map(|(key, value)| {
            let value = value.as_object()?;
            let field = id_at(value, "fieldId").or_else(|| id(&Json::from(key.as_str())))?;
            Some((field, value))
        });
        for (field, value) in keyed.chain(listed) {
            let mut row = self.read(&MEMBER_FIELD_VALUES, value);
            if let Some(value) = value.get("value") {
                row.set(
                    MEMBER_FIELD_VALUES.position("value_text"),
                    Value::text(plain(value)),
                );
            }
            self.add(&MEMBER_FIELD_VALUES, &[member, &field], row);
        }
    }
}
