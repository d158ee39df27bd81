-- Deliveries that were acknowledged while the database was away, in the order in which they came. Each is removed once
-- the database has it. Times are milliseconds since 1970.
create table spooled_events (
    id               integer primary key autoincrement,
    source           text    not null,
    provider         text    not null,
    delivery_id      text    not null,
    event_type       text,
    occurred_at      integer,
    received_at      integer not null,
    envelope_version integer,
    signature        text,
    body             blob    not null,
    problem          text,
    -- Why the database does not take this one. It is passed over, and tried again from time to time.
    refusal          text
) strict;

create index spooled_events_waiting on spooled_events (id) where refusal is null;
create index spooled_events_refused on spooled_events (id) where refusal is not null;
