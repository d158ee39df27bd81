//! An Action as Huntr would send it.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    By, Category, Employer, History, Job, Member, ObjectId,
    embedded::{ActivityJson, EmployerJson, JobJson, PersonJson, contact, note},
    world::{Draft, Moment},
};

/// The body that tells of it.
pub(super) fn render(history: &History, draft: &Draft, moment: &Moment) -> String {
    let action = Action {
        id: moment.id,
        kind: draft.kind,
        date: moment.at.timestamp(),
        people: People::new(history, draft, moment.in_full),
        things: Things::new(history, draft),
        update: draft.update.as_ref(),
        rest: &draft.rest,
        created_by_workflow: draft.by == By::Workflow,
        created_at: moment.at.timestamp(),
        ids: References::new(history, draft),
    };
    serde_json::to_string(&action)
        .unwrap_or_else(|error| unreachable!("an Action has keys that are texts: {error}"))
}

/// Keys in the order of the API reference.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Action<'a> {
    id: ObjectId,
    #[serde(rename = "actionType")]
    kind: &'a str,
    date: i64,
    #[serde(flatten)]
    people: People<'a>,
    #[serde(flatten)]
    things: Things<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<&'a Value>,
    #[serde(flatten)]
    rest: &'a Map<String, Value>,
    created_by_workflow: bool,
    created_at: i64,
    #[serde(flatten)]
    ids: References,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct People<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_member: Option<PersonJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_member: Option<PersonJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<PersonJson<'a>>,
}

impl<'a> People<'a> {
    /// Who is deleted owns nothing any more; what the workflow makes has no creator.
    fn new(history: &'a History, draft: &Draft, in_full: bool) -> Self {
        let owner = draft.member.map(|member| &history.members[member]);
        let is_about = draft.kind.starts_with("MEMBER_");
        let is_left = draft.kind == "MEMBER_DELETED";
        let creator_member = match draft.by {
            By::Owner => owner.map(|owner| PersonJson::member(owner, false)),
            By::Advisor(advisor) => {
                let advisor = &history.advisors[advisor];
                Some(PersonJson::advisor(advisor, in_full))
            }
            By::Workflow | By::Other => None,
        };
        Self {
            owner_member: owner
                .filter(|_| !is_left)
                .map(|owner| PersonJson::member(owner, in_full)),
            creator_member,
            member: owner
                .filter(|_| is_about)
                .map(|owner| PersonJson::subject(owner, &history.advisors)),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Things<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    employer: Option<EmployerJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<ActivityJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_category: Option<&'a Category>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    employers: Option<Vec<EmployerJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<Vec<JobJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_list: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_list: Option<Value>,
}

impl<'a> Things<'a> {
    /// What is deleted is only named by its id.
    fn new(history: &'a History, draft: &Draft) -> Self {
        let is_deleted = |thing: &str| draft.kind.strip_suffix("_DELETED") == Some(thing);
        let job_json = |job: &'a Job| JobJson::new(job, &history.members[job.member]);
        let job = draft.job.map(|job| &history.jobs[job]);
        let activity = draft.activity.map(|activity| &history.activities[activity]);
        let written = draft.note.filter(|_| !is_deleted("NOTE"));
        let known = draft.contact.filter(|_| !is_deleted("CONTACT"));
        let jobs = draft.jobs.as_ref();
        let jobs = jobs.map(|jobs| jobs.iter().map(|&job| &history.jobs[job]));
        let employers = jobs.clone().filter(|_| draft.contact.is_some());
        let employers = employers.map(|jobs| jobs.map(|job| employer_json(history, job.employer)));
        let (from_list, to_list) = lists(history, draft);
        Self {
            job: job.filter(|_| !is_deleted("JOB")).map(job_json),
            employer: employer(history, draft).map(EmployerJson::new),
            activity: activity
                .filter(|_| !is_deleted("ACTIVITY"))
                .map(ActivityJson::new),
            activity_category: activity.map(|activity| activity.category),
            note: written.map(|written| note(&history.notes[written])),
            contact: known.map(|known| contact(&history.contacts[known])),
            employers: employers.map(Iterator::collect),
            jobs: jobs.map(|jobs| jobs.map(job_json).collect()),
            from_list,
            to_list,
        }
    }
}

/// The draft's own, or its job's.
fn employer<'a>(history: &'a History, draft: &Draft) -> Option<&'a Employer> {
    let of_job = || Some(history.jobs[draft.job?].employer);
    Some(&history.employers[draft.employer.or_else(of_job)?])
}

fn employer_json(history: &History, employer: usize) -> EmployerJson<'_> {
    EmployerJson::new(&history.employers[employer])
}

fn lists(history: &History, draft: &Draft) -> (Option<Value>, Option<Value>) {
    let list = |list: Option<usize>| {
        let (owner, list) = (&history.members[draft.member?], list?);
        Some(json!({ "id": owner.list_ids[list], "name": owner.board.lists[list].name }))
    };
    (list(draft.from), list(draft.to))
}

#[derive(Serialize)]
struct References {
    #[serde(rename = "jobId", skip_serializing_if = "Option::is_none")]
    job: Option<ObjectId>,
    #[serde(rename = "activityId", skip_serializing_if = "Option::is_none")]
    activity: Option<ObjectId>,
    #[serde(rename = "noteId", skip_serializing_if = "Option::is_none")]
    note: Option<ObjectId>,
    #[serde(rename = "contactId", skip_serializing_if = "Option::is_none")]
    contact: Option<ObjectId>,
    #[serde(rename = "boardId", skip_serializing_if = "Option::is_none")]
    board: Option<ObjectId>,
    #[serde(rename = "fromListId", skip_serializing_if = "Option::is_none")]
    from_list: Option<ObjectId>,
    #[serde(rename = "toListId", skip_serializing_if = "Option::is_none")]
    to_list: Option<ObjectId>,
}

impl References {
    fn new(history: &History, draft: &Draft) -> Self {
        let owner = draft.member.map(|member| &history.members[member]);
        let list_id = |list: Option<usize>| Some(owner?.list_ids[list?]);
        let board_id = |owner: &Member| owner.board_id;
        Self {
            job: draft.job.map(|job| history.jobs[job].id),
            activity: draft
                .activity
                .map(|activity| history.activities[activity].id),
            note: draft.note.map(|note| history.notes[note].id),
            contact: draft.contact.map(|contact| history.contacts[contact].id),
            board: owner.filter(|_| draft.job.is_some()).map(board_id),
            from_list: list_id(draft.from),
            to_list: list_id(draft.to),
        }
    }
}
