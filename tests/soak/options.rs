//! What a soak is asked to do.

use crate::support::Kind;
use std::path::PathBuf;
use std::time::Duration;

/// How long a soak is in the ordinary run of the tests.
const SECONDS: u64 = 20;

/// What is shorter says nothing about memory: it is still being filled.
const LONG: Duration = Duration::from_secs(600);

pub(crate) struct Options {
    pub(crate) duration: Duration,
    /// Of the three providers.
    pub(crate) databases: [Kind; 3],
    /// Which of them is neither stopped nor killed.
    pub(crate) steady: usize,
    /// Where the figures go as JSON.
    pub(crate) json: Option<PathBuf>,
}

impl Options {
    pub(crate) fn from_environment() -> Self {
        let said = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let seconds = said("SOAK_SECONDS").map_or(SECONDS, |text| text.parse().expect("SOAK_SECONDS is a number"));
        let named = said("SOAK_DATABASES").unwrap_or_else(|| "sqlite,postgres,mysql".to_owned());
        let kinds: Vec<_> = named.split(',').map(|name| kind(name.trim())).collect();
        let of = |place: usize| kinds[place % kinds.len()];
        let steady = said("SOAK_STEADY").map_or(1, |text| text.parse().expect("SOAK_STEADY is a number"));
        assert!(steady < 3, "SOAK_STEADY is 0, 1 or 2");
        Self {
            duration: Duration::from_secs(seconds),
            databases: [of(0), of(1), of(2)],
            steady,
            json: said("SOAK_JSON").map(PathBuf::from),
        }
    }

    pub(crate) fn is_long(&self) -> bool {
        self.duration >= LONG
    }
}

fn kind(name: &str) -> Kind {
    match name {
        "sqlite" => Kind::Sqlite,
        "postgres" => Kind::Postgres,
        "mysql" => Kind::Mysql,
        other => panic!("SOAK_DATABASES: '{other}' is none of sqlite, postgres, mysql"),
    }
}
