//! Employers turn up, some of them more than once.

use super::{Employer, words, world::World};

impl World {
    /// One that others know already, or a new one.
    pub(super) fn employer(&mut self) -> usize {
        let known = self.history.employers.len();
        let plenty = 40 + self.history.members.len() / 4;
        let is_new = if known < plenty { 35 } else { 2 };
        if known > 0 && !self.dice.percent(is_new) {
            return self.dice.index(known);
        }
        let again = known > 0 && self.dice.percent(18);
        let employer = if again {
            let other = self.dice.index(known);
            self.same_company(other)
        } else {
            let has_domain = self.dice.percent(80);
            self.new_company(has_domain)
        };
        self.history.employers.push(employer);
        known
    }

    pub(super) fn new_company(&mut self, has_domain: bool) -> Employer {
        let company = self.history.employers.len();
        let (firsts, seconds) = (words::COMPANY_FIRST, words::COMPANY_SECOND);
        let round = company / firsts.len();
        let first = firsts[company % firsts.len()];
        let second = seconds[(company + round) % seconds.len()];
        let thirds = words::COMPANY_THIRD;
        let third = thirds[(round / seconds.len()) % thirds.len()];
        let name = format!("{first} {second}{third}");
        let domain = name.to_lowercase().replace(' ', "-") + ".example";
        let (_, location, ..) = self.dice.pick(&words::PLACES);
        Employer {
            id: self.id(),
            name: if has_domain { name } else { name + " Inc" },
            domain: has_domain.then_some(domain),
            company,
            founded_year: self
                .dice
                .percent(80)
                .then(|| self.dice.between(1890..=2024)),
            is_partner: false,
            description: self.dice.pick(&words::DESCRIPTIONS),
            location,
        }
    }

    /// Entered once more by somebody who did not find it: same domain, or the name in another spelling.
    fn same_company(&mut self, other: usize) -> Employer {
        let id = self.id();
        let other = &self.history.employers[other];
        let name = match self.dice.between(0..=3) {
            0 => other.name.to_uppercase(),
            1 => other.name.to_lowercase(),
            2 if other.domain.is_none() => other.name.replace(" Inc", ", Inc."),
            2 => format!("{} GmbH", other.name),
            _ => other.name.clone(),
        };
        Employer {
            id,
            name,
            domain: other.domain.clone(),
            company: other.company,
            founded_year: None,
            is_partner: false,
            description: "",
            location: "",
        }
    }
}
