//! The jobs an Action speaks of, and how they moved.

use super::{
    Action, Object,
    access::{id_at, id_in, object, objects, seconds},
    lists::{List, set_list},
    refer,
};
use crate::{
    domain::{Timestamp, Value},
    providers::huntr::tables::{JOBS, STAGE_CHANGES},
};

impl Action<'_> {
    pub(super) fn jobs(&mut self) {
        for job in objects(self.json, "jobs") {
            if let Some(id) = id_at(job, "id") {
                self.job(&id, job);
            }
        }
        let nested = object(self.json, "activity").and_then(|activity| object(activity, "job"));
        if let Some((job, id)) = nested.and_then(|job| Some((job, id_at(job, "id")?))) {
            self.job(&id, job);
        }
        let Some(id) = self.reference("job") else {
            return;
        };
        let empty = Object::new();
        self.job(&id, object(self.json, "job").unwrap_or(&empty));
        let mut row = self.row(&JOBS);
        refer(&mut row, &JOBS, "employer_id", self.employer_id());
        if self.what.creates() && self.what.is_about("JOB") {
            refer(&mut row, &JOBS, "creator_member_id", self.creator.clone());
        }
        if self.what.is_about("JOB") {
            set_list(&mut row, List::of(self.json, "toList"));
        }
        self.mark_deleted(&JOBS, &mut row, "JOB");
        self.add(&JOBS, &[&id], row);
    }

    /// The owner of the board is the owner of its jobs.
    pub(super) fn job(&mut self, id: &str, job: &Object) {
        let mut row = self.read(&JOBS, job);
        let owner = id_in(job, "ownerMember").or_else(|| self.owner.clone());
        refer(&mut row, &JOBS, "owner_member_id", owner);
        refer(
            &mut row,
            &JOBS,
            "creator_member_id",
            id_in(job, "creatorMember"),
        );
        refer(&mut row, &JOBS, "employer_id", id_in(job, "employer"));
        refer(&mut row, &JOBS, "job_post_id", id_in(job, "jobPost"));
        set_list(&mut row, List::of(job, "list"));
        self.add(&JOBS, &[id], row);
    }

    pub(super) fn stage_change(&mut self) {
        if !matches!(self.what.0, "JOB_CREATED" | "JOB_MOVED") {
            return;
        }
        let mut row = self.row(&STAGE_CHANGES);
        let mut set = |name: &str, value: Value| row.set(STAGE_CHANGES.position(name), value);
        let from = List::of(self.json, "fromList");
        let to = match List::of(self.json, "toList") {
            list if list.is_known() => list,
            _ => object(self.json, "job")
                .map(|job| List::of(job, "list"))
                .unwrap_or_default(),
        };
        set("job_id", Value::text(self.job_id()));
        set("member_id", Value::text(self.owner.clone()));
        for (list, id, name, stage) in [
            (from, "from_list_id", "from_list", "from_stage"),
            (to, "to_list_id", "to_list", "to_stage"),
        ] {
            set(id, Value::text(list.id.clone()));
            set(stage, Value::text(list.stage()));
            set(name, list.name);
        }
        let at = self.version.at.and_then(Timestamp::from_timestamp_millis);
        let occurred_at = seconds(self.json, "date").or(at);
        set("occurred_at", Value::time(occurred_at));
        set("created_at", Value::time(at));
        let id = self.version.id.to_string();
        self.add(&STAGE_CHANGES, &[&id], row);
    }
}
