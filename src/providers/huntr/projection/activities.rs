//! The activity an Action speaks of.

use super::{
    Action, Object,
    access::{id_at, id_in, object},
    refer,
};
use crate::{
    domain::Kind,
    providers::{huntr::tables::ACTIVITIES, json::cell},
};

impl Action<'_> {
    pub(super) fn activity(&mut self) {
        let Some(id) = self.reference("activity") else {
            return;
        };
        let empty = Object::new();
        let activity = object(self.json, "activity").unwrap_or(&empty);
        let mut row = self.read(&ACTIVITIES, activity);
        refer(
            &mut row,
            &ACTIVITIES,
            "job_id",
            id_in(activity, "job").or_else(|| self.job_id()),
        );
        refer(&mut row, &ACTIVITIES, "employer_id", self.employer_id());
        let owner = id_in(activity, "ownerMember").or_else(|| self.owner.clone());
        refer(&mut row, &ACTIVITIES, "owner_member_id", owner);
        let creates = self.what.is_about("ACTIVITY") && self.what.creates();
        let creator = || self.creator.clone().filter(|_| creates);
        let creator = id_in(activity, "creatorMember").or_else(creator);
        refer(&mut row, &ACTIVITIES, "creator_member_id", creator);
        if let Some(category) = self.category() {
            refer(&mut row, &ACTIVITIES, "category_id", id_at(category, "id"));
            if category.contains_key("name") {
                row.set(ACTIVITIES.position("category"), self.category_name());
            }
        }
        if creates
            && !activity.contains_key("createdByWorkflow")
            && let Some(json) = self.json.get("createdByWorkflow")
        {
            let value = cell(Kind::Boolean, json);
            row.set(ACTIVITIES.position("created_by_workflow"), value);
        }
        self.mark_deleted(&ACTIVITIES, &mut row, "ACTIVITY");
        self.add(&ACTIVITIES, &[&id], row);
    }
}
