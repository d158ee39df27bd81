//! The words the whole receiver is written in. Nothing in here does I/O or knows another room.

mod clock;
mod delivery;
mod event;
mod field;
mod name;
mod rejected;
mod rows;

pub use clock::{Clock, SystemClock, Timestamp, iso_millis};
pub use delivery::{
    Attempt, DeliveryState, DeliverySummary, Lease, NewDelivery, Outcome, Place, Settlement,
    UnknownState,
};
pub use event::{EventId, EventRecord, EventSummary, Insertion, NewEvent, Origin};
pub use field::{MemberField, MemberFields};
pub use name::{InvalidName, Name};
pub use rejected::{RejectedId, RejectedRequest, StoredRejection};
pub use rows::{Column, Key, Kind, Row, Rows, Said, Table, Value, Version};
