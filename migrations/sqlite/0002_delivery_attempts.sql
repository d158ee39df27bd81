-- Deliveries are claimed by lease, tried again, and every attempt is on record.
--
-- deliveries.created_at now counts from the event's commit or the last replay or retry by hand, and
-- deliveries.next_attempt_at is the end of the lease while somebody has one on the delivery.

-- What the event is about, for a sink that wants the deliveries about one thing in order; otherwise null.
alter table deliveries add column order_key text;
-- The receiver that is delivering it now; null when none is.
alter table deliveries add column leased_by text;
-- Whether fresh deliveries go before it: it has failed once, or is being replayed.
alter table deliveries add column backlog integer not null default 0;

-- What is due for a sink. A delivery is in one of the two, and in neither once it is no longer pending.
create index if not exists deliveries_fresh on deliveries (sink, next_attempt_at) where state = 'pending' and not backlog;
create index if not exists deliveries_backlog on deliveries (sink, next_attempt_at) where state = 'pending' and backlog;

-- Whether something earlier about the same thing is still pending.
create index if not exists deliveries_in_order on deliveries (sink, order_key, id) where state = 'pending' and order_key is not null;

-- What was given up, to be looked at and retried by hand.
create index if not exists deliveries_dead on deliveries (sink, id) where state = 'dead';

-- Every attempt to deliver an event to a sink.
create table delivery_attempts (
    -- The delivery (deliveries.id).
    delivery_id integer not null references deliveries (id) on delete cascade,
    -- Which attempt of the delivery it was, from 1.
    attempt     integer not null,
    -- When it began.
    started_at  text not null,
    -- How long it took, in milliseconds.
    duration_ms integer not null,
    -- delivered (the sink has it), failed (it may be tried again), rejected (it would fail for ever).
    outcome     text not null,
    -- The status of the sink's answer, where its protocol has one.
    status_code integer,
    -- Why it failed; null when it did not.
    error       text,
    -- The beginning of the sink's answer, where its protocol has one: 1 KB at most.
    response    text,
    primary key (delivery_id, attempt),
    constraint delivery_attempts_outcome_known check (outcome in ('delivered', 'failed', 'rejected'))
) strict, without rowid;
