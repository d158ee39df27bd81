-- The typed tables: what the events say, ready for SQL. Their rows are worked out of the events and can be made
-- again from them at any time (huntr-receiver rebuild).
--
-- Each table is partitioned, with one partition that has all of its rows. A rebuild makes another partition and puts
-- it in the place of the first, so that views, grants, comments and whatever else refers to a table stay as they are.

create table actions (
    source                     text collate "C" not null,
    id                         text collate "C" not null,
    event_id                   bigint,
    action_type                text,
    event_type                 text,
    occurred_at                timestamptz,
    created_at                 timestamptz,
    owner_member_id            text collate "C",
    creator_member_id          text collate "C",
    member_id                  text collate "C",
    job_id                     text collate "C",
    employer_id                text collate "C",
    activity_id                text collate "C",
    activity_category_id       text collate "C",
    activity_category          text,
    note_id                    text collate "C",
    contact_id                 text collate "C",
    board_id                   text collate "C",
    from_list_id               text collate "C",
    from_list                  text,
    from_stage                 text,
    to_list_id                 text collate "C",
    to_list                    text,
    to_stage                   text,
    created_by_workflow        boolean,
    job_post_id                text collate "C",
    document_id                text collate "C",
    goal_id                    text collate "C",
    goal_enrollment_id         text collate "C",
    organization_invitation_id text collate "C",
    candidate_id               text collate "C",
    "update"                   jsonb,
    payload                    jsonb,
    deleted_at                 timestamptz,
    first_seen_at              timestamptz,
    updated_at                 timestamptz,
    last_action_id             text collate "C",
    primary key (source, id)
) partition by list (source);

create table actions_rows partition of actions default;

comment on table actions is 'Every Action of Huntr''s, one row each, with the id of everything it speaks of.';
comment on table actions_rows is 'The rows of actions: query actions instead, this one is replaced by a rebuild.';
comment on column actions.source is 'The configured source it came in by.';
comment on column actions.id is 'The Action''s id (events.delivery_id): Huntr''s own, or sha256: and a digest where it had none.';
comment on column actions.event_id is 'The event it came in by (events.id); the event may have been removed since.';
comment on column actions.action_type is 'What happened, in Huntr''s word, such as JOB_MOVED; any word is possible.';
comment on column actions.event_type is 'What happened in the word of Huntr''s Events, the predecessors of Actions.';
comment on column actions.occurred_at is 'When it happened; people may write down what was or will be.';
comment on column actions.created_at is 'When Huntr noted it.';
comment on column actions.owner_member_id is 'The member whose board it happened on (members.id).';
comment on column actions.creator_member_id is 'The member or advisor who did it (members.id); nobody where a workflow did.';
comment on column actions.member_id is 'The member an Action about a member is about (members.id).';
comment on column actions.job_id is 'The job it is about (jobs.id).';
comment on column actions.employer_id is 'The employer it is about (employers.id).';
comment on column actions.activity_id is 'The activity it is about (activities.id).';
comment on column actions.activity_category_id is 'The id of the activity''s category; the same category can have several.';
comment on column actions.activity_category is 'The name of the activity''s category, such as Phone Screen.';
comment on column actions.note_id is 'The note it is about (notes.id).';
comment on column actions.contact_id is 'The contact it is about (contacts.id).';
comment on column actions.board_id is 'The board it happened on.';
comment on column actions.from_list_id is 'The id of the list a job was moved from.';
comment on column actions.from_list is 'The name of the list a job was moved from.';
comment on column actions.from_stage is 'The stage that name stands for (stage_types.stage).';
comment on column actions.to_list_id is 'The id of the list a job was moved to or created in.';
comment on column actions.to_list is 'The name of the list a job was moved to or created in.';
comment on column actions.to_stage is 'The stage that name stands for (stage_types.stage).';
comment on column actions.created_by_workflow is 'Whether a workflow of Huntr''s did it, and no person.';
comment on column actions.job_post_id is 'The job post it is about.';
comment on column actions.document_id is 'The document it is about.';
comment on column actions.goal_id is 'The goal it is about.';
comment on column actions.goal_enrollment_id is 'The enrolment in a goal it is about.';
comment on column actions.organization_invitation_id is 'The invitation it is about.';
comment on column actions.candidate_id is 'The candidate it is about.';
comment on column actions."update" is 'What an update has changed; Huntr does not document its shape.';
comment on column actions.payload is 'The whole Action. What no database takes (NUL, half characters, numbers out of range, great depth) is replaced in it; the exact bytes are in events.body. Null when it was not JSON.';
comment on column actions.deleted_at is 'Always null: what happened has happened.';
comment on column actions.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column actions.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column actions.last_action_id is 'The newest Action that speaks of it (actions.id).';

create table stage_changes (
    source         text collate "C" not null,
    action_id      text collate "C" not null,
    job_id         text collate "C",
    member_id      text collate "C",
    from_list_id   text collate "C",
    from_list      text,
    from_stage     text,
    to_list_id     text collate "C",
    to_list        text,
    to_stage       text,
    occurred_at    timestamptz,
    created_at     timestamptz,
    deleted_at     timestamptz,
    first_seen_at  timestamptz,
    updated_at     timestamptz,
    last_action_id text collate "C",
    primary key (source, action_id)
) partition by list (source);

create table stage_changes_rows partition of stage_changes default;

comment on table stage_changes is 'Every time a job was put on a list: when it was created, and each time it was moved.';
comment on table stage_changes_rows is 'The rows of stage_changes: query stage_changes instead, this one is replaced by a rebuild.';
comment on column stage_changes.source is 'The configured source it came in by.';
comment on column stage_changes.action_id is 'The Action that tells of it (actions.id).';
comment on column stage_changes.job_id is 'The job (jobs.id).';
comment on column stage_changes.member_id is 'The member whose job it is (members.id).';
comment on column stage_changes.from_list_id is 'The id of the list it came from; null when it was created.';
comment on column stage_changes.from_list is 'The name of the list it came from; null when it was created.';
comment on column stage_changes.from_stage is 'The stage that name stands for (stage_types.stage).';
comment on column stage_changes.to_list_id is 'The id of the list it went to.';
comment on column stage_changes.to_list is 'The name of the list it went to.';
comment on column stage_changes.to_stage is 'The stage that name stands for (stage_types.stage).';
comment on column stage_changes.occurred_at is 'When it happened.';
comment on column stage_changes.created_at is 'When Huntr noted it.';
comment on column stage_changes.deleted_at is 'Always null: what happened has happened.';
comment on column stage_changes.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column stage_changes.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column stage_changes.last_action_id is 'The newest Action that speaks of it (actions.id).';

create table members (
    source          text collate "C" not null,
    id              text collate "C" not null,
    given_name      text,
    family_name     text,
    full_name       text,
    email           text,
    is_active       boolean,
    created_at      timestamptz,
    last_seen_at    timestamptz,
    board_ids       jsonb,
    advisor_id      text collate "C",
    advisor_name    text,
    advisor_email   text,
    deleted_at      timestamptz,
    first_seen_at   timestamptz,
    updated_at      timestamptz,
    last_action_id  text collate "C",
    column_versions jsonb,
    primary key (source, id)
) partition by list (source);

create table members_rows partition of members default;

comment on table members is 'Job seekers, and the advisors who act for them.';
comment on table members_rows is 'The rows of members: query members instead, this one is replaced by a rebuild.';
comment on column members.source is 'The configured source it came in by.';
comment on column members.id is 'Huntr''s id of the member.';
comment on column members.given_name is 'First name.';
comment on column members.family_name is 'Last name.';
comment on column members.full_name is 'Both, as Huntr joins them.';
comment on column members.email is 'E-mail address, in the case in which it was entered.';
comment on column members.is_active is 'False once the member was deactivated, which is usually done when a job was found.';
comment on column members.created_at is 'When the account was made.';
comment on column members.last_seen_at is 'When the member was last seen in Huntr.';
comment on column members.board_ids is 'The ids of the member''s boards.';
comment on column members.advisor_id is 'The id of the member''s advisor.';
comment on column members.advisor_name is 'The advisor''s full name.';
comment on column members.advisor_email is 'The advisor''s e-mail address.';
comment on column members.deleted_at is 'When it was deleted; null while it has not been. The row stays.';
comment on column members.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column members.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column members.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column members.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table member_field_values (
    source          text collate "C" not null,
    member_id       text collate "C" not null,
    field_id        text collate "C" not null,
    value           jsonb,
    value_text      text,
    deleted_at      timestamptz,
    first_seen_at   timestamptz,
    updated_at      timestamptz,
    last_action_id  text collate "C",
    column_versions jsonb,
    primary key (source, member_id, field_id)
) partition by list (source);

create table member_field_values_rows partition of member_field_values default;

comment on table member_field_values is 'What the organisation''s own fields hold for each member.';
comment on table member_field_values_rows is 'The rows of member_field_values: query member_field_values instead, this one is replaced by a rebuild.';
comment on column member_field_values.source is 'The configured source it came in by.';
comment on column member_field_values.member_id is 'The member (members.id).';
comment on column member_field_values.field_id is 'The field (member_fields.id).';
comment on column member_field_values.value is 'The value, as Huntr sent it: a text, or a list of texts where several can be chosen.';
comment on column member_field_values.value_text is 'The value as text, several with commas between them.';
comment on column member_field_values.deleted_at is 'Always null: Huntr does not tell.';
comment on column member_field_values.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column member_field_values.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column member_field_values.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column member_field_values.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table jobs (
    source              text collate "C" not null,
    id                  text collate "C" not null,
    title               text,
    description         text,
    html_description    text,
    salary              text,
    url                 text,
    location            jsonb,
    created_at          timestamptz,
    deadline_at         timestamptz,
    employer_id         text collate "C",
    owner_member_id     text collate "C",
    creator_member_id   text collate "C",
    board_id            text collate "C",
    list_id             text collate "C",
    list_name           text,
    stage               text,
    job_post_id         text collate "C",
    application_at      timestamptz,
    first_interview_at  timestamptz,
    second_interview_at timestamptz,
    offer_at            timestamptz,
    salary_min          double precision,
    salary_max          double precision,
    deleted_at          timestamptz,
    first_seen_at       timestamptz,
    updated_at          timestamptz,
    last_action_id      text collate "C",
    column_versions     jsonb,
    primary key (source, id)
) partition by list (source);

create table jobs_rows partition of jobs default;

comment on table jobs is 'Jobs on the members'' boards.';
comment on table jobs_rows is 'The rows of jobs: query jobs instead, this one is replaced by a rebuild.';
comment on column jobs.source is 'The configured source it came in by.';
comment on column jobs.id is 'Huntr''s id of the job.';
comment on column jobs.title is 'The title; "No Job Title" where none was ever given.';
comment on column jobs.description is 'The description as text.';
comment on column jobs.html_description is 'The description as HTML. Not safe to show as it is.';
comment on column jobs.salary is 'The salary, in whatever words it was written.';
comment on column jobs.url is 'Where the job was found; not always a whole URL.';
comment on column jobs.location is 'Where the job is: address, name, coordinates.';
comment on column jobs.created_at is 'When it was put on the board.';
comment on column jobs.deadline_at is 'Until when to apply.';
comment on column jobs.employer_id is 'The employer (employers.id).';
comment on column jobs.owner_member_id is 'The member whose board it is on (members.id).';
comment on column jobs.creator_member_id is 'Who put it there (members.id).';
comment on column jobs.board_id is 'The board.';
comment on column jobs.list_id is 'The id of the list it is on.';
comment on column jobs.list_name is 'The name of the list it is on.';
comment on column jobs.stage is 'The stage that name stands for (stage_types.stage); null for names that stand for none.';
comment on column jobs.job_post_id is 'The job post it was made from.';
comment on column jobs.application_at is 'When it was applied for; sent by early versions of Huntr only, see activities.';
comment on column jobs.first_interview_at is 'When the first interview was; sent by early versions of Huntr only.';
comment on column jobs.second_interview_at is 'When the second interview was; sent by early versions of Huntr only.';
comment on column jobs.offer_at is 'When an offer came; sent by early versions of Huntr only.';
comment on column jobs.salary_min is 'The least amount in salary, as far as one could be read. In whatever currency, for whatever time.';
comment on column jobs.salary_max is 'The greatest amount in salary, as far as one could be read.';
comment on column jobs.deleted_at is 'When it was deleted; null while it has not been. The row stays.';
comment on column jobs.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column jobs.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column jobs.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column jobs.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table employers (
    source            text collate "C" not null,
    id                text collate "C" not null,
    name              text,
    domain            text,
    description       text,
    location          text,
    founded_year      bigint,
    is_partner        boolean,
    job_count         bigint,
    application_count bigint,
    interview_count   bigint,
    offer_count       bigint,
    deleted_at        timestamptz,
    first_seen_at     timestamptz,
    updated_at        timestamptz,
    last_action_id    text collate "C",
    column_versions   jsonb,
    primary key (source, id)
) partition by list (source);

create table employers_rows partition of employers default;

comment on table employers is 'Employers. Huntr has the same one many times: group by domain, or by name where there is none.';
comment on table employers_rows is 'The rows of employers: query employers instead, this one is replaced by a rebuild.';
comment on column employers.source is 'The configured source it came in by.';
comment on column employers.id is 'Huntr''s id of the employer.';
comment on column employers.name is 'The name.';
comment on column employers.domain is 'The domain of its web site.';
comment on column employers.description is 'What it does.';
comment on column employers.location is 'Where it is.';
comment on column employers.founded_year is 'In which year it was founded.';
comment on column employers.is_partner is 'Whether it is a partner of the organisation.';
comment on column employers.job_count is 'How many jobs Huntr counts.';
comment on column employers.application_count is 'How many applications Huntr counts.';
comment on column employers.interview_count is 'How many interviews Huntr counts.';
comment on column employers.offer_count is 'How many offers Huntr counts.';
comment on column employers.deleted_at is 'When it was deleted; null while it has not been. The row stays.';
comment on column employers.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column employers.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column employers.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column employers.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table activities (
    source              text collate "C" not null,
    id                  text collate "C" not null,
    title               text,
    note                text,
    category_id         text collate "C",
    category            text,
    job_id              text collate "C",
    employer_id         text collate "C",
    owner_member_id     text collate "C",
    creator_member_id   text collate "C",
    completed           boolean,
    start_at            timestamptz,
    end_at              timestamptz,
    completed_at        timestamptz,
    created_at          timestamptz,
    created_by_workflow boolean,
    event_at            timestamptz,
    stage               text,
    deleted_at          timestamptz,
    first_seen_at       timestamptz,
    updated_at          timestamptz,
    last_action_id      text collate "C",
    column_versions     jsonb,
    primary key (source, id)
) partition by list (source);

create table activities_rows partition of activities default;

comment on table activities is 'What was done for a job or is to be done: applications, interviews, offers, follow-ups.';
comment on table activities_rows is 'The rows of activities: query activities instead, this one is replaced by a rebuild.';
comment on column activities.source is 'The configured source it came in by.';
comment on column activities.id is 'Huntr''s id of the activity.';
comment on column activities.title is 'The title, in whatever words; what kind it is says category.';
comment on column activities.note is 'What was noted with it.';
comment on column activities.category_id is 'The id of its category; the same category can have several.';
comment on column activities.category is 'The name of its category, such as Apply, Phone Screen, Offer Received.';
comment on column activities.job_id is 'The job (jobs.id); an activity need not have one.';
comment on column activities.employer_id is 'The employer (employers.id).';
comment on column activities.owner_member_id is 'The member whose activity it is (members.id).';
comment on column activities.creator_member_id is 'Who wrote it down (members.id); nobody where a workflow did.';
comment on column activities.completed is 'Whether it is done.';
comment on column activities.start_at is 'When it takes or took place.';
comment on column activities.end_at is 'When it ends or ended.';
comment on column activities.completed_at is 'When it was ticked off.';
comment on column activities.created_at is 'When it was written down.';
comment on column activities.created_by_workflow is 'Whether a workflow made it when a job was moved.';
comment on column activities.event_at is 'When it was: start_at, else completed_at, else created_at.';
comment on column activities.stage is 'The stage that its category stands for (stage_types.stage): Accept Offer is OFFER_ACCEPTED; null for most.';
comment on column activities.deleted_at is 'When it was deleted; null while it has not been. The row stays.';
comment on column activities.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column activities.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column activities.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column activities.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table notes (
    source            text collate "C" not null,
    id                text collate "C" not null,
    text              text,
    html_text         text,
    job_id            text collate "C",
    employer_id       text collate "C",
    owner_member_id   text collate "C",
    creator_member_id text collate "C",
    member_id         text collate "C",
    created_at        timestamptz,
    deleted_at        timestamptz,
    first_seen_at     timestamptz,
    updated_at        timestamptz,
    last_action_id    text collate "C",
    column_versions   jsonb,
    primary key (source, id)
) partition by list (source);

create table notes_rows partition of notes default;

comment on table notes is 'Notes.';
comment on table notes_rows is 'The rows of notes: query notes instead, this one is replaced by a rebuild.';
comment on column notes.source is 'The configured source it came in by.';
comment on column notes.id is 'Huntr''s id of the note.';
comment on column notes.text is 'The note as text.';
comment on column notes.html_text is 'The note as HTML. Not safe to show as it is.';
comment on column notes.job_id is 'The job it is about (jobs.id).';
comment on column notes.employer_id is 'The employer it is about (employers.id).';
comment on column notes.owner_member_id is 'The member whose note it is (members.id).';
comment on column notes.creator_member_id is 'Who wrote it (members.id).';
comment on column notes.member_id is 'The member an internal note is about (members.id).';
comment on column notes.created_at is 'When it was written.';
comment on column notes.deleted_at is 'When it was deleted; null while it has not been. The row stays.';
comment on column notes.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column notes.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column notes.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column notes.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table contacts (
    source            text collate "C" not null,
    id                text collate "C" not null,
    first_name        text,
    last_name         text,
    email             text,
    title             text,
    location          text,
    profiles          jsonb,
    owner_member_id   text collate "C",
    creator_member_id text collate "C",
    created_at        timestamptz,
    deleted_at        timestamptz,
    first_seen_at     timestamptz,
    updated_at        timestamptz,
    last_action_id    text collate "C",
    column_versions   jsonb,
    primary key (source, id)
) partition by list (source);

create table contacts_rows partition of contacts default;

comment on table contacts is 'People whom members know at employers.';
comment on table contacts_rows is 'The rows of contacts: query contacts instead, this one is replaced by a rebuild.';
comment on column contacts.source is 'The configured source it came in by.';
comment on column contacts.id is 'Huntr''s id of the contact.';
comment on column contacts.first_name is 'First name.';
comment on column contacts.last_name is 'Last name.';
comment on column contacts.email is 'E-mail address.';
comment on column contacts.title is 'Position.';
comment on column contacts.location is 'Where the contact is.';
comment on column contacts.profiles is 'Addresses in social networks, by their names.';
comment on column contacts.owner_member_id is 'The member whose contact it is (members.id).';
comment on column contacts.creator_member_id is 'Who added it (members.id).';
comment on column contacts.created_at is 'When it was added.';
comment on column contacts.deleted_at is 'When it was deleted; null while it has not been. The row stays.';
comment on column contacts.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column contacts.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column contacts.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column contacts.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table contact_jobs (
    source          text collate "C" not null,
    contact_id      text collate "C" not null,
    job_id          text collate "C" not null,
    deleted_at      timestamptz,
    first_seen_at   timestamptz,
    updated_at      timestamptz,
    last_action_id  text collate "C",
    column_versions jsonb,
    primary key (source, contact_id, job_id)
) partition by list (source);

create table contact_jobs_rows partition of contact_jobs default;

comment on table contact_jobs is 'Which contacts have been linked to which jobs.';
comment on table contact_jobs_rows is 'The rows of contact_jobs: query contact_jobs instead, this one is replaced by a rebuild.';
comment on column contact_jobs.source is 'The configured source it came in by.';
comment on column contact_jobs.contact_id is 'The contact (contacts.id).';
comment on column contact_jobs.job_id is 'The job (jobs.id).';
comment on column contact_jobs.deleted_at is 'Always null: Huntr does not tell.';
comment on column contact_jobs.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column contact_jobs.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column contact_jobs.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column contact_jobs.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table contact_employers (
    source          text collate "C" not null,
    contact_id      text collate "C" not null,
    employer_id     text collate "C" not null,
    deleted_at      timestamptz,
    first_seen_at   timestamptz,
    updated_at      timestamptz,
    last_action_id  text collate "C",
    column_versions jsonb,
    primary key (source, contact_id, employer_id)
) partition by list (source);

create table contact_employers_rows partition of contact_employers default;

comment on table contact_employers is 'Which contacts have been linked to which employers.';
comment on table contact_employers_rows is 'The rows of contact_employers: query contact_employers instead, this one is replaced by a rebuild.';
comment on column contact_employers.source is 'The configured source it came in by.';
comment on column contact_employers.contact_id is 'The contact (contacts.id).';
comment on column contact_employers.employer_id is 'The employer (employers.id).';
comment on column contact_employers.deleted_at is 'Always null: Huntr does not tell.';
comment on column contact_employers.first_seen_at is 'When the oldest Action that speaks of it was noted.';
comment on column contact_employers.updated_at is 'When the newest Action that speaks of it was noted.';
comment on column contact_employers.last_action_id is 'The newest Action that speaks of it (actions.id).';
comment on column contact_employers.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table hunty_events (
    source           text collate "C" not null,
    id               text collate "C" not null,
    event_id         bigint,
    webhook_id       text,
    idempotency_id   text,
    domain           text,
    event            text,
    version          bigint,
    fired_at         timestamptz,
    entity_id        text,
    previous_status  text,
    status           text,
    payload          jsonb,
    first_seen_at    timestamptz,
    updated_at       timestamptz,
    last_delivery_id text collate "C",
    primary key (source, id)
) partition by list (source);

create table hunty_events_rows partition of hunty_events default;

comment on table hunty_events is 'Every event of Hunty''s, one row each, with the snapshot it brought.';
comment on table hunty_events_rows is 'The rows of hunty_events: query hunty_events instead, this one is replaced by a rebuild.';
comment on column hunty_events.source is 'The configured source it came in by.';
comment on column hunty_events.id is 'The id of the delivery (events.delivery_id): subscription and idempotency id.';
comment on column hunty_events.event_id is 'The event it came in by (events.id); the event may have been removed since.';
comment on column hunty_events.webhook_id is 'The subscription.';
comment on column hunty_events.idempotency_id is 'Hunty''s id of the delivery, the same when it tries again.';
comment on column hunty_events.domain is 'What kind of thing it is about, such as candidate.';
comment on column hunty_events.event is 'What happened, such as CandidateStatusTransitionedEvent.';
comment on column hunty_events.version is 'The version of the envelope: 1 or 2.';
comment on column hunty_events.fired_at is 'When it happened.';
comment on column hunty_events.entity_id is 'The id of what it is about, where the payload has one.';
comment on column hunty_events.previous_status is 'The status before, where the payload has one.';
comment on column hunty_events.status is 'The status after, where the payload has one.';
comment on column hunty_events.payload is 'The snapshot: the payload as Hunty sent it. What no database takes is replaced in it.';
comment on column hunty_events.first_seen_at is 'When the oldest event that speaks of it happened.';
comment on column hunty_events.updated_at is 'When the newest event that speaks of it happened.';
comment on column hunty_events.last_delivery_id is 'The newest event that speaks of it (hunty_events.id).';

create table hunty_entities (
    source           text collate "C" not null,
    domain           text collate "C" not null,
    entity_id        text collate "C" not null,
    webhook_id       text,
    event            text,
    fired_at         timestamptz,
    status           text,
    payload          jsonb,
    first_seen_at    timestamptz,
    updated_at       timestamptz,
    last_delivery_id text collate "C",
    column_versions  jsonb,
    primary key (source, domain, entity_id)
) partition by list (source);

create table hunty_entities_rows partition of hunty_entities default;

comment on table hunty_entities is 'The newest snapshot of everything Hunty has told of.';
comment on table hunty_entities_rows is 'The rows of hunty_entities: query hunty_entities instead, this one is replaced by a rebuild.';
comment on column hunty_entities.source is 'The configured source it came in by.';
comment on column hunty_entities.domain is 'What kind of thing it is, such as candidate.';
comment on column hunty_entities.entity_id is 'Hunty''s id of it.';
comment on column hunty_entities.webhook_id is 'The subscription the snapshot came by.';
comment on column hunty_entities.event is 'What happened last.';
comment on column hunty_entities.fired_at is 'When that was.';
comment on column hunty_entities.status is 'Its status, where the payload has one.';
comment on column hunty_entities.payload is 'The snapshot: the payload as Hunty sent it. What no database takes is replaced in it.';
comment on column hunty_entities.first_seen_at is 'When the oldest event that speaks of it happened.';
comment on column hunty_entities.updated_at is 'When the newest event that speaks of it happened.';
comment on column hunty_entities.last_delivery_id is 'The newest event that speaks of it (hunty_events.id).';
comment on column hunty_entities.column_versions is 'Which event each column is from: the event''s id, its time in milliseconds from 1970, and the columns.';

create table member_fields (
    source                    text collate "C" not null,
    id                        text collate "C" not null,
    name                      text,
    field_type                text,
    choices                   jsonb,
    employer_partner_can_view boolean,
    job_seeker_can_edit       boolean,
    first_seen_at             timestamptz,
    updated_at                timestamptz,
    deleted_at                timestamptz,
    last_action_id            text collate "C",
    primary key (source, id)
);

comment on table member_fields is 'The organisation''s own fields of a member, where their names are known: from the API, or by huntr-receiver fields import.';
comment on column member_fields.source is 'The configured source it belongs to.';
comment on column member_fields.id is 'Huntr''s id of the field.';
comment on column member_fields.name is 'What the organisation calls it.';
comment on column member_fields.field_type is 'MULTIPLE_CHOICE, MULTIPLE_SELECT, TEXT, NUMBER or DATE.';
comment on column member_fields.choices is 'What can be chosen.';
comment on column member_fields.employer_partner_can_view is 'Whether partners among the employers see it.';
comment on column member_fields.job_seeker_can_edit is 'Whether job seekers can change it.';
comment on column member_fields.first_seen_at is 'When it was first imported.';
comment on column member_fields.updated_at is 'When it was last imported.';
comment on column member_fields.deleted_at is 'When an import did not have it any more; null while it is there.';
comment on column member_fields.last_action_id is 'Always null: no Action speaks of fields.';

create table stage_types (
    name       text collate "C" not null primary key,
    stage      text not null,
    is_derived boolean not null
);

comment on table stage_types is 'Which names of lists stand for which stage. A list''s name is compared in lower case, with single blanks.';
comment on column stage_types.name is 'The name of a list.';
comment on column stage_types.stage is 'The stage it stands for.';
comment on column stage_types.is_derived is 'Whether the stage is ours: Huntr knows nothing of wishlist and rejected.';

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
    name  text collate "C" not null primary key,
    value text not null
);

comment on table tables_settings is 'What the views take from the configuration ([tables]); the receiver keeps it current.';
comment on column tables_settings.name is 'The option, such as cohort_field.';
comment on column tables_settings.value is 'What it is set to.';

create table tables_rebuilds (
    id            bigint generated always as identity primary key,
    version       text not null,
    started_at    timestamptz not null,
    renewed_at    timestamptz not null,
    finished_at   timestamptz,
    last_event_id bigint not null default 0,
    events        bigint not null default 0
);

comment on table tables_rebuilds is 'Every rebuild of the typed tables, finished or not.';
comment on column tables_rebuilds.id is 'Our number of the rebuild.';
comment on column tables_rebuilds.version is 'The version of the receiver that worked the rows out.';
comment on column tables_rebuilds.started_at is 'When it began: every event that was there then is in the tables once it is finished.';
comment on column tables_rebuilds.renewed_at is 'When it last got on. One that was interrupted is resumed for some hours, and then begun anew.';
comment on column tables_rebuilds.finished_at is 'When the tables were exchanged; null while they have not been.';
comment on column tables_rebuilds.last_event_id is 'How far it has read (events.id).';
comment on column tables_rebuilds.events is 'How many events it has read.';

create table tables_rebuild_events (
    event_id bigint not null primary key
);

comment on table tables_rebuild_events is 'What was written into the typed tables during a rebuild, and is still to be written into the new ones. Empty when none runs.';
comment on column tables_rebuild_events.event_id is 'The event (events.id).';

-- Most payloads are long enough to be compressed: lz4 takes a fraction of the time. Some servers do not have it.
do $$
declare
    compressed text;
begin
    foreach compressed in array array['actions', 'actions_rows', 'hunty_events', 'hunty_events_rows'] loop
        execute format('alter table %I alter column payload set compression lz4', compressed);
    end loop;
exception
    when feature_not_supported or syntax_error then null;
end
$$;

-- A partition's columns say the same.
do $$
declare
    described record;
begin
    for described in
        select child.oid::regclass as partition, attname, col_description(inhparent, attnum) as comment
        from pg_inherits
        join pg_class child on child.oid = inhrelid
        join pg_attribute on attrelid = inhparent and attnum > 0 and not attisdropped
        where child.relnamespace = current_schema()::regnamespace and child.relname like '%\_rows'
    loop
        execute format('comment on column %s.%I is %L', described.partition, described.attname, described.comment);
    end loop;
end
$$;
