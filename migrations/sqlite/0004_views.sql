-- The questions people ask, as views over the typed tables.
--
-- What counts is the same in all of them. An activity counts once it is completed, and its kind is the name of its
-- category. What was deleted, or belongs to a member or a job that was, does not count. Days are of 24 hours, dates
-- and weeks in UTC.
--
-- A percentile lies between two values when none is just there: each value weighs as much as it is near to that place.

-- Few are in these: they make it cheap to leave out what was deleted.
create index jobs_deleted on jobs (source, id) where deleted_at is not null;

-- What there is to do for each job and what was done, read without touching the table.
create index activities_by_job on activities (source, job_id, stage, completed, event_at, start_at, owner_member_id)
    where deleted_at is null;

-- The stages of each job in their order, read without touching the table.
create index stage_changes_by_job on stage_changes (source, job_id, occurred_at, action_id, to_stage, member_id);

-- Who did how much on whose board, and when last, read without touching the table, which is by far the largest.
create index actions_by_owner on actions (source, owner_member_id, created_at, creator_member_id, created_by_workflow);

-- What of each type there is: few pages, as equal entries share one.
create index actions_by_type on actions (source, action_type, event_type);

-- Few are in these: what was odd about events.
create index events_remarkable on events (source, origin) where problem is not null or origin <> 'webhook';

-- Members, with what the organisation's own fields tell of them. Which fields those are says [tables].
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
           max(value) filter (where setting = 'cohort_field') as cohort,
           max(value) filter (where setting = 'program_field') as program,
           max(value) filter (where setting = 'graduation_field') as graduation
    from field_values
    group by source, member_id
), dated as (
    select *,
           case when graduation glob '[12][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
                     or graduation glob '[12][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:*'
                then substr(graduation, 1, 10)
                when graduation glob '[0-9][0-9]/[0-9][0-9]/[12][0-9][0-9][0-9]'
                then substr(graduation, 7) || '-' || substr(graduation, 1, 2) || '-' || substr(graduation, 4, 2)
           end as day
    from profiles
), advisors as (
    select distinct source, advisor_id from members where advisor_id is not null
)
select members.source,
       members.id as member_id,
       coalesce(full_name, given_name || ' ' || family_name, given_name, family_name) as name,
       email,
       is_active,
       cohort,
       program,
       graduation,
       -- Adding to a day that the month does not have leads into the next one.
       case when date(day, '+0 days') = day then day end as graduated_on,
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

-- Employers, and which of them are one: those with the same domain or, without one, the same name.
create view employer_groups as
with suffixes (suffix) as (
    values (' incorporated'), (' inc'), (' llc'), (' ltd'), (' limited'), (' corporation'), (' corp'), (' company'), (' co'),
           (' plc'), (' gmbh'), (' ag'), (' se'), (' sa'), (' sarl'), (' sas'), (' bv'), (' srl'), (' spa'), (' ab'), (' oy'),
           (' as')
), lowered as (
    select source, id, name, domain, is_partner, lower(trim(domain)) as host, lower(trim(name)) as plain
    from employers
    where deleted_at is null
), cut as (
    select source, id, name, domain, is_partner,
           case when host like 'https://%' then substr(host, 9) when host like 'http://%' then substr(host, 8) else host end as host,
           substr(plain || ' - ', 1, instr(plain || ' - ', ' - ') - 1) as plain
    from lowered
), cleaned as (
    select source, id, name, domain, is_partner,
           rtrim(case when host like 'www.%' then substr(host, 5) else host end, '/') as host,
           trim(replace(replace(substr(plain || '|', 1, instr(plain || '|', '|') - 1), ',', ''), '.', '')) as plain
    from cut
)
select source,
       id as employer_id,
       coalesce(
           nullif(host, ''),
           nullif(
               substr(plain, 1, length(plain) - coalesce(
                   (select max(length(suffix)) from suffixes where plain like '%' || suffix), 0)),
               ''
           )
       ) as employer_group,
       name,
       domain,
       is_partner
from cleaned;

-- When each job first reached each stage, by an activity or by a move on the board.
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
  and not exists (select 1 from members
                  where members.source = jobs.source and members.id = jobs.owner_member_id
                    and members.deleted_at is not null);

-- Everything that tells of an accepted offer.
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
  and not exists (select 1 from members
                  where members.source = evidence.source
                    and members.id = coalesce(evidence.member_id, jobs.owner_member_id)
                    and members.deleted_at is not null);

-- Members who have accepted an offer, and which was the first.
create view placements as
with ranked as (
    select *, row_number() over (partition by source, member_id order by accepted_at, told_by, job_id nulls last) as place
    from acceptances
    where member_id is not null
)
select ranked.source,
       ranked.member_id,
       name,
       cohort,
       program,
       graduated_on,
       accepted_at as placed_at,
       told_by as placed_by,
       job_id,
       employer_id,
       cast(julianday(date(accepted_at)) - julianday(graduated_on) as integer) as days_after_graduation
from ranked
left join member_profiles profiles on profiles.source = ranked.source and profiles.member_id = ranked.member_id
where is_advisor is not true and place = 1;

-- How many of a cohort had accepted an offer so many days after their graduation.
create view placement_rates as
with spans (days) as (
    values (30), (60), (90), (180)
), members_and_days as (
    select profiles.source,
           profiles.cohort,
           days,
           date(profiles.graduated_on, '+' || days || ' days') <= date('now') as is_due,
           days_after_graduation <= days as is_placed
    from member_profiles profiles
    cross join spans
    left join placements on placements.source = profiles.source and placements.member_id = profiles.member_id
    where not is_stub and not is_advisor
)
select source,
       cohort,
       days,
       count(*) as members,
       count(*) filter (where is_due) as graduates,
       count(*) filter (where is_due and is_placed) as placed,
       1.0 * count(*) filter (where is_due and is_placed) / nullif(count(*) filter (where is_due), 0) as placement_rate
from members_and_days
group by source, cohort, days;

-- Every job that was applied for, once, and when first.
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
  and not exists (select 1 from jobs
                  where jobs.source = applied.source and jobs.id = applied.job_id and jobs.deleted_at is not null)
  and not exists (select 1 from members
                  where members.source = applied.source and members.id = applied.member_id
                    and members.deleted_at is not null)
group by source, application;

-- How long a cohort takes from graduation, and from the first application, to an accepted offer.
create view days_to_placement as
with first_applications as (
    select source, member_id, min(applied_at) as first_applied_at from applications group by source, member_id
), seekers as (
    select profiles.source,
           profiles.cohort,
           coalesce(profiles.graduated_on <= date('now'), false) as has_graduated,
           placed_at is not null as is_placed,
           days_after_graduation,
           first_applied_at,
           case when first_applied_at <= placed_at then julianday(placed_at) - julianday(first_applied_at) end
               as days_after_application
    from member_profiles profiles
    left join placements on placements.source = profiles.source and placements.member_id = profiles.member_id
    left join first_applications on first_applications.source = profiles.source
                                and first_applications.member_id = profiles.member_id
    where not is_stub and not is_advisor
), placed as (
    select *,
           has_graduated and is_placed as is_placed_graduate,
           days_after_application is not null as is_placed_applicant
    from seekers
), ranked as (
    select *,
           row_number() over placed_graduates - 1 as place,
           count(*) over (partition by source, cohort, is_placed_graduate) - 1 as last_place,
           -- Whoever still searches takes longer than everybody else.
           row_number() over all_graduates - 1 as place_of_all,
           count(*) over (partition by source, cohort, has_graduated) - 1 as last_place_of_all,
           row_number() over applicants - 1 as place_of_applicant,
           count(*) over (partition by source, cohort, is_placed_applicant) - 1 as last_place_of_applicant
    from placed
    window placed_graduates as (partition by source, cohort, is_placed_graduate order by days_after_graduation),
           all_graduates as (partition by source, cohort, has_graduated order by coalesce(days_after_graduation, 1e9)),
           applicants as (partition by source, cohort, is_placed_applicant order by days_after_application)
), figures as (
    select source,
           cohort,
           count(*) filter (where has_graduated) as graduates,
           count(*) filter (where is_placed_graduate) as graduates_placed,
           sum(days_after_graduation * max(0.0, 1 - abs(place - 0.5 * last_place)))
               filter (where is_placed_graduate) as median_days_from_graduation,
           sum(coalesce(days_after_graduation, 1e9) * max(0.0, 1 - abs(place_of_all - 0.5 * last_place_of_all)))
               filter (where has_graduated) as median_with_those_searching,
           count(first_applied_at) as applicants,
           count(days_after_application) as applicants_placed,
           sum(days_after_application * max(0.0, 1 - abs(place_of_applicant - 0.5 * last_place_of_applicant)))
               filter (where is_placed_applicant) as median_days_from_application
    from ranked
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
       round(median_days_from_application, 2) as median_days_from_application
from figures;

-- How many jobs of a cohort, and of how many members, were saved, applied for, and so on.
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
), steps (step_number, step) as (
    values (1, 'saved'), (2, 'applied'), (3, 'screened'), (4, 'interviewed'), (5, 'offered'), (6, 'accepted')
), of_steps as (
    select profiles.source,
           profiles.cohort,
           step_number,
           step,
           case step when 'saved' then saved when 'applied' then applied when 'screened' then screened
                     when 'interviewed' then interviewed when 'offered' then offered else accepted end as jobs
    from of_members
    join member_profiles profiles on profiles.source = of_members.source and profiles.member_id = of_members.member_id
        and not profiles.is_advisor
    cross join steps
)
select source,
       cohort,
       step_number,
       step,
       sum(jobs) as jobs,
       count(*) filter (where jobs > 0) as members
from of_steps
group by source, cohort, step_number, step;

-- Every stay of a job on a list: since when, until when, and what came next.
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
       julianday(coalesce(lead(occurred_at) over job, max(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), occurred_at)))
           - julianday(occurred_at) as days
from stage_changes changes
where job_id is not null and occurred_at is not null
  and not exists (select 1 from jobs
                  where jobs.source = changes.source and jobs.id = changes.job_id and jobs.deleted_at is not null)
  and not exists (select 1 from members
                  where members.source = changes.source and members.id = changes.member_id
                    and members.deleted_at is not null)
window job as (partition by source, job_id order by occurred_at, action_id);

-- How long jobs stay in a stage.
create view time_in_stage as
with ranked as (
    select *,
           row_number() over (partition by source, stage order by days) - 1 as place,
           count(*) over (partition by source, stage) - 1 as last_place
    from stage_stays
)
select source,
       stage,
       count(*) as stays,
       count(*) filter (where is_open) as open_stays,
       round(sum(days * max(0.0, 1 - abs(place - 0.25 * last_place))), 2) as p25_days,
       round(sum(days * max(0.0, 1 - abs(place - 0.5 * last_place))), 2) as median_days,
       round(sum(days * max(0.0, 1 - abs(place - 0.75 * last_place))), 2) as p75_days
from ranked
group by source, stage;

-- Which stage jobs go to from a stage, and after how long.
create view stage_conversions as
with ranked as (
    select *,
           row_number() over (partition by source, stage, next_stage order by days) - 1 as place,
           count(*) over (partition by source, stage, next_stage) - 1 as last_place
    from stage_stays
    where not is_open
)
select source,
       stage,
       next_stage,
       count(*) as moves,
       1.0 * count(*) / sum(count(*)) over (partition by source, stage) as share_of_moves,
       round(sum(days * max(0.0, 1 - abs(place - 0.5 * last_place))), 2) as median_days
from ranked
group by source, stage, next_stage;

-- Members who search and have done nothing for a while.
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
      and exists (select 1 from actions
                  where actions.source = profiles.source and actions.owner_member_id = profiles.member_id)
      and (source, member_id) not in (select source, member_id from placements)
)
select source, member_id, name, email, cohort, program, advisor_name, last_action_at, last_seen_at,
       cast(julianday('now') - julianday(coalesce(last_action_at, created_at)) as integer) as days_inactive
from last_actions;

-- How many jobs each member applied for in each week.
create view applications_per_week as
with weeks as (
    select source, member_id, date(applied_at, '-6 days', 'weekday 1') as week_starts_on, count(*) as applications
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

-- How far jobs get with each employer.
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
       min(name) as name,
       coalesce(max(is_partner), false) as is_partner,
       count(*) as employers,
       coalesce(sum(jobs), 0) as jobs,
       coalesce(sum(applied), 0) as applied,
       coalesce(sum(screened), 0) as screened,
       coalesce(sum(interviewed), 0) as interviewed,
       coalesce(sum(offered), 0) as offered,
       coalesce(sum(accepted), 0) as accepted,
       coalesce(sum(declined), 0) as declined,
       coalesce(sum(rejected), 0) as rejected
from employer_groups groups
left join of_employers on of_employers.source = groups.source and of_employers.employer_id = groups.employer_id
where employer_group is not null
group by groups.source, employer_group;

-- Jobs that were applied for and with which nothing has happened for two weeks.
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
           max(event_at) filter (where completed or event_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) as last_at,
           count(*) filter (where not completed and start_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) as overdue_tasks
    from activities
    where deleted_at is null and job_id is not null
    group by source, job_id
), dated as materialized (
    select searching.*,
           overdue_tasks,
           nullif(max(coalesce(created_at, ''), coalesce(last_at, ''), coalesce(
               (select max(occurred_at) from stage_changes
                where stage_changes.source = searching.source and stage_changes.job_id = searching.job_id), '')
           ), '') as last_activity_at
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
       cast(julianday('now') - julianday(last_activity_at) as integer) as days_stalled,
       coalesce(overdue_tasks, 0) as overdue_tasks
from dated
where last_activity_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-14 days');

-- Every offer, what became of it, and how long that took.
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
       round(julianday(coalesce(decided_at, 'now')) - julianday(offered_at), 2) as days
from dated
join member_profiles profiles on profiles.source = dated.source and profiles.member_id = dated.member_id
    and not profiles.is_advisor;

-- What the accepted jobs pay, as far as the salaries can be read.
create view accepted_salaries as
with ranked_offers as (
    select *, row_number() over (partition by source, job_id) as place
    from acceptances
    where job_id is not null
), accepted as (
    select profiles.source, program, salary, (salary_min + salary_max) / 2 as amount
    from ranked_offers jobs
    join member_profiles profiles on profiles.source = jobs.source and profiles.member_id = jobs.member_id
        and not profiles.is_advisor
    where place = 1
), ranked as (
    select *,
           coalesce(amount >= 1000, false) as is_annual,
           row_number() over (partition by source, program, coalesce(amount >= 1000, false) order by amount) - 1 as place,
           count(*) over (partition by source, program, coalesce(amount >= 1000, false)) - 1 as last_place
    from accepted
)
select source,
       program,
       count(*) as accepted_jobs,
       count(nullif(trim(salary), '')) as with_salary,
       count(amount) as with_amount,
       count(*) filter (where is_annual) as with_annual_amount,
       1.0 * count(*) filter (where is_annual) / count(*) as share_with_annual_amount,
       sum(amount * max(0.0, 1 - abs(place - 0.25 * last_place))) filter (where is_annual) as p25_salary,
       sum(amount * max(0.0, 1 - abs(place - 0.5 * last_place))) filter (where is_annual) as median_salary,
       sum(amount * max(0.0, 1 - abs(place - 0.75 * last_place))) filter (where is_annual) as p75_salary
from ranked
group by source, program;

-- How many members each advisor has, and who does the work on their boards.
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
           max(profiles.advisor_name) as advisor_name,
           count(*) as members,
           count(*) filter (where is_active is not false) as active_members,
           count(placed_at) as placed_members,
           coalesce(sum(actions), 0) as actions,
           coalesce(sum(by_member), 0) as by_member,
           coalesce(sum(by_others), 0) as by_others,
           coalesce(sum(by_workflow), 0) as by_workflow
    from member_profiles profiles
    left join of_members on of_members.source = profiles.source and of_members.member_id = profiles.member_id
    left join placements on placements.source = profiles.source and placements.member_id = profiles.member_id
    where not is_stub and not is_advisor
    group by profiles.source, profiles.advisor_id
)
select *,
       1.0 * by_others / nullif(actions, 0) as share_by_others,
       1.0 * by_workflow / nullif(actions, 0) as share_by_workflow
from figures;

-- What is missing or odd, and in how many cases.
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
      and not exists (select 1 from members
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
      and not exists (select 1 from jobs
                      where jobs.source = activities.source and jobs.id = activities.job_id
                        and jobs.deleted_at is not null)
      and not exists (select 1 from members
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
           sum(actions) as actions,
           sum(case when known_types.type is null then actions else 0 end) as of_unknown_type
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
select source, measure, affected, total, 1.0 * affected / nullif(total, 0) as share
from measures;
-- How often things at Hunty went from one status to another, and after how long.
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
), timed as (
    select *, julianday(fired_at) - julianday(since) as days
    from transitions
), ranked as (
    select *,
           row_number() over (partition by source, domain, previous_status, status, days is null order by days) - 1 as place,
           count(*) over (partition by source, domain, previous_status, status, days is null) - 1 as last_place
    from timed
)
select source,
       domain,
       previous_status,
       status,
       count(*) as transitions,
       count(distinct entity_id) as entities,
       round(sum(days * max(0.0, 1 - abs(place - 0.5 * last_place))), 2) as median_days_before
from ranked
group by source, domain, previous_status, status;

-- The newest event of each subscription at Hunty.
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
       round((julianday('now') - julianday(coalesce(received_at, fired_at))) * 24, 2) as hours_since
from of_subscriptions
left join events on events.id = of_subscriptions.event_id
where place = 1;
