//! What works on the database, and so begins once it is prepared.

use std::sync::Arc;

use super::running::Running;
use crate::{
    deliveries::Deliveries,
    intake::{Drainer, Gate},
    projections::statistics,
};

/// The parts that need a database.
pub(super) struct Background {
    pub(super) gate: Gate,
    pub(super) drainer: Drainer,
    pub(super) deliveries: Deliveries,
    pub(super) with_tables: bool,
}

impl Background {
    /// From now on events go to the database, and those in the spool follow.
    pub(super) fn start(self, running: &mut Running) {
        let Running {
            drainer,
            workers,
            settler,
            chores,
            store,
            ..
        } = running;
        self.deliveries.start(workers, settler, chores);
        if self.with_tables {
            chores.spawn(|closing| statistics::run(Arc::clone(store), closing));
        }
        self.gate.open();
        drainer.spawn(|closing| self.drainer.run(closing));
    }
}
