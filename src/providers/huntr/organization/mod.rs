//! A sample organisation: a job search of many members over half a year, made up, and told as Huntr would tell it.
//!
//! It is a simulation. Everything due is on an agenda; what is done changes the [`History`], tells of itself with an
//! Action whose body goes on its way at once, and plans what follows. Bodies arrive mostly in order, some late, some
//! twice. Members, seed and end given, every byte is the same on every machine.
//!
//! - `world`: the clock, the agenda, and how an Action is told
//! - `members`, `employers`, `search`, `career`, `activities`, `paperwork`, `goals`, `partners`, `posts`: what happens,
//!   and what follows
//! - `body`, `embedded`: an Action as JSON
//! - `history`: what is true in the end, for those who compare
//! - `boards`, `categories`, `fields`, `words`: what things are called
//! - `dice`, `ids`, `agenda`: chance, ids, time

mod activities;
mod agenda;
mod boards;
mod body;
mod career;
mod categories;
mod dice;
mod embedded;
mod employers;
mod fields;
mod goals;
mod history;
mod ids;
mod members;
mod paperwork;
mod partners;
mod posts;
mod search;
#[cfg(test)]
mod tests;
mod words;
mod world;

use chrono::TimeDelta;

use self::world::World;
use crate::{domain::Timestamp, providers::Arrival};

pub use self::{
    boards::{Board, List},
    categories::Category,
    fields::{COHORT, Content, FieldValue, GRADUATION, MEMBER_FIELDS, PROGRAM},
    history::{
        Activity, By, Contact, Employer, History, Job, Member, Move, Note, Person, Salary, Tally,
    },
    ids::ObjectId,
};

/// How many days are told.
const DAYS: i64 = 182;

/// The deliveries of an organisation, in the order in which they arrive.
pub struct Organization {
    world: World,
}

impl Organization {
    /// An organisation that so many members join in the half year before `ends_at`.
    #[must_use]
    pub fn new(members: u32, seed: u64, ends_at: Timestamp) -> Self {
        // Huntr's times have no fractions of a second.
        let ends_at = Timestamp::from_timestamp(ends_at.timestamp(), 0).unwrap_or(ends_at);
        let mut world = World::new(seed, ends_at - TimeDelta::days(DAYS), ends_at);
        world.found(members);
        Self { world }
    }

    /// What has happened so far; everything, once the last delivery is taken.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.world.history
    }
}

impl Iterator for Organization {
    type Item = Arrival;

    /// Nothing arrives before it happens, so what has arrived before the next thing happens is next.
    fn next(&mut self) -> Option<Arrival> {
        loop {
            let arrives_at = self.world.post.next_at();
            let happens_at = self.world.agenda.next_at();
            let is_due = match (arrives_at, happens_at) {
                (Some(arrives_at), Some(happens_at)) => arrives_at < happens_at,
                (arrives_at, _) => arrives_at.is_some(),
            };
            if is_due {
                let (at, body) = self.world.post.pop()?;
                return Some(Arrival { at, body });
            }
            if !self.world.step() {
                return None;
            }
        }
    }
}
