//! A list of a board, and the stage it stands for.

use super::{
    Object,
    access::{id_at, object},
};
use crate::{
    domain::{Kind, Row, Value},
    providers::{
        huntr::{stages::stage, tables::JOBS},
        json::cell,
    },
};

/// A list of a board: a stage in somebody's words.
#[derive(Default)]
pub(super) struct List {
    pub(super) id: Option<String>,
    pub(super) name: Value,
    is_there: bool,
}

impl List {
    /// The list under a key, whose id may stand beside it.
    pub(super) fn of(json: &Object, key: &str) -> Self {
        let list = object(json, key);
        let name = list.and_then(|list| list.get("name"));
        Self {
            id: id_at(json, &format!("{key}Id")).or_else(|| id_at(list?, "id")),
            name: name.map_or(Value::Null, |name| cell(Kind::Text, name)),
            is_there: list.is_some(),
        }
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_there || self.id.is_some()
    }

    pub(super) fn stage(&self) -> Option<&'static str> {
        self.name.as_text().and_then(stage)
    }
}

/// The name and the stage go together, also where the name is unknown.
pub(super) fn set_list(row: &mut Row, list: List) {
    if list.id.is_some() {
        row.set(JOBS.position("list_id"), Value::text(list.id.clone()));
    }
    if list.is_there {
        row.set(JOBS.position("stage"), Value::text(list.stage()));
        row.set(JOBS.position("list_name"), list.name);
    }
}
