//! Resources of the sample contract as a business application has them: some 20 typed properties, about 1 KB; always the same ones.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::fmt::Write;
use uuid::{Builder, Uuid};

/// Where every generated value begins.
const SEED: u64 = 0x5DA7A;
const NAMESPACES: &str = r#"xmlns="urn:sdata-sync:sample:1""#;
/// One contact in so many names the account it works for.
const CONTACTS_PER_REFERENCE: u64 = 10;

const WORDS: [&str; 24] = [
    "delivers", "to", "the", "back", "door", "before", "noon", "invoice", "monthly", "ask", "for", "purchase", "order",
    "number", "calls", "on", "Tuesdays", "prefers", "e-mail", "price", "list", "B", "renewed", "2024",
];
const NAMES: [&str; 12] =
    ["Ash", "Beech", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine", "Rowan", "Willow"];
const TRADES: [&str; 8] = ["Furniture", "Tools", "Textiles", "Optics", "Paper", "Foods", "Electric", "Logistics"];
const CITIES: [(&str, &str, &str); 6] = [
    ("Leeds", "West Yorkshire", "GB"),
    ("Lyon", "Auvergne-Rhône-Alpes", "FR"),
    ("Graz", "Steiermark", "AT"),
    ("Porto", "Norte", "PT"),
    ("Ghent", "Oost-Vlaanderen", "BE"),
    ("Bremen", "Bremen", "DE"),
];
const CURRENCIES: [&str; 3] = ["EUR", "GBP", "USD"];
const ACCOUNT_TYPES: [&str; 4] = ["Customer", "Supplier", "Prospect", "Partner"];
const TITLES: [&str; 5] = ["Dr", "Mr", "Mrs", "Ms", "Mx"];

/// A resource kind that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Companies, with notes.
    Accounts,
    /// People; one in ten refers to its account.
    Contacts,
}

impl Kind {
    /// Its name in URLs.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
        }
    }

    /// The UUID of resource `number`.
    pub fn uuid(self, number: u64) -> Uuid {
        let mut random = random(self, number, u64::MAX);
        Builder::from_random_bytes(random.random()).into_uuid()
    }

    /// Writes resource `number` as it is in its `version`; `attributes` stand on its element.
    pub fn write(self, xml: &mut String, number: u64, version: u64, attributes: &str) {
        let mut random = random(self, number, version);
        match self {
            Self::Accounts => account(xml, &mut random, number, attributes),
            Self::Contacts => contact(xml, &mut random, number, attributes),
        }
    }
}

fn random(kind: Kind, number: u64, version: u64) -> StdRng {
    let of_version = version.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    StdRng::seed_from_u64(SEED ^ number.rotate_left(20) ^ of_version ^ (kind as u64))
}

/// An account's own key, which is unique.
pub fn code(number: u64) -> String {
    format!("A-{number:08}")
}

fn account(xml: &mut String, random: &mut StdRng, number: u64, attributes: &str) {
    let (name, trade) = (pick(random, &NAMES), pick(random, &TRADES));
    let code = code(number);
    write!(
        xml,
        "<account {NAMESPACES}{attributes}><code>{code}</code><name>{name} &amp; {} {trade} Ltd.</name><type>{}</type>\
         <active>{}</active><phone>{}</phone><email>office.{number}@{}.example</email>\
         <website>https://www.{}.example/{number}</website><creditLimit>{}.00</creditLimit><currency>{}</currency>\
         <openedOn>{}</openedOn><lastContactAt>{}T{:02}:{:02}:00Z</lastContactAt><balance>{}.{:02}</balance>",
        pick(random, &NAMES),
        pick(random, &ACCOUNT_TYPES),
        random.random_bool(0.9),
        phone(random),
        name.to_lowercase(),
        trade.to_lowercase(),
        random.random_range(1..200) * 500,
        pick(random, &CURRENCIES),
        date(random, 1995..2020),
        date(random, 2020..2026),
        random.random_range(7..19),
        random.random_range(0..60),
        random.random_range(0..90_000),
        random.random_range(0..100),
    )
    .unwrap();
    postal_address(xml, random);
    xml.push_str("<notes>");
    words(xml, random, 40);
    xml.push_str("</notes></account>");
}

fn contact(xml: &mut String, random: &mut StdRng, number: u64, attributes: &str) {
    let (first, last) = (pick(random, &NAMES), pick(random, &NAMES));
    write!(
        xml,
        "<contact {NAMESPACES}{attributes}><title>{}</title><firstName>{first}</firstName><lastName>{last}son {number}</lastName><jobTitle>",
        pick(random, &TITLES),
    )
    .unwrap();
    words(xml, random, 12);
    write!(
        xml,
        "</jobTitle><phone>{}</phone><email>{}.{number}@people.example</email><birthday>{}</birthday><newsletter>{}</newsletter>",
        phone(random),
        last.to_lowercase(),
        date(random, 1950..2004),
        random.random_bool(0.3),
    )
    .unwrap();
    postal_address(xml, random);
    if number.is_multiple_of(CONTACTS_PER_REFERENCE) {
        write!(xml, r#"<account sdata:uuid="{}"/>"#, Kind::Accounts.uuid(number)).unwrap();
    }
    xml.push_str("</contact>");
}

fn postal_address(xml: &mut String, random: &mut StdRng) {
    let (city, region, country) = pick(random, &CITIES);
    write!(
        xml,
        "<postalAddress><street>{} {} Lane, Unit {}</street><city>{city}</city><region>{region}</region>\
         <postalCode>{:05}</postalCode><countryCode>{country}</countryCode></postalAddress>",
        random.random_range(1..400),
        pick(random, &NAMES),
        random.random_range(1..60),
        random.random_range(1_000..99_999),
    )
    .unwrap();
}

fn pick<T: Copy>(random: &mut StdRng, of: &[T]) -> T {
    *of.choose(random).unwrap()
}

fn phone(random: &mut StdRng) -> String {
    format!(
        "+{} {} {:07}",
        random.random_range(30..50),
        random.random_range(20..999),
        random.random_range(0..9_999_999)
    )
}

fn date(random: &mut StdRng, years: std::ops::Range<u32>) -> String {
    format!("{}-{:02}-{:02}", random.random_range(years), random.random_range(1..=12), random.random_range(1..=28))
}

fn words(xml: &mut String, random: &mut StdRng, count: usize) {
    for place in 0..count {
        let space = if place == 0 { "" } else { " " };
        write!(xml, "{space}{}", pick(random, &WORDS)).unwrap();
    }
}
