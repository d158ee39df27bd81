//! The fields of its own that an organisation keeps on its members.

/// A field, as the sender's API describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberField {
    /// The sender's id, which values refer to.
    pub id: String,
    /// What the organisation calls it.
    pub name: String,
    /// What it holds, in the sender's word.
    pub field_type: Option<String>,
    /// What can be chosen, as a JSON array.
    pub choices: Option<String>,
    /// Whether partners among the employers see it.
    pub employer_partner_can_view: Option<bool>,
    /// Whether job seekers can change it.
    pub job_seeker_can_edit: Option<bool>,
}

/// Fields of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberFields {
    /// In the sender's order.
    pub fields: Vec<MemberField>,
    /// Whether these are all there are: what is not among them is gone.
    pub are_all: bool,
}
