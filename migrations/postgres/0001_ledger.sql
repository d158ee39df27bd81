-- The ledger: what was sent to us, and who is to be told of it.
--
-- Texts that come from a sender or a configuration and are compared have the collation "C": byte by byte.

create table events (
    id               bigint generated always as identity primary key,
    source           text collate "C" not null,
    provider         text not null,
    delivery_id      text collate "C" not null,
    event_type       text,
    occurred_at      timestamptz,
    received_at      timestamptz not null,
    origin           text not null,
    envelope_version smallint,
    signature        text,
    body             bytea not null,
    problem          text,
    constraint events_origin_known check (origin in ('webhook', 'spool', 'reconcile', 'reverify')),
    constraint events_once unique (source, delivery_id)
);

comment on table events is 'Every authentic event, once, as the bytes that were sent.';
comment on column events.id is 'Our number of the event: roughly in order of arrival, with gaps. An event can appear after one with a higher number, so never read on from the highest number seen.';
comment on column events.source is 'The configured source it came in by.';
comment on column events.provider is 'The protocol its sender speaks: huntr or hunty.';
comment on column events.delivery_id is 'The sender''s id of the event. Within one source the same id is the same event, byte by byte.';
comment on column events.event_type is 'What happened, in the sender''s word; empty (null) when the sender did not say.';
comment on column events.occurred_at is 'When it happened, as the sender says; null when the sender did not say.';
comment on column events.received_at is 'When it arrived here.';
comment on column events.origin is 'By which way it came in: webhook (posted by the sender), spool (held while the database was away), reconcile (found in the sender''s own history), reverify (refused at first, accepted once the secret was right).';
comment on column events.envelope_version is 'The version of the envelope around the event, where the sender has one.';
comment on column events.signature is 'The signature header, as sent.';
comment on column events.body is 'The bytes of the request, exactly as received.';
comment on column events.problem is 'What could not be understood of it; null when all was.';

create table event_conflicts (
    event_id    bigint not null references events (id) on delete cascade,
    body_sha256 bytea not null,
    received_at timestamptz not null,
    body        bytea not null,
    primary key (event_id, body_sha256)
);

comment on table event_conflicts is 'Other bodies that came under the id of an event we already had. The first one stays in events; each other one is kept here once.';
comment on column event_conflicts.event_id is 'The event that came first under this id (events.id).';
comment on column event_conflicts.body_sha256 is 'The SHA-256 digest of the other body; it tells whether we have that body already.';
comment on column event_conflicts.received_at is 'When the other body arrived for the first time.';
comment on column event_conflicts.body is 'The bytes of the other request, exactly as received.';

create table rejected_requests (
    id          bigint generated always as identity primary key,
    source      text collate "C" not null,
    received_at timestamptz not null,
    reason      text not null,
    headers     jsonb not null,
    body        bytea not null
);

-- Lists and budgets go through the requests of one source, in order of arrival.
create index rejected_requests_by_source on rejected_requests (source, id);

comment on table rejected_requests is 'Requests that claimed to be authentic and were not. They are kept for a while, within a budget for each source, in case the secret was ours to mend.';
comment on column rejected_requests.id is 'Our number of the request: roughly in order of arrival, with gaps.';
comment on column rejected_requests.source is 'The configured source it was posted to.';
comment on column rejected_requests.received_at is 'When it arrived here.';
comment on column rejected_requests.reason is 'Why it was refused, in one word, such as mismatch.';
comment on column rejected_requests.headers is 'The headers that are needed to verify it again, by name. A key that was presented is in it only as a digest.';
comment on column rejected_requests.body is 'The bytes of the request, exactly as received.';

create table deliveries (
    id              bigint generated always as identity primary key,
    event_id        bigint not null references events (id) on delete cascade,
    sink            text collate "C" not null,
    state           text not null default 'pending',
    attempts        integer not null default 0,
    created_at      timestamptz not null,
    next_attempt_at timestamptz not null,
    delivered_at    timestamptz,
    last_error      text,
    constraint deliveries_state_known check (state in ('pending', 'delivered', 'dead', 'cancelled')),
    constraint deliveries_once unique (event_id, sink)
);

comment on table deliveries is 'Which sink is to be told of which event, and how far that is.';
comment on column deliveries.id is 'Our number of the delivery.';
comment on column deliveries.event_id is 'The event to tell of (events.id).';
comment on column deliveries.sink is 'The configured sink to tell.';
comment on column deliveries.state is 'pending (still to be sent, or sent again), delivered (the sink has it), dead (given up), cancelled (not wanted, see last_error).';
comment on column deliveries.attempts is 'How many times it was tried.';
comment on column deliveries.created_at is 'Since when the sink is to be told: the time after which we give up is counted from here.';
comment on column deliveries.next_attempt_at is 'Not to be tried before this time, while it is pending.';
comment on column deliveries.delivered_at is 'When the sink took it; null while it has not.';
comment on column deliveries.last_error is 'Why the last attempt failed, or why it was cancelled; null when neither.';
