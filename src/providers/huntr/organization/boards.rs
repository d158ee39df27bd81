//! The boards on which jobs are moved, with lists in everybody's own words.

/// A list of a board.
#[derive(Debug, PartialEq, Eq)]
pub struct List {
    /// As its owner spells it.
    pub name: &'static str,
    /// The stage that the name stands for.
    pub stage: Option<&'static str>,
    pub(super) role: Role,
}

/// What jobs do in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Lead,
    Applied,
    Talk,
    Offer,
    Accepted,
    Declined,
    Rejected,
    Withdrawn,
}

impl List {
    /// The category of the activity that the workflow makes when a job comes here.
    pub(super) fn workflow(&self) -> Option<&'static str> {
        Some(match self.stage? {
            "APPLY" => "Apply",
            "PHONE_SCREEN" => "Phone Screen",
            "PHONE_INTERVIEW" => "Phone Interview",
            "ON_SITE_INTERVIEW" => "On Site Interview",
            "OFFER_RECEIVED" => "Offer Received",
            "OFFER_ACCEPTED" => "Accept Offer",
            "OFFER_DECLINED" => "Decline Offer",
            _ => return None,
        })
    }
}

/// A board that members begin with.
#[derive(Debug)]
pub struct Board {
    /// The template's name.
    pub name: &'static str,
    /// From left to right.
    pub lists: &'static [List],
}

impl Board {
    pub(super) fn list(&self, role: Role) -> Option<usize> {
        self.lists.iter().position(|list| list.role == role)
    }

    /// How many lists there are up to the offer.
    pub(super) fn steps(&self) -> usize {
        self.list(Role::Offer).unwrap_or(self.lists.len() - 1)
    }
}

const fn list(name: &'static str, stage: Option<&'static str>, role: Role) -> List {
    List { name, stage, role }
}

const APPLY: Option<&str> = Some("APPLY");
const PHONE_SCREEN: Option<&str> = Some("PHONE_SCREEN");
const PHONE_INTERVIEW: Option<&str> = Some("PHONE_INTERVIEW");
const ON_SITE_INTERVIEW: Option<&str> = Some("ON_SITE_INTERVIEW");
const OFFER_RECEIVED: Option<&str> = Some("OFFER_RECEIVED");
const OFFER_ACCEPTED: Option<&str> = Some("OFFER_ACCEPTED");
const OFFER_DECLINED: Option<&str> = Some("OFFER_DECLINED");

pub(super) static BOARDS: [Board; 4] = [
    Board {
        name: "Job Search",
        lists: &[
            list("wishlist", Some("WISHLIST"), Role::Lead),
            list("applied", APPLY, Role::Applied),
            list("interview", ON_SITE_INTERVIEW, Role::Talk),
            list("offer", OFFER_RECEIVED, Role::Offer),
            list("rejected", Some("REJECTED"), Role::Rejected),
        ],
    },
    Board {
        name: "Career Services",
        lists: &[
            list("Wishlist", Some("WISHLIST"), Role::Lead),
            list("Applied", APPLY, Role::Applied),
            list("Phone Screen", PHONE_SCREEN, Role::Talk),
            list(" On-Site  Interview", ON_SITE_INTERVIEW, Role::Talk),
            list("Offer Received", OFFER_RECEIVED, Role::Offer),
            list("Offer Accepted", OFFER_ACCEPTED, Role::Accepted),
            list("Offer Declined", OFFER_DECLINED, Role::Declined),
            list("Rejected", Some("REJECTED"), Role::Rejected),
        ],
    },
    Board {
        name: "Bootcamp",
        lists: &[
            list("Researching", None, Role::Lead),
            list("Ready to apply", None, Role::Lead),
            list("APPLIED", APPLY, Role::Applied),
            list("Tech Screen", PHONE_SCREEN, Role::Talk),
            list("Assignment", None, Role::Talk),
            list("Final Round", ON_SITE_INTERVIEW, Role::Talk),
            list("Offer", OFFER_RECEIVED, Role::Offer),
            list("Accepted", OFFER_ACCEPTED, Role::Accepted),
            list("I declined", OFFER_DECLINED, Role::Declined),
            list("Rejected by them", None, Role::Rejected),
            list("Withdrawn", None, Role::Withdrawn),
        ],
    },
    Board {
        name: "Búsqueda de empleo",
        lists: &[
            list("Lista de deseos", None, Role::Lead),
            list("Applied Online", APPLY, Role::Applied),
            list("HR Interview", PHONE_INTERVIEW, Role::Talk),
            list("Entrevistas", ON_SITE_INTERVIEW, Role::Talk),
            list("Ofertas", OFFER_RECEIVED, Role::Offer),
            list("Rechazado", None, Role::Rejected),
        ],
    },
];
