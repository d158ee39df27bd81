//! The note an Action speaks of.

use super::{Action, Object, access::object, refer};
use crate::providers::huntr::tables::NOTES;

impl Action<'_> {
    pub(super) fn note(&mut self) {
        let Some(id) = self.reference("note") else {
            return;
        };
        let empty = Object::new();
        let mut row = self.read(&NOTES, object(self.json, "note").unwrap_or(&empty));
        refer(&mut row, &NOTES, "job_id", self.reference("job"));
        refer(&mut row, &NOTES, "employer_id", self.employer_id());
        self.tell_of_origin(&mut row, &NOTES, "NOTE");
        self.mark_deleted(&NOTES, &mut row, "NOTE");
        self.add(&NOTES, &[&id], row);
    }
}
