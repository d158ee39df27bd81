//! The contact an Action speaks of, and to what it is linked.

use super::{
    Action, Object,
    access::{id_at, object, objects},
};
use crate::providers::huntr::tables::{CONTACT_EMPLOYERS, CONTACT_JOBS, CONTACTS};

impl Action<'_> {
    pub(super) fn contact(&mut self) {
        let Some(id) = self.reference("contact") else {
            return;
        };
        let empty = Object::new();
        let mut row = self.read(&CONTACTS, object(self.json, "contact").unwrap_or(&empty));
        self.tell_of_origin(&mut row, &CONTACTS, "CONTACT");
        self.mark_deleted(&CONTACTS, &mut row, "CONTACT");
        self.add(&CONTACTS, &[&id], row);
        if !self.what.0.starts_with("CONTACT_") {
            return;
        }
        for (key, table) in [("jobs", &CONTACT_JOBS), ("employers", &CONTACT_EMPLOYERS)] {
            for linked in objects(self.json, key) {
                if let Some(linked) = id_at(linked, "id") {
                    let row = self.row(table);
                    self.add(table, &[&id, &linked], row);
                }
            }
        }
    }
}
