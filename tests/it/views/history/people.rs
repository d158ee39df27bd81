//! Members and their advisors: who they are, what they do, and who does it.

use serde_json::json;

use super::{
    figure::Figure,
    truth::{Truth, graduation, grouped, name, share},
};

/// Members, and those advisors who have ever done something: Huntr tells of an account when it acts.
pub(super) fn member_profiles(truth: &Truth) -> Figure {
    let members = truth.seekers().map(|(_, member)| {
        let advisor = truth.advisor(member);
        json!({
            "member_id": member.person.id,
            "name": name(&member.person),
            "email": member.person.email,
            "is_active": member.is_active,
            "cohort": member.cohort(),
            "program": member.program(),
            "graduation": graduation(member),
            "graduated_on": member.graduated_on(),
            "advisor_id": advisor.map(|advisor| advisor.id),
            "advisor_name": advisor.map(name),
            "created_at": member.person.created_at,
            "last_seen_at": member.person.last_seen_as_told,
            "is_stub": false,
            "is_advisor": false,
        })
    });
    let advisors = truth.history.advisors.iter().enumerate();
    let advisors = advisors.filter(|(_, person)| person.last_seen_at > person.created_at);
    let advisors = advisors.map(|(number, person)| {
        let mut members = truth.history.members.iter();
        json!({
            "member_id": person.id,
            "name": name(person),
            "email": person.email,
            "is_active": true,
            "cohort": null,
            "program": null,
            "graduation": null,
            "graduated_on": null,
            "advisor_id": null,
            "advisor_name": null,
            "created_at": person.created_at,
            "last_seen_at": person.last_seen_as_told,
            "is_stub": false,
            "is_advisor": members.any(|member| member.advisor == Some(number)),
        })
    });
    Figure::new("member_profiles", &["member_id"], members.chain(advisors))
}

pub(super) fn inactive_members(truth: &Truth) -> Figure {
    let searching = truth
        .seekers()
        .filter(|(number, member)| member.is_active && truth.placement(*number).is_none());
    let rows = searching.map(|(_, member)| {
        let since = member.last_acted_at.unwrap_or(member.person.created_at);
        json!({
            "member_id": member.person.id,
            "name": name(&member.person),
            "email": member.person.email,
            "cohort": member.cohort(),
            "program": member.program(),
            "advisor_name": truth.advisor(member).map(name),
            "last_action_at": member.last_acted_at,
            "last_seen_at": member.person.last_seen_as_told,
            "days_inactive": (truth.now - since).num_days(),
        })
    });
    Figure::new("inactive_members", &["member_id"], rows)
}

pub(super) fn advisor_share(truth: &Truth) -> Figure {
    let members = truth.seekers();
    let rows = grouped(members.map(|(number, member)| (member.advisor, (number, member))));
    let rows = rows.into_iter().map(|(advisor, members)| {
        let advisor = advisor.map(|advisor| &truth.history.advisors[advisor]);
        let active = members.iter().filter(|(_, member)| member.is_active);
        let placed = members
            .iter()
            .filter(|(number, _)| truth.placement(*number).is_some());
        let tallies = || members.iter().map(|(_, member)| member.actions);
        let own: usize = tallies().map(|tally| tally.own).sum();
        let others: usize = tallies().map(|tally| tally.advisors).sum();
        let workflow: usize = tallies().map(|tally| tally.workflow).sum();
        let all = own + others + workflow;
        json!({
            "advisor_id": advisor.map(|advisor| advisor.id),
            "advisor_name": advisor.map(name),
            "members": members.len(),
            "active_members": active.count(),
            "placed_members": placed.count(),
            "actions": all,
            "by_member": own,
            "by_others": others,
            "by_workflow": workflow,
            "share_by_others": share(others, all),
            "share_by_workflow": share(workflow, all),
        })
    });
    Figure::new("advisor_share", &["advisor_id"], rows)
}
