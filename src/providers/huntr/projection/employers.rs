//! The employers an Action speaks of.

use super::{
    Action, Object,
    access::{embedded, id_at, object, objects},
};
use crate::providers::huntr::tables::EMPLOYERS;

impl Action<'_> {
    pub(super) fn employers(&mut self) {
        for nested in embedded(self.json) {
            self.employer(object(nested, "employer"));
        }
        for employer in objects(self.json, "employers") {
            self.employer(Some(employer));
        }
        self.employer(object(self.json, "employer"));
        if let Some(id) = id_at(self.json, "employerId") {
            let row = self.row(&EMPLOYERS);
            self.add(&EMPLOYERS, &[&id], row);
        }
    }

    pub(super) fn employer(&mut self, employer: Option<&Object>) {
        let Some((employer, id)) =
            employer.and_then(|employer| Some((employer, id_at(employer, "id")?)))
        else {
            return;
        };
        let mut row = self.read(&EMPLOYERS, employer);
        self.mark_deleted(&EMPLOYERS, &mut row, "ORGANIZATION_COMPANY");
        self.add(&EMPLOYERS, &[&id], row);
    }
}
