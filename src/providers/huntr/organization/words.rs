//! Names, titles and texts of invented people and employers.

pub(super) const GIVEN_NAMES: [&str; 40] = [
    "Ada", "Amina", "Anouk", "Bilal", "Carmen", "Chidi", "Dag", "Dilnoza", "Elif", "Emre", "Farah",
    "Freya", "Goran", "Hana", "Ines", "Ivo", "Jamal", "Jelena", "Kaito", "Kwame", "Leila", "Lucía",
    "Malik", "Marta", "Mei", "Nikhil", "Noémie", "Olu", "Pavel", "Priya", "Quinn", "Rosa", "Sanne",
    "Siobhan", "Tariq", "Tomás", "Uma", "Wren", "Yara", "Zoltán",
];

pub(super) const FAMILY_NAMES: [&str; 41] = [
    "Abara",
    "Almeida",
    "Bergström",
    "Boateng",
    "Castell",
    "Chowdhury",
    "Dvorak",
    "Echeverri",
    "Eriksen",
    "Farouk",
    "Fontaine",
    "Grünwald",
    "Hakimi",
    "Holloway",
    "Ibáñez",
    "Ishikawa",
    "Jankowski",
    "Kessler",
    "Koroma",
    "Lindqvist",
    "Makoni",
    "Marchetti",
    "Mbeki",
    "Nakata",
    "Novak",
    "O’Dell",
    "Okafor",
    "Petrov",
    "Quintana",
    "Rahimi",
    "Ramos",
    "Sandoval",
    "Sato",
    "Solheim",
    "Tanaka",
    "Tremblay",
    "Ueda",
    "Vasseur",
    "Whitlock",
    "Yilmaz",
    "Zhao",
];

pub(super) const COMPANY_FIRST: [&str; 40] = [
    "Acme",
    "Amberfield",
    "Birchway",
    "Bluecask",
    "Brightmoor",
    "Cedarline",
    "Cinderpath",
    "Copperleaf",
    "Driftstone",
    "Eastlight",
    "Emberly",
    "Fennick",
    "Fernhollow",
    "Foxglove",
    "Graywater",
    "Halcyon",
    "Harborlight",
    "Hazelbrook",
    "Ironquill",
    "Juniper",
    "Kestrel",
    "Lanternworks",
    "Larkspur",
    "Maplecrest",
    "Meridian",
    "Mossgate",
    "Northwind",
    "Oakhurst",
    "Orchard",
    "Pinecone",
    "Quarry",
    "Quillwater",
    "Redfern",
    "Saltmarsh",
    "Silverbirch",
    "Stonebridge",
    "Thistle",
    "Umber",
    "Willowbank",
    "Zephyr",
];

pub(super) const COMPANY_SECOND: [&str; 20] = [
    "Robotics",
    "Analytics",
    "Health",
    "Logistics",
    "Studios",
    "Systems",
    "Foods",
    "Energy",
    "Press",
    "Labs",
    "Mobility",
    "Insurance",
    "Textiles",
    "Learning",
    "Games",
    "Maritime",
    "Software",
    "Optics",
    "Travel",
    "Credit",
];

/// Where invented companies go when the pairs of names are used up.
pub(super) const COMPANY_THIRD: [&str; 6] = [
    "",
    " Group",
    " International",
    " Partners",
    " Nordic",
    " Iberia",
];

pub(super) const DESCRIPTIONS: [&str; 4] = [
    "",
    "Small teams, long-lived products.\r\nFour days a week are as welcome as five.",
    "We build what others rely on – and answer the phone when it breaks.\n",
    "Founded in a garage, still with the garage’s spirit.",
];

/// An address, a place's name, and its coordinates as Huntr writes them.
pub(super) const PLACES: [(&str, &str, &str, &str); 6] = [
    (
        "Kranweg 18, 20457 Hamburg, Germany",
        "Hamburg",
        "53.54108700000001",
        "9.9841729999999998",
    ),
    (
        "Leith, Edinburgh, United Kingdom",
        "Leith",
        "55.975514",
        "-3.1664560000000002",
    ),
    ("A Coruña, España", "A Coruña", "43.362343", "-8.41154"),
    ("Seattle, WA, USA", "Seattle", "47.6062095", "-122.3320708"),
    (
        "Toronto, ON, Canada",
        "Toronto",
        "43.653226",
        "-79.38318429999998",
    ),
    ("Remote", "Remote", "", ""),
];

pub(super) const TITLES: [&str; 24] = [
    "Junior Software Engineer",
    "Software Engineer",
    "Software Engineer (m/f/d)",
    "Backend Developer",
    "Frontend Developer",
    "Full Stack Developer",
    "Embedded Engineer",
    "Site Reliability Engineer",
    "QA Engineer",
    "Data Analyst",
    "Junior Data Analyst",
    "Business Intelligence Analyst",
    "Data Engineer",
    "Machine Learning Engineer",
    "Product Designer",
    "UX Researcher",
    "UI/UX Designer",
    "Service Designer",
    "Security Analyst",
    "SOC Analyst",
    "Penetration Tester",
    "IT Support Specialist",
    "Technical Writer",
    "Desarrollador/a Web",
];

pub(super) const NOTES: [&str; 6] = [
    "The recruiter’s name is on the last slide of the talk.",
    "Asked for two references; Anneliese and Ravi agreed.",
    "Stack: TypeScript, Postgres, a little Rust 🎉",
    "They answer within a week, says a friend who works there.",
    "Whiteboard + pairing, 3 h. Bring questions about on-call.",
    "Portfolio link was broken – fixed it.\nSend again on Monday.",
];

pub(super) const ACTIVITY_NOTES: [&str; 5] = [
    "",
    "",
    "Ask about the team’s size.",
    "They moved it by a day; that’s fine.",
    "Long talk, good feeling 👍",
];

pub(super) const CONTACT_TITLES: [&str; 5] = [
    "Recruiter",
    "Talent Partner",
    "Engineering Lead",
    "Head of Design",
    "People & Culture",
];

pub(super) const PROGRAMS: [&str; 4] = [
    "Software Engineering",
    "Data Analytics",
    "UX Design",
    "Cybersecurity",
];

pub(super) const SKILLS: [&[&str]; 5] = [
    &["Rust", "C++"],
    &["Python", "SQL"],
    &["Figma"],
    &["TypeScript", "SQL", "Python"],
    &["Networking"],
];

/// A name as it stands in an address.
pub(super) fn plain(name: &str) -> String {
    let plain = |c: char| match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ö' | 'ó' => 'o',
        'ü' => 'u',
        'ñ' => 'n',
        other => other.to_ascii_lowercase(),
    };
    let letters = name.chars().map(plain);
    letters.filter(char::is_ascii_alphanumeric).collect()
}
