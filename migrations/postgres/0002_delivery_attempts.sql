-- Deliveries are claimed by lease, tried again, and every attempt is on record.

alter table deliveries
    add column order_key text collate "C",
    add column leased_by text,
    add column backlog boolean not null default false;

comment on column deliveries.created_at is 'Since when the sink is to be told, from the event''s commit or the last replay or retry by hand: the time after which we give up is counted from here.';
comment on column deliveries.next_attempt_at is 'While it is pending: not to be tried before this time. While somebody has a lease on it (leased_by), the end of that lease.';
comment on column deliveries.order_key is 'What the event is about, for a sink that wants the deliveries about one thing in order; otherwise null.';
comment on column deliveries.leased_by is 'The receiver that is delivering it now; null when none is.';
comment on column deliveries.backlog is 'Whether fresh deliveries go before it: it has failed once, or is being replayed.';

-- What is due for a sink. A delivery is in one of the two, and in neither once it is no longer pending.
create index if not exists deliveries_fresh on deliveries (sink, next_attempt_at) where state = 'pending' and not backlog;
create index if not exists deliveries_backlog on deliveries (sink, next_attempt_at) where state = 'pending' and backlog;

-- Whether something earlier about the same thing is still pending.
create index if not exists deliveries_in_order on deliveries (sink, order_key, id) where state = 'pending' and order_key is not null;

-- What was given up, to be looked at and retried by hand.
create index if not exists deliveries_dead on deliveries (sink, id) where state = 'dead';

create table delivery_attempts (
    delivery_id bigint not null references deliveries (id) on delete cascade,
    attempt     integer not null,
    started_at  timestamptz not null,
    duration_ms integer not null,
    outcome     text not null,
    status_code integer,
    error       text,
    response    text,
    primary key (delivery_id, attempt),
    constraint delivery_attempts_outcome_known check (outcome in ('delivered', 'failed', 'rejected'))
);

comment on table delivery_attempts is 'Every attempt to deliver an event to a sink.';
comment on column delivery_attempts.delivery_id is 'The delivery (deliveries.id).';
comment on column delivery_attempts.attempt is 'Which attempt of the delivery it was, from 1.';
comment on column delivery_attempts.started_at is 'When it began.';
comment on column delivery_attempts.duration_ms is 'How long it took, in milliseconds.';
comment on column delivery_attempts.outcome is 'delivered (the sink has it), failed (it may be tried again), rejected (it would fail for ever).';
comment on column delivery_attempts.status_code is 'The status of the sink''s answer, where its protocol has one.';
comment on column delivery_attempts.error is 'Why it failed; null when it did not.';
comment on column delivery_attempts.response is 'The beginning of the sink''s answer, where its protocol has one: 1 KB at most.';
