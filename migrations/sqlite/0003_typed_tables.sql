-- The typed tables: what the events say, ready for SQL. Their rows are worked out of the events and can be made
-- again from them at any time (huntr-receiver rebuild).

create table actions (
    source                     text not null,
    id                         text not null,
    event_id                   integer,
    action_type                text,
    event_type                 text,
    occurred_at                text,
    created_at                 text,
    owner_member_id            text,
    creator_member_id          text,
    member_id                  text,
    job_id                     text,
    employer_id                text,
    activity_id                text,
    activity_category_id       text,
    activity_category          text,
    note_id                    text,
    contact_id                 text,
    board_id                   text,
    from_list_id               text,
    from_list                  text,
    from_stage                 text,
    to_list_id                 text,
    to_list                    text,
    to_stage                   text,
    created_by_workflow        boolean,
    job_post_id                text,
    document_id                text,
    goal_id                    text,
    goal_enrollment_id         text,
    organization_invitation_id text,
    candidate_id               text,
    "update"                   text,
    payload                    text,
    deleted_at                 text,
    first_seen_at              text,
    updated_at                 text,
    last_action_id             text,
    primary key (source, id)
);

create table stage_changes (
    source         text not null,
    action_id      text not null,
    job_id         text,
    member_id      text,
    from_list_id   text,
    from_list      text,
    from_stage     text,
    to_list_id     text,
    to_list        text,
    to_stage       text,
    occurred_at    text,
    created_at     text,
    deleted_at     text,
    first_seen_at  text,
    updated_at     text,
    last_action_id text,
    primary key (source, action_id)
) without rowid;

create table members (
    source          text not null,
    id              text not null,
    given_name      text,
    family_name     text,
    full_name       text,
    email           text,
    is_active       boolean,
    created_at      text,
    last_seen_at    text,
    board_ids       text,
    advisor_id      text,
    advisor_name    text,
    advisor_email   text,
    deleted_at      text,
    first_seen_at   text,
    updated_at      text,
    last_action_id  text,
    column_versions text,
    primary key (source, id)
) without rowid;

create table member_field_values (
    source          text not null,
    member_id       text not null,
    field_id        text not null,
    value           text,
    value_text      text,
    deleted_at      text,
    first_seen_at   text,
    updated_at      text,
    last_action_id  text,
    column_versions text,
    primary key (source, member_id, field_id)
) without rowid;

create table jobs (
    source              text not null,
    id                  text not null,
    title               text,
    description         text,
    html_description    text,
    salary              text,
    url                 text,
    location            text,
    created_at          text,
    deadline_at         text,
    employer_id         text,
    owner_member_id     text,
    creator_member_id   text,
    board_id            text,
    list_id             text,
    list_name           text,
    stage               text,
    job_post_id         text,
    application_at      text,
    first_interview_at  text,
    second_interview_at text,
    offer_at            text,
    salary_min          real,
    salary_max          real,
    deleted_at          text,
    first_seen_at       text,
    updated_at          text,
    last_action_id      text,
    column_versions     text,
    primary key (source, id)
) without rowid;

create table employers (
    source            text not null,
    id                text not null,
    name              text,
    domain            text,
    description       text,
    location          text,
    founded_year      integer,
    is_partner        boolean,
    job_count         integer,
    application_count integer,
    interview_count   integer,
    offer_count       integer,
    deleted_at        text,
    first_seen_at     text,
    updated_at        text,
    last_action_id    text,
    column_versions   text,
    primary key (source, id)
) without rowid;

create table activities (
    source              text not null,
    id                  text not null,
    title               text,
    note                text,
    category_id         text,
    category            text,
    job_id              text,
    employer_id         text,
    owner_member_id     text,
    creator_member_id   text,
    completed           boolean,
    start_at            text,
    end_at              text,
    completed_at        text,
    created_at          text,
    created_by_workflow boolean,
    event_at            text,
    stage               text,
    deleted_at          text,
    first_seen_at       text,
    updated_at          text,
    last_action_id      text,
    column_versions     text,
    primary key (source, id)
) without rowid;

create table notes (
    source            text not null,
    id                text not null,
    text              text,
    html_text         text,
    job_id            text,
    employer_id       text,
    owner_member_id   text,
    creator_member_id text,
    member_id         text,
    created_at        text,
    deleted_at        text,
    first_seen_at     text,
    updated_at        text,
    last_action_id    text,
    column_versions   text,
    primary key (source, id)
) without rowid;

create table contacts (
    source            text not null,
    id                text not null,
    first_name        text,
    last_name         text,
    email             text,
    title             text,
    location          text,
    profiles          text,
    owner_member_id   text,
    creator_member_id text,
    created_at        text,
    deleted_at        text,
    first_seen_at     text,
    updated_at        text,
    last_action_id    text,
    column_versions   text,
    primary key (source, id)
) without rowid;

create table contact_jobs (
    source          text not null,
    contact_id      text not null,
    job_id          text not null,
    deleted_at      text,
    first_seen_at   text,
    updated_at      text,
    last_action_id  text,
    column_versions text,
    primary key (source, contact_id, job_id)
) without rowid;

create table contact_employers (
    source          text not null,
    contact_id      text not null,
    employer_id     text not null,
    deleted_at      text,
    first_seen_at   text,
    updated_at      text,
    last_action_id  text,
    column_versions text,
    primary key (source, contact_id, employer_id)
) without rowid;

create table hunty_events (
    source           text not null,
    id               text not null,
    event_id         integer,
    webhook_id       text,
    idempotency_id   text,
    domain           text,
    event            text,
    version          integer,
    fired_at         text,
    entity_id        text,
    previous_status  text,
    status           text,
    payload          text,
    first_seen_at    text,
    updated_at       text,
    last_delivery_id text,
    primary key (source, id)
);

create table hunty_entities (
    source           text not null,
    domain           text not null,
    entity_id        text not null,
    webhook_id       text,
    event            text,
    fired_at         text,
    status           text,
    payload          text,
    first_seen_at    text,
    updated_at       text,
    last_delivery_id text,
    column_versions  text,
    primary key (source, domain, entity_id)
) without rowid;

create table member_fields (
    source                    text not null,
    id                        text not null,
    name                      text,
    field_type                text,
    choices                   text,
    employer_partner_can_view boolean,
    job_seeker_can_edit       boolean,
    first_seen_at             text,
    updated_at                text,
    deleted_at                text,
    last_action_id            text,
    primary key (source, id)
);

create table stage_types (
    name       text not null primary key,
    stage      text not null,
    is_derived boolean not null
);

insert into stage_types (name, stage, is_derived) values
    ('applied', 'APPLY', false),
    ('apply', 'APPLY', false),
    ('applying', 'APPLY', false),
    ('applied online', 'APPLY', false),
    ('phone screen', 'PHONE_SCREEN', false),
    ('screening call', 'PHONE_SCREEN', false),
    ('phone screen(s)', 'PHONE_SCREEN', false),
    ('phone screening', 'PHONE_SCREEN', false),
    ('tech screen', 'PHONE_SCREEN', false),
    ('screening interview', 'PHONE_SCREEN', false),
    ('technical screen', 'PHONE_SCREEN', false),
    ('technical phone screen', 'PHONE_SCREEN', false),
    ('phone', 'PHONE_INTERVIEW', false),
    ('phone interview', 'PHONE_INTERVIEW', false),
    ('video interview', 'PHONE_INTERVIEW', false),
    ('hr interview', 'PHONE_INTERVIEW', false),
    ('hr phone interview', 'PHONE_INTERVIEW', false),
    ('phone interviews', 'PHONE_INTERVIEW', false),
    ('interview', 'ON_SITE_INTERVIEW', false),
    ('on-site', 'ON_SITE_INTERVIEW', false),
    ('on-site interview', 'ON_SITE_INTERVIEW', false),
    ('onsite', 'ON_SITE_INTERVIEW', false),
    ('interviews', 'ON_SITE_INTERVIEW', false),
    ('onsite interview', 'ON_SITE_INTERVIEW', false),
    ('on site', 'ON_SITE_INTERVIEW', false),
    ('on site interview', 'ON_SITE_INTERVIEW', false),
    ('final round interview', 'ON_SITE_INTERVIEW', false),
    ('interview 2', 'ON_SITE_INTERVIEW', false),
    ('interview 1', 'ON_SITE_INTERVIEW', false),
    ('2nd interview', 'ON_SITE_INTERVIEW', false),
    ('1st interview', 'ON_SITE_INTERVIEW', false),
    ('interviewing', 'ON_SITE_INTERVIEW', false),
    ('interviews 3+', 'ON_SITE_INTERVIEW', false),
    ('technical interview', 'ON_SITE_INTERVIEW', false),
    ('personal interview', 'ON_SITE_INTERVIEW', false),
    ('virtual interview', 'ON_SITE_INTERVIEW', false),
    ('in person interview', 'ON_SITE_INTERVIEW', false),
    ('in-person interview', 'ON_SITE_INTERVIEW', false),
    ('in-person interview(s)', 'ON_SITE_INTERVIEW', false),
    ('interviewed', 'ON_SITE_INTERVIEW', false),
    ('final round', 'ON_SITE_INTERVIEW', false),
    ('second interview', 'ON_SITE_INTERVIEW', false),
    ('entrevistas', 'ON_SITE_INTERVIEW', false),
    ('tech interview', 'ON_SITE_INTERVIEW', false),
    ('final interview', 'ON_SITE_INTERVIEW', false),
    ('live interview', 'ON_SITE_INTERVIEW', false),
    ('interview (1st)', 'ON_SITE_INTERVIEW', false),
    ('interview (2nd)', 'ON_SITE_INTERVIEW', false),
    ('second round', 'ON_SITE_INTERVIEW', false),
    ('first interview', 'ON_SITE_INTERVIEW', false),
    ('2nd round', 'ON_SITE_INTERVIEW', false),
    ('interview 3', 'ON_SITE_INTERVIEW', false),
    ('technical', 'ON_SITE_INTERVIEW', false),
    ('3rd interview', 'ON_SITE_INTERVIEW', false),
    ('additional onsite', 'ON_SITE_INTERVIEW', false),
    ('interview scheduled', 'ON_SITE_INTERVIEW', false),
    ('1st round', 'ON_SITE_INTERVIEW', false),
    ('in-person', 'ON_SITE_INTERVIEW', false),
    ('initial interview', 'ON_SITE_INTERVIEW', false),
    ('entrevista', 'ON_SITE_INTERVIEW', false),
    ('offer', 'OFFER_RECEIVED', false),
    ('offers', 'OFFER_RECEIVED', false),
    ('offer received', 'OFFER_RECEIVED', false),
    ('offer extended', 'OFFER_RECEIVED', false),
    ('offered', 'OFFER_RECEIVED', false),
    ('offer letter', 'OFFER_RECEIVED', false),
    ('ofertas', 'OFFER_RECEIVED', false),
    ('offer accepted', 'OFFER_ACCEPTED', false),
    ('accepted', 'OFFER_ACCEPTED', false),
    ('accept', 'OFFER_ACCEPTED', false),
    ('accept offer', 'OFFER_ACCEPTED', false),
    ('offer declined', 'OFFER_DECLINED', false),
    ('declined', 'OFFER_DECLINED', false),
    ('decline offer', 'OFFER_DECLINED', false),
    ('i rejected', 'OFFER_DECLINED', false),
    ('rejected by me', 'OFFER_DECLINED', false),
    ('i declined', 'OFFER_DECLINED', false),
    ('declined offer', 'OFFER_DECLINED', false),
    ('rejected offer', 'OFFER_DECLINED', false),
    ('reject offer', 'OFFER_DECLINED', false),
    ('refused', 'OFFER_DECLINED', false),
    ('offer rejected', 'OFFER_DECLINED', false),
    ('wishlist', 'WISHLIST', true),
    ('rejected', 'REJECTED', true);

create table tables_settings (
    name  text not null primary key,
    value text not null
);

-- Every rebuild of the typed tables, finished or not.
create table tables_rebuilds (
    -- Our number of the rebuild.
    id            integer primary key autoincrement,
    -- The version of the receiver that worked the rows out.
    version       text not null,
    -- When it began: every event that was there then is in the tables once it is finished.
    started_at    text not null,
    -- When it last got on. One that was interrupted is resumed for some hours, and then begun anew.
    renewed_at    text not null,
    -- When the tables were exchanged; null while they have not been.
    finished_at   text,
    -- How far it has read (events.id).
    last_event_id integer not null default 0,
    -- How many events it has read.
    events        integer not null default 0
);

-- What was written into the typed tables during a rebuild, and is still to be written into the new ones. Empty when
-- none runs.
create table tables_rebuild_events (
    -- The event (events.id).
    event_id integer not null primary key
);
