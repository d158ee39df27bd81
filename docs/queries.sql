-- A question people ask, for each view. They run on PostgreSQL and on SQLite.

-- name: member_profiles
-- Which members have no cohort, or no day of graduation that can be read?
select name, email, cohort, graduation
from member_profiles
where not is_stub and not is_advisor and (cohort is null or graduated_on is null)
order by name;

-- name: employer_groups
-- Which employers are in the database most often?
select employer_group, count(*) as employers, min(name) as name
from employer_groups
group by employer_group
having count(*) > 1
order by employers desc, employer_group
limit 20;

-- name: job_milestones
-- How many jobs led to an interview without an application that anybody wrote down?
select count(interviewed_at) as interviewed,
       count(case when applied_at is null then interviewed_at end) as without_application
from job_milestones;

-- name: acceptances
-- For which jobs was more than one acceptance written down?
select job_id, count(*) as times, min(accepted_at) as first, max(accepted_at) as last
from acceptances
where job_id is not null
group by job_id
having count(*) > 1
order by last desc
limit 20;

-- name: placements
-- Who was placed last, where, and how do we know?
select placed_at, placements.name, cohort, title, employers.name as employer, placed_by, days_after_graduation
from placements
left join jobs on jobs.source = placements.source and jobs.id = job_id
left join employers on employers.source = placements.source and employers.id = placements.employer_id
order by placed_at desc
limit 20;

-- name: placement_rates
-- Which part of each cohort is placed after 30, 60, 90 and 180 days?
select cohort, days, graduates, placed, placement_rate
from placement_rates
where graduates > 0
order by cohort, days;

-- name: applications
-- Who has applied for most jobs?
select name, count(*) as applications, min(applied_at) as first, max(applied_at) as last
from applications
join member_profiles on member_profiles.source = applications.source
                    and member_profiles.member_id = applications.member_id
group by applications.source, applications.member_id, name
order by applications desc, name
limit 20;

-- name: days_to_placement
-- How many days does a search take, from graduation and from the first application?
select cohort, graduates, graduates_placed, median_days_from_graduation, median_days_of_all_graduates,
       applicants_placed, median_days_from_application
from days_to_placement
order by cohort;

-- name: funnel_by_cohort
-- How far do the jobs of each cohort get?
select cohort, step, jobs, members
from funnel_by_cohort
order by cohort, step_number;

-- name: stage_stays
-- Which jobs have been where they are for longest, on a list that stands for an interview?
select title, stage_stays.list_name, entered_at, days
from stage_stays
join jobs on jobs.source = stage_stays.source and jobs.id = job_id
where is_open and stage_stays.stage in ('PHONE_INTERVIEW', 'ON_SITE_INTERVIEW')
order by entered_at
limit 20;

-- name: time_in_stage
-- How long do jobs stay in each stage?
select stage, stays, open_stays, p25_days, median_days, p75_days
from time_in_stage
order by stays desc;

-- name: stage_conversions
-- What follows an application, and after how many days?
select next_stage, moves, share_of_moves, median_days
from stage_conversions
where stage = 'APPLY'
order by moves desc;

-- name: inactive_members
-- Who searches, and has done nothing for two weeks?
select name, email, advisor_name, last_action_at, days_inactive
from inactive_members
where days_inactive >= 14
order by days_inactive desc
limit 50;

-- name: applications_per_week
-- Who has applied for fewer than five jobs in the newest week?
with weeks as materialized (
    select *, max(week_starts_on) over () as newest from applications_per_week
)
select name, email, advisor_name
from member_profiles
where not is_stub and not is_advisor and is_active
  and (source, member_id) not in (select source, member_id from weeks where week_starts_on = newest and applications >= 5)
  and (source, member_id) not in (select source, member_id from placements)
order by name;

-- name: employer_outcomes
-- Do partners invite more applicants to interviews than others?
select is_partner, count(*) as employers, sum(applied) as applied, sum(interviewed) as interviewed, sum(offered) as offered,
       1.0 * sum(interviewed) / nullif(sum(applied), 0) as interviews_per_application
from employer_outcomes
group by is_partner
order by is_partner desc;

-- name: stalled_jobs
-- Which jobs should advisors ask about?
select advisor_name, name, title, stage, days_stalled, overdue_tasks
from stalled_jobs
order by days_stalled desc, name
limit 50;

-- name: offer_decisions
-- How many offers are accepted, and how long do decisions take?
select decision, count(*) as offers, avg(days) as days_on_average
from offer_decisions
group by decision
order by offers desc;

-- name: accepted_salaries
-- What do accepted jobs pay, and of how many do we know?
select program, accepted_jobs, with_annual_amount, share_with_annual_amount, p25_salary, median_salary, p75_salary
from accepted_salaries
order by accepted_jobs desc;

-- name: advisor_share
-- How many members has each advisor, and how much of their records do advisors write?
select advisor_name, members, active_members, placed_members, share_by_others, share_by_workflow
from advisor_share
order by members desc;

-- name: data_quality
-- How far can the figures be relied on?
select source, measure, affected, total, share
from data_quality
order by source, share desc, measure;

-- name: hunty_transitions
-- How do candidates move through the statuses?
select previous_status, status, transitions, entities, median_days_before
from hunty_transitions
where domain = 'candidate'
order by transitions desc;

-- name: hunty_last_events
-- Which subscriptions have fallen silent?
select webhook_id, events, last_event, last_fired_at, hours_since
from hunty_last_events
where hours_since > 6
order by hours_since desc;
