-- The questions people ask, as views over the typed tables.
--
-- What counts is the same in all of them. An activity counts once it is completed, and its kind is the name of its
-- category. What was deleted, or belongs to a member or a job that was, does not count. Days are of 24 hours, dates
-- and weeks in UTC.

-- Few are in these: they make it cheap to leave out what was deleted.
create index jobs_deleted on jobs (source, id) where deleted_at is not null;

-- What there is to do for each job and what was done, read without touching the table.
create index activities_by_job on activities (source, job_id)
    include (stage, completed, event_at, start_at, owner_member_id, id) where deleted_at is null;

-- The stages of each job in their order, read without touching the table.
create index stage_changes_by_job on stage_changes (source, job_id, occurred_at, action_id) include (to_stage, member_id);

-- Who did how much on whose board, and when last, read without touching the table, which is by far the largest.
create index actions_by_owner on actions (source, owner_member_id, created_at)
    include (creator_member_id, created_by_workflow);

-- What of each type there is: few pages, as equal entries share one.
create index actions_by_type on actions (source, action_type, event_type);

-- Few are in these: what was odd about events.
create index events_remarkable on events (source, origin) where problem is not null or origin <> 'webhook';

create view member_profiles as
with named as materialized (
    select settings.name as setting, fields.source, fields.id as field_id
    from tables_settings settings
    join member_fields fields on lower(trim(fields.name)) = lower(trim(settings.value)) and fields.deleted_at is null
), field_values as (
    select settings.name as setting, held.source, held.member_id, nullif(trim(held.value_text), '') as value
    from tables_settings settings
    join member_field_values held on held.field_id = settings.value
    union all
    select setting, held.source, held.member_id, nullif(trim(held.value_text), '')
    from named
    join member_field_values held on held.source = named.source and held.field_id = named.field_id
), profiles as (
    select source, member_id,
           max(value collate "C") filter (where setting = 'cohort_field') as cohort,
           max(value collate "C") filter (where setting = 'program_field') as program,
           max(value collate "C") filter (where setting = 'graduation_field') as graduation
    from field_values
    group by source, member_id
), dated as (
    select *,
           case when graduation ~ '^[12][0-9]{3}-[0-9]{2}-[0-9]{2}($|[T ][0-9]{2}:)' then left(graduation, 10)
                when graduation ~ '^[0-9]{2}/[0-9]{2}/[12][0-9]{3}$'
                then right(graduation, 4) || '-' || left(graduation, 2) || '-' || substr(graduation, 4, 2)
           end as day
    from profiles
), advisors as (
    select distinct source, advisor_id from members where advisor_id is not null
)
select members.source,
       members.id as member_id,
       coalesce(full_name, nullif(concat_ws(' ', given_name, family_name), '')) as name,
       email,
       is_active,
       cohort,
       program,
       graduation,
       -- The day of the month is added to the first: one that the month does not have lands in the next one.
       case when substr(day, 6, 2) between '01' and '12' and substr(day, 9, 2) between '01' and '31'
                 and to_char((left(day, 7) || '-01')::date + (substr(day, 9, 2)::integer - 1), 'YYYY-MM-DD') = day
            then (left(day, 7) || '-01')::date + (substr(day, 9, 2)::integer - 1)
       end as graduated_on,
       members.advisor_id,
       advisor_name,
       members.created_at,
       last_seen_at,
       coalesce(full_name, given_name, family_name, email) is null and members.created_at is null as is_stub,
       advisors.advisor_id is not null as is_advisor
from members
left join dated on dated.source = members.source and dated.member_id = members.id
left join advisors on advisors.source = members.source and advisors.advisor_id = members.id
where members.deleted_at is null;

comment on view member_profiles is 'Members, with what the organisation''s own fields tell of them: which fields those are says [tables] in the configuration. Deleted members are not in it.';
comment on column member_profiles.source is 'The configured source it came in by.';
comment on column member_profiles.member_id is 'The member (members.id).';
comment on column member_profiles.name is 'The member''s name.';
comment on column member_profiles.email is 'The member''s e-mail address.';
comment on column member_profiles.is_active is 'False once the member was deactivated.';
comment on column member_profiles.cohort is 'The member''s cohort; null where it is not known.';
comment on column member_profiles.program is 'The member''s program; null where it is not known.';
comment on column member_profiles.graduation is 'What the field for the graduation holds, as it was entered.';
comment on column member_profiles.graduated_on is 'The day of graduation, where that can be read: 2026-05-31, also at the beginning of a time, or 05/31/2026. Else null.';
comment on column member_profiles.advisor_id is 'The id of the member''s advisor.';
comment on column member_profiles.advisor_name is 'The advisor''s full name.';
comment on column member_profiles.created_at is 'When the account was made.';
comment on column member_profiles.last_seen_at is 'When the member was last seen in Huntr.';
comment on column member_profiles.is_stub is 'Whether nothing is known of the member but the id.';
comment on column member_profiles.is_advisor is 'Whether somebody has this member for an advisor. Advisors are in no figure about job seekers.';

create view employer_groups as
with cleaned as (
    select source, id, name, domain, is_partner, deleted_at,
           rtrim(regexp_replace(lower(trim(domain) collate "C"), '^(https?://)?(www[.])?', ''), '/') as host,
           trim(replace(replace(split_part(split_part(lower(trim(name) collate "C"), ' - ', 1), '|', 1), ',', ''), '.', '')) as plain
    from employers
)
select source,
       id as employer_id,
       coalesce(
           nullif(host, ''),
           nullif(regexp_replace(plain, ' (incorporated|inc|llc|ltd|limited|corporation|corp|company|co|plc|gmbh|ag|se|sa|sarl|sas|bv|srl|spa|ab|oy|as)$', ''), '')
       ) as employer_group,
       name,
       domain,
       is_partner
from cleaned
where deleted_at is null;

comment on view employer_groups is 'Employers, and which of them are one: those with the same domain or, without a domain, the same name.';
comment on column employer_groups.source is 'The configured source it came in by.';
comment on column employer_groups.employer_id is 'The employer (employers.id).';
comment on column employer_groups.employer_group is 'The domain without www, else the name: in lower case, up to " - " or "|", without dots, commas and one word such as Inc or GmbH at the end. Null where neither is known.';
comment on column employer_groups.name is 'The name, as it stands in employers.';
comment on column employer_groups.domain is 'The domain, as it stands in employers.';
comment on column employer_groups.is_partner is 'Whether it is a partner of the organisation.';

create view job_milestones as
with steps as (
    select source, job_id, stage, event_at as reached_at
    from activities
    where completed and deleted_at is null and stage is not null
    union all
    select source, job_id, to_stage, occurred_at
    from stage_changes
), firsts as (
    select source, job_id,
           min(reached_at) filter (where stage = 'APPLY') as applied_at,
           min(reached_at) filter (where stage = 'PHONE_SCREEN') as screened_at,
           min(reached_at) filter (where stage in ('PHONE_INTERVIEW', 'ON_SITE_INTERVIEW')) as interviewed_at,
           min(reached_at) filter (where stage = 'OFFER_RECEIVED') as offered_at,
           min(reached_at) filter (where stage = 'OFFER_ACCEPTED') as accepted_at,
           min(reached_at) filter (where stage = 'OFFER_DECLINED') as declined_at,
           min(reached_at) filter (where stage = 'REJECTED') as rejected_at
    from steps
    group by source, job_id
)
select jobs.source,
       jobs.id as job_id,
       jobs.owner_member_id as member_id,
       jobs.employer_id,
       jobs.created_at as saved_at,
       applied_at, screened_at, interviewed_at, offered_at, accepted_at, declined_at, rejected_at
from jobs
left join firsts on firsts.source = jobs.source and firsts.job_id = jobs.id
where jobs.deleted_at is null
  and not exists (select from members
                  where members.source = jobs.source and members.id = jobs.owner_member_id
                    and members.deleted_at is not null);

comment on view job_milestones is 'When each job first reached each stage: by a completed activity, or by a move on the board, whichever came first. It stays reached when the job is moved back. What stands for no move or activity is null, also where a later stage was reached.';
comment on column job_milestones.source is 'The configured source it came in by.';
comment on column job_milestones.job_id is 'The job (jobs.id).';
comment on column job_milestones.member_id is 'The member (members.id).';
comment on column job_milestones.employer_id is 'The employer (employers.id).';
comment on column job_milestones.saved_at is 'When it was put on the board.';
comment on column job_milestones.applied_at is 'Applied for.';
comment on column job_milestones.screened_at is 'First phone screen.';
comment on column job_milestones.interviewed_at is 'First interview, by phone or on site.';
comment on column job_milestones.offered_at is 'First offer.';
comment on column job_milestones.accepted_at is 'Offer accepted.';
comment on column job_milestones.declined_at is 'Offer declined by the member.';
comment on column job_milestones.rejected_at is 'Rejected by the employer, or put on a list of that name.';

create view acceptances as
with evidence as (
    select source, owner_member_id as member_id, job_id, employer_id, event_at as accepted_at, 'activity' as told_by
    from activities
    where completed and deleted_at is null and stage = 'OFFER_ACCEPTED'
    union all
    select source, member_id, job_id, null, occurred_at, 'stage'
    from stage_changes
    where to_stage = 'OFFER_ACCEPTED'
)
select evidence.source,
       coalesce(evidence.member_id, jobs.owner_member_id) as member_id,
       evidence.job_id,
       coalesce(jobs.employer_id, evidence.employer_id) as employer_id,
       salary,
       salary_min,
       salary_max,
       accepted_at,
       told_by
from evidence
left join jobs on jobs.source = evidence.source and jobs.id = evidence.job_id
where jobs.deleted_at is null and accepted_at is not null
  and not exists (select from members
                  where members.source = evidence.source
                    and members.id = coalesce(evidence.member_id, jobs.owner_member_id)
                    and members.deleted_at is not null);

comment on view acceptances is 'Everything that tells of an accepted offer: completed activities of the category Accept Offer, and moves to a list that stands for OFFER_ACCEPTED. A job can be in it several times, and an activity need not have a job.';
comment on column acceptances.source is 'The configured source it came in by.';
comment on column acceptances.member_id is 'The member (members.id).';
comment on column acceptances.job_id is 'The job (jobs.id).';
comment on column acceptances.employer_id is 'The employer (employers.id).';
comment on column acceptances.salary is 'The job''s salary, in whatever words it was written.';
comment on column acceptances.salary_min is 'The least amount in it.';
comment on column acceptances.salary_max is 'The greatest amount in it.';
comment on column acceptances.accepted_at is 'When: the time of the activity, or of the move.';
comment on column acceptances.told_by is 'activity or stage.';

create view placements as
with first as (
    select distinct on (source, member_id) *
    from acceptances
    where member_id is not null
    order by source, member_id, accepted_at, told_by, job_id
)
select first.source,
       first.member_id,
       name,
       cohort,
       program,
       graduated_on,
       accepted_at as placed_at,
       told_by as placed_by,
       job_id,
       employer_id,
       (accepted_at at time zone 'UTC')::date - graduated_on as days_after_graduation
from first
left join member_profiles profiles on profiles.source = first.source and profiles.member_id = first.member_id
where is_advisor is not true;

comment on view placements is 'Members who have accepted an offer, one row each, with the first acceptance (of two at the same time, the activity).';
comment on column placements.source is 'The configured source it came in by.';
comment on column placements.member_id is 'The member (members.id).';
comment on column placements.name is 'The member''s name.';
comment on column placements.cohort is 'The member''s cohort; null where it is not known.';
comment on column placements.program is 'The member''s program; null where it is not known.';
comment on column placements.graduated_on is 'The day of graduation.';
comment on column placements.placed_at is 'When the first offer was accepted.';
comment on column placements.placed_by is 'Which rule found it: activity (a completed Accept Offer) or stage (a move to a list that stands for OFFER_ACCEPTED).';
comment on column placements.job_id is 'The accepted job (jobs.id); an activity need not have one.';
comment on column placements.employer_id is 'The employer (employers.id).';
comment on column placements.days_after_graduation is 'Days from the graduation to that day, in UTC; negative where the offer was accepted before.';

create view placement_rates as
with members_and_days as (
    select profiles.source,
           profiles.cohort,
           days,
           profiles.graduated_on + days <= (now() at time zone 'UTC')::date as is_due,
           days_after_graduation <= days as is_placed
    from member_profiles profiles
    cross join (values (30), (60), (90), (180)) as spans (days)
    left join placements on placements.source = profiles.source and placements.member_id = profiles.member_id
    where not is_stub and not is_advisor
)
select source,
       cohort,
       days,
       count(*) as members,
       count(*) filter (where is_due) as graduates,
       count(*) filter (where is_due and is_placed) as placed,
       count(*) filter (where is_due and is_placed)::double precision
           / nullif(count(*) filter (where is_due), 0) as placement_rate
from members_and_days
group by source, cohort, days;

comment on view placement_rates is 'How many members of a cohort had accepted an offer within 30, 60, 90 and 180 days after their graduation.';
comment on column placement_rates.source is 'The configured source it came in by.';
comment on column placement_rates.cohort is 'The member''s cohort; null where it is not known.';
comment on column placement_rates.days is '30, 60, 90 or 180.';
comment on column placement_rates.members is 'Members of the cohort, with or without a day of graduation, active or not.';
comment on column placement_rates.graduates is 'Those who graduated at least that many days ago. The rate is of these, and of nobody else.';
comment on column placement_rates.placed is 'Graduates who had accepted an offer by then, or before they graduated.';
comment on column placement_rates.placement_rate is 'placed / graduates, from 0 to 1; null without graduates.';

create view applications as
with applied as (
    select source, owner_member_id as member_id, job_id, coalesce(job_id, id) as application, event_at as at
    from activities
    where completed and deleted_at is null and stage = 'APPLY'
    union all
    select source, member_id, job_id, job_id, occurred_at
    from stage_changes
    where to_stage = 'APPLY' and job_id is not null
)
select source,
       max(member_id) as member_id,
       max(job_id) as job_id,
       min(at) as applied_at
from applied
where at is not null
  and not exists (select from jobs
                  where jobs.source = applied.source and jobs.id = applied.job_id and jobs.deleted_at is not null)
  and not exists (select from members
                  where members.source = applied.source and members.id = applied.member_id
                    and members.deleted_at is not null)
group by source, application;

comment on view applications is 'Every job that was applied for, once, and when first: by a completed activity of the category Apply, or a move to a list that stands for APPLY. An activity without a job counts by itself.';
comment on column applications.source is 'The configured source it came in by.';
comment on column applications.member_id is 'The member (members.id).';
comment on column applications.job_id is 'The job (jobs.id).';
comment on column applications.applied_at is 'When it was first applied for.';

create view days_to_placement as
with first_applications as (
    select source, member_id, min(applied_at) as first_applied_at from applications group by source, member_id
), seekers as (
    select profiles.source,
           profiles.cohort,
           profiles.graduated_on <= (now() at time zone 'UTC')::date as has_graduated,
           placed_at is not null as is_placed,
           days_after_graduation,
           first_applied_at,
           case when first_applied_at <= placed_at
                then extract(epoch from placed_at - first_applied_at)::double precision / 86400
           end as days_after_application
    from member_profiles profiles
    left join placements on placements.source = profiles.source and placements.member_id = profiles.member_id
    left join first_applications on first_applications.source = profiles.source
                                and first_applications.member_id = profiles.member_id
    where not is_stub and not is_advisor
), figures as (
    select source,
           cohort,
           count(*) filter (where has_graduated) as graduates,
           count(*) filter (where has_graduated and is_placed) as graduates_placed,
           percentile_cont(0.5) within group (order by days_after_graduation)
               filter (where has_graduated and is_placed) as median_days_from_graduation,
           -- Whoever still searches takes longer than everybody else.
           percentile_cont(0.5) within group (order by coalesce(days_after_graduation, 1e9))
               filter (where has_graduated) as median_with_those_searching,
           count(first_applied_at) as applicants,
           count(days_after_application) as applicants_placed,
           percentile_cont(0.5) within group (order by days_after_application) as median_days_from_application
    from seekers
    group by source, cohort
)
select source,
       cohort,
       graduates,
       graduates_placed,
       graduates - graduates_placed as graduates_searching,
       median_days_from_graduation,
       case when median_with_those_searching < 1e6 then median_with_those_searching end as median_days_of_all_graduates,
       applicants,
       applicants_placed,
       round(median_days_from_application::numeric, 2)::double precision as median_days_from_application
from figures;

comment on view days_to_placement is 'How long the members of a cohort take to an accepted offer.';
comment on column days_to_placement.source is 'The configured source it came in by.';
comment on column days_to_placement.cohort is 'The member''s cohort; null where it is not known.';
comment on column days_to_placement.graduates is 'Members who have graduated.';
comment on column days_to_placement.graduates_placed is 'Those of them who have accepted an offer.';
comment on column days_to_placement.graduates_searching is 'The others.';
comment on column days_to_placement.median_days_from_graduation is 'Half of those who were placed took no longer. Whoever still searches is not in it: early in a cohort''s search it looks too good.';
comment on column days_to_placement.median_days_of_all_graduates is 'The same of all graduates, where whoever still searches takes longer than whoever was placed. Null until half of them are placed.';
comment on column days_to_placement.applicants is 'Members who have applied for a job.';
comment on column days_to_placement.applicants_placed is 'Those of them who have accepted an offer since.';
comment on column days_to_placement.median_days_from_application is 'Half of those took no longer from the first application to the accepted offer.';

create view funnel_by_cohort as
with of_members as (
    select milestones.source,
           milestones.member_id,
           count(*) as saved,
           count(applied_at) as applied,
           count(screened_at) as screened,
           count(interviewed_at) as interviewed,
           count(offered_at) as offered,
           count(accepted_at) as accepted
    from job_milestones milestones
    group by milestones.source, milestones.member_id
)
select profiles.source,
       profiles.cohort,
       step_number,
       step,
       sum(jobs)::bigint as jobs,
       count(*) filter (where jobs > 0) as members
from of_members
join member_profiles profiles on profiles.source = of_members.source and profiles.member_id = of_members.member_id
    and not profiles.is_advisor
cross join lateral (values (1, 'saved', saved), (2, 'applied', applied), (3, 'screened', screened),
                           (4, 'interviewed', interviewed), (5, 'offered', offered), (6, 'accepted', accepted))
    as steps (step_number, step, jobs)
group by profiles.source, profiles.cohort, step_number, step;

comment on view funnel_by_cohort is 'How far the jobs of a cohort got: saved, applied, screened, interviewed, offered, accepted. Each step counts the jobs that have reached it, also where they skipped the one before, and each job once, however many activities tell of it.';
comment on column funnel_by_cohort.source is 'The configured source it came in by.';
comment on column funnel_by_cohort.cohort is 'The member''s cohort; null where it is not known.';
comment on column funnel_by_cohort.step_number is '1 to 6, to sort by.';
comment on column funnel_by_cohort.step is 'saved, applied, screened, interviewed, offered or accepted.';
comment on column funnel_by_cohort.jobs is 'Jobs that have reached it.';
comment on column funnel_by_cohort.members is 'Members with at least one such job.';

create view stage_stays as
select source,
       job_id,
       member_id,
       to_list as list_name,
       to_stage as stage,
       occurred_at as entered_at,
       lead(occurred_at) over job as left_at,
       lead(action_id) over job is null as is_open,
       lead(to_stage) over job as next_stage,
       extract(epoch from coalesce(lead(occurred_at) over job, greatest(now(), occurred_at)) - occurred_at)::double precision
           / 86400 as days
from stage_changes changes
where job_id is not null and occurred_at is not null
  and not exists (select from jobs
                  where jobs.source = changes.source and jobs.id = changes.job_id and jobs.deleted_at is not null)
  and not exists (select from members
                  where members.source = changes.source and members.id = changes.member_id
                    and members.deleted_at is not null)
window job as (partition by source, job_id order by occurred_at, action_id);

comment on view stage_stays is 'Every stay of a job on a list, from one move to the next.';
comment on column stage_stays.source is 'The configured source it came in by.';
comment on column stage_stays.job_id is 'The job (jobs.id).';
comment on column stage_stays.member_id is 'The member (members.id).';
comment on column stage_stays.list_name is 'The name of the list.';
comment on column stage_stays.stage is 'The stage (stage_types.stage); null for lists that stand for none.';
comment on column stage_stays.entered_at is 'When it came there.';
comment on column stage_stays.left_at is 'When it went on; null while it is there.';
comment on column stage_stays.is_open is 'Whether it is still there.';
comment on column stage_stays.next_stage is 'The stage it went to; null also where that list stands for none.';
comment on column stage_stays.days is 'How long it stayed, until now where it still does.';

create view time_in_stage as
select source,
       stage,
       count(*) as stays,
       count(*) filter (where is_open) as open_stays,
       round((percentile_cont(0.25) within group (order by days))::numeric, 2)::double precision as p25_days,
       round((percentile_cont(0.5) within group (order by days))::numeric, 2)::double precision as median_days,
       round((percentile_cont(0.75) within group (order by days))::numeric, 2)::double precision as p75_days
from stage_stays
group by source, stage;

comment on view time_in_stage is 'How long jobs stay in a stage. A job that comes back stays once more; one that still is there counts with its days until now.';
comment on column time_in_stage.source is 'The configured source it came in by.';
comment on column time_in_stage.stage is 'The stage (stage_types.stage); null for lists that stand for none.';
comment on column time_in_stage.stays is 'How often a job came there.';
comment on column time_in_stage.open_stays is 'How many of those are there still.';
comment on column time_in_stage.p25_days is 'A quarter of the stays are no longer.';
comment on column time_in_stage.median_days is 'Half of them are no longer.';
comment on column time_in_stage.p75_days is 'Three quarters of them are no longer.';

create view stage_conversions as
select source,
       stage,
       next_stage,
       count(*) as moves,
       count(*)::double precision / sum(count(*)) over (partition by source, stage) as share_of_moves,
       round((percentile_cont(0.5) within group (order by days))::numeric, 2)::double precision as median_days
from stage_stays
where not is_open
group by source, stage, next_stage;

comment on view stage_conversions is 'Where jobs go to from a stage, backwards too. Jobs that are there still are not in it.';
comment on column stage_conversions.source is 'The configured source it came in by.';
comment on column stage_conversions.stage is 'The stage (stage_types.stage); null for lists that stand for none.';
comment on column stage_conversions.next_stage is 'The stage they went to; null for lists that stand for none.';
comment on column stage_conversions.moves is 'How often.';
comment on column stage_conversions.share_of_moves is 'The part of all moves from this stage, from 0 to 1.';
comment on column stage_conversions.median_days is 'Half of those had stayed no longer.';

create view inactive_members as
with last_actions as materialized (
    select source, member_id, name, email, cohort, program, advisor_name, created_at, last_seen_at,
           (select max(actions.created_at)
            from actions
            where actions.source = profiles.source
              and actions.owner_member_id = profiles.member_id
              and actions.creator_member_id = actions.owner_member_id
              and actions.created_by_workflow is not true) as last_action_at
    from member_profiles profiles
    where not is_stub and not is_advisor and is_active is not false
      and exists (select from actions
                  where actions.source = profiles.source and actions.owner_member_id = profiles.member_id)
      and (source, member_id) not in (select source, member_id from placements)
)
select source, member_id, name, email, cohort, program, advisor_name, last_action_at, last_seen_at,
       floor(extract(epoch from now() - coalesce(last_action_at, created_at)) / 86400)::bigint as days_inactive
from last_actions;

comment on view inactive_members is 'Job seekers, and when they last did something themselves: neither deactivated nor deleted, without an accepted offer, no advisors. What an advisor or a workflow does on their board does not count. All are in it: choose by days_inactive.';
comment on column inactive_members.source is 'The configured source it came in by.';
comment on column inactive_members.member_id is 'The member (members.id).';
comment on column inactive_members.name is 'The member''s name.';
comment on column inactive_members.email is 'The member''s e-mail address.';
comment on column inactive_members.cohort is 'The member''s cohort; null where it is not known.';
comment on column inactive_members.program is 'The member''s program; null where it is not known.';
comment on column inactive_members.advisor_name is 'The advisor''s full name.';
comment on column inactive_members.last_action_at is 'When the member last did something; null for never.';
comment on column inactive_members.last_seen_at is 'When the member was last seen in Huntr.';
comment on column inactive_members.days_inactive is 'Whole days since then, or since the account was made.';

create view applications_per_week as
with weeks as (
    select source, member_id, date_trunc('week', applied_at at time zone 'UTC')::date as week_starts_on, count(*) as applications
    from applications
    group by source, member_id, week_starts_on
)
select weeks.source,
       weeks.member_id,
       name,
       cohort,
       week_starts_on,
       applications
from weeks
join member_profiles profiles on profiles.source = weeks.source and profiles.member_id = weeks.member_id
    and not profiles.is_advisor;

comment on view applications_per_week is 'How many jobs each member applied for in each week. A job counts once, in the week in which it was first applied for. Weeks without an application are not in it.';
comment on column applications_per_week.source is 'The configured source it came in by.';
comment on column applications_per_week.member_id is 'The member (members.id).';
comment on column applications_per_week.name is 'The member''s name.';
comment on column applications_per_week.cohort is 'The member''s cohort; null where it is not known.';
comment on column applications_per_week.week_starts_on is 'The Monday; weeks are in UTC.';
comment on column applications_per_week.applications is 'Jobs applied for.';

create view employer_outcomes as
with of_employers as (
    select source,
           employer_id,
           count(*) as jobs,
           count(applied_at) as applied,
           count(screened_at) as screened,
           count(interviewed_at) as interviewed,
           count(offered_at) as offered,
           count(accepted_at) as accepted,
           count(declined_at) as declined,
           count(rejected_at) as rejected
    from job_milestones
    group by source, employer_id
)
select groups.source,
       employer_group,
       min(name collate "C") as name,
       coalesce(bool_or(is_partner), false) as is_partner,
       count(*) as employers,
       coalesce(sum(jobs), 0)::bigint as jobs,
       coalesce(sum(applied), 0)::bigint as applied,
       coalesce(sum(screened), 0)::bigint as screened,
       coalesce(sum(interviewed), 0)::bigint as interviewed,
       coalesce(sum(offered), 0)::bigint as offered,
       coalesce(sum(accepted), 0)::bigint as accepted,
       coalesce(sum(declined), 0)::bigint as declined,
       coalesce(sum(rejected), 0)::bigint as rejected
from employer_groups groups
left join of_employers on of_employers.source = groups.source and of_employers.employer_id = groups.employer_id
where employer_group is not null
group by groups.source, employer_group;

comment on view employer_outcomes is 'How far jobs get with each employer, all rows of the same employer taken together.';
comment on column employer_outcomes.source is 'The configured source it came in by.';
comment on column employer_outcomes.employer_group is 'The domain or the name that makes them one (employer_groups).';
comment on column employer_outcomes.name is 'Its name, the first of several.';
comment on column employer_outcomes.is_partner is 'Whether one of its rows is a partner of the organisation.';
comment on column employer_outcomes.employers is 'How many rows of employers it has.';
comment on column employer_outcomes.jobs is 'Jobs on the members'' boards.';
comment on column employer_outcomes.applied is 'Jobs that were applied for.';
comment on column employer_outcomes.screened is 'Jobs with a phone screen.';
comment on column employer_outcomes.interviewed is 'Jobs with an interview, by phone or on site.';
comment on column employer_outcomes.offered is 'Jobs with an offer.';
comment on column employer_outcomes.accepted is 'Jobs with an accepted offer.';
comment on column employer_outcomes.declined is 'Jobs with an offer that the member declined.';
comment on column employer_outcomes.rejected is 'Jobs for which the member was rejected.';

create view stalled_jobs as
with searching as (
    select jobs.source, jobs.id as job_id, title, jobs.employer_id, stage, list_name, jobs.created_at,
           profiles.member_id, name, cohort, advisor_name
    from jobs
    join member_profiles profiles on profiles.source = jobs.source and profiles.member_id = jobs.owner_member_id
        and not profiles.is_advisor
    where deleted_at is null
      and stage in ('APPLY', 'PHONE_SCREEN', 'PHONE_INTERVIEW', 'ON_SITE_INTERVIEW', 'OFFER_RECEIVED')
      and is_active is not false
      and (jobs.source, jobs.owner_member_id) not in (select source, member_id from placements)
), activity as (
    select source, job_id,
           max(event_at) filter (where completed or event_at > now()) as last_at,
           count(*) filter (where not completed and start_at < now()) as overdue_tasks
    from activities
    where deleted_at is null and job_id is not null
    group by source, job_id
), dated as materialized (
    select searching.*,
           overdue_tasks,
           greatest(created_at, last_at,
                    (select max(occurred_at) from stage_changes
                     where stage_changes.source = searching.source and stage_changes.job_id = searching.job_id)
           ) as last_activity_at
    from searching
    left join activity on activity.source = searching.source and activity.job_id = searching.job_id
)
select source,
       job_id,
       title,
       employer_id,
       member_id,
       name,
       cohort,
       advisor_name,
       stage,
       list_name,
       last_activity_at,
       floor(extract(epoch from now() - last_activity_at) / 86400)::bigint as days_stalled,
       coalesce(overdue_tasks, 0) as overdue_tasks
from dated
where last_activity_at < now() - interval '14 days';

comment on view stalled_jobs is 'Jobs between application and decision with which nothing has happened for two weeks: no completed activity, no move, nothing planned ahead. Those of members who are deactivated or have accepted an offer are not in it.';
comment on column stalled_jobs.source is 'The configured source it came in by.';
comment on column stalled_jobs.job_id is 'The job (jobs.id).';
comment on column stalled_jobs.title is 'The title.';
comment on column stalled_jobs.employer_id is 'The employer (employers.id).';
comment on column stalled_jobs.member_id is 'The member (members.id).';
comment on column stalled_jobs.name is 'The member''s name.';
comment on column stalled_jobs.cohort is 'The member''s cohort; null where it is not known.';
comment on column stalled_jobs.advisor_name is 'The advisor''s full name.';
comment on column stalled_jobs.stage is 'The stage it is in: APPLY to OFFER_RECEIVED.';
comment on column stalled_jobs.list_name is 'The name of the list it is on.';
comment on column stalled_jobs.last_activity_at is 'The last completed activity or move; when it was put on the board, if there is none.';
comment on column stalled_jobs.days_stalled is 'Whole days since then.';
comment on column stalled_jobs.overdue_tasks is 'Activities that were to be done by now and are not completed.';

create view offer_decisions as
with decided as (
    select *,
           case when accepted_at <= coalesce(declined_at, accepted_at) then 'accepted'
                when declined_at is not null then 'declined'
                when rejected_at >= coalesce(offered_at, rejected_at) then 'rejected'
                else 'open'
           end as decision
    from job_milestones
    where offered_at is not null or accepted_at is not null or declined_at is not null
), dated as (
    select *,
           case decision when 'accepted' then accepted_at when 'declined' then declined_at
                         when 'rejected' then rejected_at end as decided_at
    from decided
)
select dated.source,
       dated.job_id,
       dated.employer_id,
       dated.member_id,
       name,
       cohort,
       program,
       offered_at,
       decision,
       decided_at,
       round((extract(epoch from coalesce(decided_at, now()) - offered_at) / 86400)::numeric, 2)::double precision as days
from dated
join member_profiles profiles on profiles.source = dated.source and profiles.member_id = dated.member_id
    and not profiles.is_advisor;

comment on view offer_decisions is 'Every job with an offer, an acceptance or a refusal, and what became of it. The first decision counts.';
comment on column offer_decisions.source is 'The configured source it came in by.';
comment on column offer_decisions.job_id is 'The job (jobs.id).';
comment on column offer_decisions.employer_id is 'The employer (employers.id).';
comment on column offer_decisions.member_id is 'The member (members.id).';
comment on column offer_decisions.name is 'The member''s name.';
comment on column offer_decisions.cohort is 'The member''s cohort; null where it is not known.';
comment on column offer_decisions.program is 'The member''s program; null where it is not known.';
comment on column offer_decisions.offered_at is 'When the first offer came; null where nobody wrote it down.';
comment on column offer_decisions.decision is 'accepted, declined (by the member), rejected (after the offer, by the employer), or open.';
comment on column offer_decisions.decided_at is 'When that was; null while it is open.';
comment on column offer_decisions.days is 'Days from the offer to the decision, or until now while it is open.';

create view accepted_salaries as
with accepted as (
    select distinct on (jobs.source, job_id) profiles.source, program, salary, (salary_min + salary_max) / 2 as amount
    from acceptances jobs
    join member_profiles profiles on profiles.source = jobs.source and profiles.member_id = jobs.member_id
        and not profiles.is_advisor
    where job_id is not null
    order by jobs.source, job_id, jobs.member_id
)
select source,
       program,
       count(*) as accepted_jobs,
       count(nullif(trim(salary), '')) as with_salary,
       count(amount) as with_amount,
       count(*) filter (where amount >= 1000) as with_annual_amount,
       count(*) filter (where amount >= 1000)::double precision / count(*) as share_with_annual_amount,
       percentile_cont(0.25) within group (order by amount) filter (where amount >= 1000) as p25_salary,
       percentile_cont(0.5) within group (order by amount) filter (where amount >= 1000) as median_salary,
       percentile_cont(0.75) within group (order by amount) filter (where amount >= 1000) as p75_salary
from accepted
group by source, program;

comment on view accepted_salaries is 'What accepted jobs pay, by program. Salaries are what members wrote, in any currency, base or total: see how many could be read before you rely on the figures. Amounts below 1000 are not taken for annual ones and left out.';
comment on column accepted_salaries.source is 'The configured source it came in by.';
comment on column accepted_salaries.program is 'The member''s program; null where it is not known.';
comment on column accepted_salaries.accepted_jobs is 'Jobs with an accepted offer.';
comment on column accepted_salaries.with_salary is 'Those with anything in the field for the salary.';
comment on column accepted_salaries.with_amount is 'Those in which an amount could be read.';
comment on column accepted_salaries.with_annual_amount is 'Those whose amount is 1000 or more: the figures are of these.';
comment on column accepted_salaries.share_with_annual_amount is 'with_annual_amount / accepted_jobs, from 0 to 1.';
comment on column accepted_salaries.p25_salary is 'A quarter of them pay no more (the middle, where a range is given).';
comment on column accepted_salaries.median_salary is 'Half of them pay no more.';
comment on column accepted_salaries.p75_salary is 'Three quarters of them pay no more.';

create view advisor_share as
with of_members as (
    select source,
           owner_member_id as member_id,
           count(*) as actions,
           count(*) filter (where created_by_workflow) as by_workflow,
           count(*) filter (where created_by_workflow is not true and creator_member_id = owner_member_id) as by_member,
           count(*) filter (where created_by_workflow is not true and creator_member_id <> owner_member_id) as by_others
    from actions
    where owner_member_id is not null
    group by source, owner_member_id
), figures as (
    select profiles.source,
           profiles.advisor_id,
           max(profiles.advisor_name collate "C") as advisor_name,
           count(*) as members,
           count(*) filter (where is_active is not false) as active_members,
           count(placed_at) as placed_members,
           coalesce(sum(actions), 0)::bigint as actions,
           coalesce(sum(by_member), 0)::bigint as by_member,
           coalesce(sum(by_others), 0)::bigint as by_others,
           coalesce(sum(by_workflow), 0)::bigint as by_workflow
    from member_profiles profiles
    left join of_members on of_members.source = profiles.source and of_members.member_id = profiles.member_id
    left join placements on placements.source = profiles.source and placements.member_id = profiles.member_id
    where not is_stub and not is_advisor
    group by profiles.source, profiles.advisor_id
)
select *,
       by_others::double precision / nullif(actions, 0) as share_by_others,
       by_workflow::double precision / nullif(actions, 0) as share_by_workflow
from figures;

comment on view advisor_share is 'How many members each advisor has, how many of them are placed, and who writes down what happens on their boards. The row without an advisor is of members who have none.';
comment on column advisor_share.source is 'The configured source it came in by.';
comment on column advisor_share.advisor_id is 'The advisor''s id.';
comment on column advisor_share.advisor_name is 'The advisor''s full name.';
comment on column advisor_share.members is 'Members of the advisor.';
comment on column advisor_share.active_members is 'Those who were not deactivated.';
comment on column advisor_share.placed_members is 'Those who have accepted an offer.';
comment on column advisor_share.actions is 'Actions on their boards.';
comment on column advisor_share.by_member is 'Those by the member.';
comment on column advisor_share.by_others is 'Those by somebody else: the advisor, or another one.';
comment on column advisor_share.by_workflow is 'Those by a workflow.';
comment on column advisor_share.share_by_others is 'by_others / actions, from 0 to 1.';
comment on column advisor_share.share_by_workflow is 'by_workflow / actions, from 0 to 1.';

create view data_quality as
with of_members as (
    select source,
           count(*) as members,
           count(*) filter (where is_stub) as stubs,
           count(*) filter (where not is_stub and not is_advisor) as seekers,
           count(*) filter (where not is_stub and not is_advisor and cohort is null) as without_cohort,
           count(*) filter (where not is_stub and not is_advisor and graduation is null) as without_graduation,
           count(*) filter (where not is_stub and not is_advisor and graduation is not null and graduated_on is null)
               as with_bad_graduation
    from member_profiles
    group by source
), of_jobs as (
    select source,
           count(*) as jobs,
           count(*) filter (where title is null and created_at is null) as stubs,
           count(*) filter (where title is null and created_at is not null or title = 'No Job Title') as without_title,
           count(*) filter (where employer_id is null) as without_employer,
           count(*) filter (where stage is null and list_name is not null) as without_stage
    from jobs
    where deleted_at is null
      and not exists (select from members
                      where members.source = jobs.source and members.id = jobs.owner_member_id
                        and members.deleted_at is not null)
    group by source
), of_acceptances as (
    select source,
           count(distinct coalesce(job_id, member_id)) as offers,
           count(distinct coalesce(job_id, member_id)) filter (where employer_id is null) as without_employer,
           count(distinct coalesce(job_id, member_id)) filter (where nullif(trim(salary), '') is null) as without_salary
    from acceptances
    group by source
), of_employers as (
    select source, count(*) as employers, count(*) filter (where coalesce(name, domain) is null) as stubs
    from employer_groups
    group by source
), of_activities as (
    select source,
           count(*) as activities,
           count(*) filter (where category is null) as without_category
    from activities
    where deleted_at is null
      and not exists (select from jobs
                      where jobs.source = activities.source and jobs.id = activities.job_id
                        and jobs.deleted_at is not null)
      and not exists (select from members
                      where members.source = activities.source and members.id = activities.owner_member_id
                        and members.deleted_at is not null)
    group by source
), known_types (type) as (
    values
        ('ACTIVITY_CREATED'), ('ACTIVITY_DELETED'), ('ACTIVITY_UPDATED'), ('BULK_JOB_POST_UPDATED'),
        ('CANDIDATE_PROFILE_VIEWED'), ('CANDIDATE_SEARCH_RAN'), ('CONTACT_CREATED'), ('CONTACT_DELETED'),
        ('CONTACT_UPDATED'), ('DOCUMENT_CREATED'), ('DOCUMENT_DELETED'), ('DOCUMENT_UPDATED'), ('GOAL_CREATED'),
        ('GOAL_ENROLLMENT_CONCLUDED'), ('GOAL_ENROLLMENT_CREATED'), ('GOAL_PROGRESS_COMPLETED'),
        ('GOAL_PROGRESS_INCOMPLETE'), ('GOAL_PROGRESS_IN_PROGRESS'), ('GOAL_PROGRESS_UNENROLLED'),
        ('GOAL_PROGRESS_UPDATED'), ('GOAL_UPDATED'), ('JOB_CREATED'), ('JOB_DELETED'), ('JOB_MOVED'),
        ('JOB_POST_CREATED'), ('JOB_POST_DELETED'), ('JOB_POST_UPDATED'), ('JOB_UPDATED'), ('MEMBER_CREATED'),
        ('MEMBER_DEACTIVATED'), ('MEMBER_DELETED'), ('MEMBER_UPDATED'), ('NOTE_CREATED'), ('NOTE_DELETED'),
        ('NOTE_UPDATED'), ('ORGANIZATION_COMPANY_CREATED'), ('ORGANIZATION_COMPANY_UPDATED'),
        ('ORGANIZATION_EMPLOYER_PARTNERSHIP_CREATED'), ('ORGANIZATION_EMPLOYER_REQUEST_APPROVED'),
        ('ORGANIZATION_EMPLOYER_REQUEST_CREATED'), ('ORGANIZATION_EMPLOYER_REQUEST_DECLINED'),
        ('ORGANIZATION_EMPLOYER_REQUEST_VERIFIED'), ('ORGANIZATION_TALENT_PORTAL_ACCESSED'), ('JOB_ADDED'),
        ('JOB_APPLICATION_DATE_SET'), ('JOB_FIRST_INTERVIEW_DATE_SET'), ('JOB_SECOND_INTERVIEW_DATE_SET'),
        ('JOB_OFFER_DATE_SET'), ('TEST')
), of_types as (
    select source, coalesce(action_type, event_type) as type, count(*) as actions
    from actions
    group by source, action_type, event_type
), of_actions as (
    select source,
           sum(actions)::bigint as actions,
           coalesce(sum(actions) filter (where known_types.type is null), 0)::bigint as of_unknown_type
    from of_types
    left join known_types on known_types.type = of_types.type
    group by source
), of_events as (
    select source, count(*) as events from events group by source
), of_remarkable_events as (
    select source,
           count(*) filter (where problem is not null) as with_problem,
           count(*) filter (where origin = 'reconcile') as missed,
           count(*) filter (where origin = 'reverify') as reverified
    from events
    where problem is not null or origin <> 'webhook'
    group by source
), of_conflicts as (
    select source, count(distinct event_id) as events
    from event_conflicts
    join events on events.id = event_conflicts.event_id
    group by source
), of_refusals as (
    select source, count(*) as requests from rejected_requests group by source
), measures as (
    select source, 'members known only by their id' as measure, stubs as affected, members as total from of_members
    union all select source, 'members without a cohort', without_cohort, seekers from of_members
    union all select source, 'members without a graduation date', without_graduation, seekers from of_members
    union all select source, 'members whose graduation is no date', with_bad_graduation, seekers from of_members
    union all select source, 'jobs known only by their id', stubs, jobs from of_jobs
    union all select source, 'jobs without a title', without_title, jobs from of_jobs
    union all select source, 'jobs without an employer', without_employer, jobs from of_jobs
    union all select source, 'jobs on a list that stands for no stage', without_stage, jobs from of_jobs
    union all select source, 'accepted offers without an employer', without_employer, offers from of_acceptances
    union all select source, 'accepted offers without a salary', without_salary, offers from of_acceptances
    union all select source, 'employers known only by their id', stubs, employers from of_employers
    union all select source, 'activities without a category', without_category, activities from of_activities
    union all select source, 'actions of an unknown type', of_unknown_type, actions from of_actions
    union all
    select source, 'events that were not understood', coalesce(with_problem, 0), events
    from of_events left join of_remarkable_events using (source)
    union all
    select source, 'events that no webhook brought', coalesce(missed, 0), events
    from of_events left join of_remarkable_events using (source)
    union all
    select source, 'events that were refused at first', coalesce(reverified, 0), events
    from of_events left join of_remarkable_events using (source)
    union all
    select source, 'events with another body under the same id', coalesce(of_conflicts.events, 0), of_events.events
    from of_events left join of_conflicts using (source)
    union all
    select source, 'requests that are refused', requests, requests + coalesce(events, 0)
    from of_refusals left join of_events using (source)
)
select source, measure, affected, total, affected::double precision / nullif(total, 0) as share
from measures;

comment on view data_quality is 'What is missing or odd, and in how many cases: to know how far the other views can be relied on.';
comment on column data_quality.source is 'The configured source it came in by.';
comment on column data_quality.measure is 'What is counted.';
comment on column data_quality.affected is 'In how many cases it is so.';
comment on column data_quality.total is 'Of how many.';
comment on column data_quality.share is 'affected / total, from 0 to 1.';

create view hunty_transitions as
with snapshots as (
    select source, domain, entity_id, fired_at, id, status,
           coalesce(previous_status, lag(status) over entity) as previous_status
    from hunty_events
    where status is not null and entity_id is not null
    window entity as (partition by source, domain, entity_id order by fired_at nulls first, id)
), transitions as (
    select *, lag(fired_at) over (partition by source, domain, entity_id order by fired_at nulls first, id) as since
    from snapshots
    where status is distinct from previous_status
)
select source,
       domain,
       previous_status,
       status,
       count(*) as transitions,
       count(distinct entity_id) as entities,
       round(
           (percentile_cont(0.5) within group (order by extract(epoch from fired_at - since)::double precision / 86400))::numeric, 2
       )::double precision as median_days_before
from transitions
group by source, domain, previous_status, status;

comment on view hunty_transitions is 'How often things at Hunty went from one status to another. Only what has a status and an id is in it.';
comment on column hunty_transitions.source is 'The configured source it came in by.';
comment on column hunty_transitions.domain is 'What kind of thing it is, such as candidate.';
comment on column hunty_transitions.previous_status is 'The status before: as the payload tells, else that of the snapshot before. Null for the first.';
comment on column hunty_transitions.status is 'The status after.';
comment on column hunty_transitions.transitions is 'How often.';
comment on column hunty_transitions.entities is 'How many things that were.';
comment on column hunty_transitions.median_days_before is 'Half of them were in the status before for no longer; null where it is not known since when.';

create view hunty_last_events as
with of_subscriptions as (
    select source, webhook_id, domain, event, fired_at, event_id,
           count(*) over subscription as events,
           row_number() over (partition by source, webhook_id order by fired_at desc nulls last, id desc) as place
    from hunty_events
    window subscription as (partition by source, webhook_id)
)
select of_subscriptions.source,
       webhook_id,
       of_subscriptions.events,
       domain as last_domain,
       event as last_event,
       fired_at as last_fired_at,
       received_at as last_received_at,
       round((extract(epoch from now() - coalesce(received_at, fired_at)) / 3600)::numeric, 2)::double precision as hours_since
from of_subscriptions
left join events on events.id = of_subscriptions.event_id
where place = 1;

comment on view hunty_last_events is 'The newest event of each subscription at Hunty. Hunty stops a subscription that fails for six hours and does not tell: look at hours_since.';
comment on column hunty_last_events.source is 'The configured source it came in by.';
comment on column hunty_last_events.webhook_id is 'The subscription.';
comment on column hunty_last_events.events is 'How many events it has brought.';
comment on column hunty_last_events.last_domain is 'What the newest was about.';
comment on column hunty_last_events.last_event is 'What happened.';
comment on column hunty_last_events.last_fired_at is 'When it happened.';
comment on column hunty_last_events.last_received_at is 'When it arrived; null where the event has been removed since.';
comment on column hunty_last_events.hours_since is 'Hours since it arrived, else since it happened.';
