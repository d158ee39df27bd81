-- The ledger: what was sent to us, and who is to be told of it.
--
-- Times are text of one width, 2026-11-21T10:00:00.000Z, in UTC: they sort as the times do.
-- Texts compare byte by byte (the collation "binary", SQLite's default).

-- Every authentic event, once, as the bytes that were sent.
create table events (
    -- Our number of the event: roughly in order of arrival, with gaps, never used twice.
    id               integer primary key autoincrement,
    -- The configured source it came in by.
    source           text not null,
    -- The protocol its sender speaks: huntr or hunty.
    provider         text not null,
    -- The sender's id of the event. Within one source the same id is the same event, byte by byte.
    delivery_id      text not null,
    -- What happened, in the sender's word; null when the sender did not say.
    event_type       text,
    -- When it happened, as the sender says; null when the sender did not say.
    occurred_at      text,
    -- When it arrived here.
    received_at      text not null,
    -- By which way it came in: webhook (posted by the sender), spool (held while the database was away),
    -- reconcile (found in the sender's own history), reverify (refused at first, accepted once the
    -- secret was right).
    origin           text not null,
    -- The version of the envelope around the event, where the sender has one.
    envelope_version integer,
    -- The signature header, as sent.
    signature        text,
    -- The bytes of the request, exactly as received.
    body             blob not null,
    -- What could not be understood of it; null when all was.
    problem          text,
    constraint events_origin_known check (origin in ('webhook', 'spool', 'reconcile', 'reverify')),
    constraint events_once unique (source, delivery_id)
) strict;

-- Other bodies that came under the id of an event we already had. The first one stays in events; each
-- other one is kept here once.
create table event_conflicts (
    -- The event that came first under this id (events.id).
    event_id    integer not null references events (id) on delete cascade,
    -- The SHA-256 digest of the other body; it tells whether we have that body already.
    body_sha256 blob not null,
    -- When the other body arrived for the first time.
    received_at text not null,
    -- The bytes of the other request, exactly as received.
    body        blob not null,
    primary key (event_id, body_sha256)
) strict;

-- Requests that claimed to be authentic and were not. They are kept for a while, within a budget for each
-- source, in case the secret was ours to mend.
create table rejected_requests (
    -- Our number of the request: roughly in order of arrival, with gaps, never used twice.
    id          integer primary key autoincrement,
    -- The configured source it was posted to.
    source      text not null,
    -- When it arrived here.
    received_at text not null,
    -- Why it was refused, in one word, such as mismatch.
    reason      text not null,
    -- The headers that are needed to verify it again, by name, as a JSON object. A key that was presented
    -- is in it only as a digest.
    headers     text not null,
    -- The bytes of the request, exactly as received.
    body        blob not null
) strict;

-- Lists and budgets go through the requests of one source, in order of arrival.
create index rejected_requests_by_source on rejected_requests (source, id);

-- Which sink is to be told of which event, and how far that is.
create table deliveries (
    -- Our number of the delivery.
    id              integer primary key autoincrement,
    -- The event to tell of (events.id).
    event_id        integer not null references events (id) on delete cascade,
    -- The configured sink to tell.
    sink            text not null,
    -- pending (still to be sent, or sent again), delivered (the sink has it), dead (given up), cancelled
    -- (not wanted, see last_error).
    state           text not null default 'pending',
    -- How many times it was tried.
    attempts        integer not null default 0,
    -- Since when the sink is to be told: the time after which we give up is counted from here.
    created_at      text not null,
    -- Not to be tried before this time, while it is pending.
    next_attempt_at text not null,
    -- When the sink took it; null while it has not.
    delivered_at    text,
    -- Why the last attempt failed, or why it was cancelled; null when neither.
    last_error      text,
    constraint deliveries_state_known check (state in ('pending', 'delivered', 'dead', 'cancelled')),
    constraint deliveries_once unique (event_id, sink)
) strict;
