//! The URL of a database, whose password is never shown.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use sea_orm::DbBackend;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Where a database is: a SQLite file, or one on a server of PostgreSQL, MySQL or MariaDB. Printing it, for people or for debugging, leaves the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// What a file's name cannot have in a URL: it would end there, or be read as a sign of its own, also where a relative one stands in
/// the place of a host.
const NOT_IN_A_FILE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'|');

impl DatabaseUrl {
    /// What a database URL looks like.
    pub const EXPECTED: &str =
        "sqlite://FILE, postgres://USER:PASSWORD@HOST/DATABASE or mysql://USER:PASSWORD@HOST/DATABASE";

    /// A SQLite file.
    #[must_use]
    pub fn sqlite(file: &Path) -> Self {
        Self::of_file(file, "")
    }

    /// The same with a query, which begins with `?` or is empty.
    fn of_file(file: &Path, query: &str) -> Self {
        Self(format!("sqlite://{}{query}", utf8_percent_encode(&file.to_string_lossy(), NOT_IN_A_FILE)))
    }

    /// What stands behind the file, with its `?`.
    fn query(&self) -> &str {
        self.0.find('?').and_then(|at| self.0.get(at..)).unwrap_or_default()
    }

    /// Reads a URL; `None` when it names no database that is supported. A SQLite database in memory is not: its connections would
    /// not see each other's data.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':')?;
        match scheme {
            "sqlite" => {
                let url = Self(text.to_owned());
                let file = url.file()?;
                let in_memory = file == Path::new(":memory:") || url.query().contains("mode=memory");
                (!in_memory && !file.as_os_str().is_empty()).then(|| Self::of_file(&file, url.query()))
            }
            "postgres" | "postgresql" | "mysql" | "mariadb" => {
                let url = Url::parse(text).ok()?;
                let names_one = url.has_host() && !url.path().trim_matches('/').is_empty();
                // The driver knows the one name alone.
                let scheme = if scheme == "mariadb" { "mysql" } else { scheme };
                names_one.then(|| Self(format!("{scheme}:{rest}")))
            }
            _ => None,
        }
    }

    /// The same; a relative SQLite file is meant to lie in `folder`.
    #[must_use]
    pub fn within(&self, folder: &Path) -> Self {
        match self.file() {
            Some(file) if file.is_relative() && !folder.as_os_str().is_empty() => {
                Self::of_file(&folder.join(file), self.query())
            }
            _ => self.clone(),
        }
    }

    /// The file of a SQLite database; `None` for a server.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.0.strip_prefix("sqlite:")?;
        let file = file.strip_prefix("//").unwrap_or(file);
        let file = file.split_once('?').map_or(file, |(file, _)| file);
        // As the driver reads it.
        Some(PathBuf::from(percent_decode_str(file).decode_utf8_lossy().as_ref()))
    }

    /// The database's kind.
    pub(super) fn backend(&self) -> DbBackend {
        match self.0.split(':').next() {
            Some("mysql") => DbBackend::MySql,
            Some("sqlite") => DbBackend::Sqlite,
            _ => DbBackend::Postgres,
        }
    }

    /// The URL with its password: to connect, never to print.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file().is_some() {
            return f.write_str(&self.0);
        }
        let Ok(mut url) = Url::parse(&self.0) else { return f.write_str("(a database URL)") };
        // Drivers take passwords from the query, too.
        url.set_query(None);
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return f.write_str("(a database URL)");
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::relative("sqlite://a/b.db", "a/b.db")]
    #[case::with_a_query("sqlite:///a/b.db?mode=rwc", "/a/b.db")]
    #[case::with_a_space("sqlite:///my%20data/b.db", "/my data/b.db")]
    #[case::without_slashes("sqlite:b.db", "b.db")]
    fn the_file_of_a_url_is_found(#[case] url: &str, #[case] file: &str) {
        assert_eq!(DatabaseUrl::parse(url).unwrap().file(), Some(PathBuf::from(file)));
    }

    #[test]
    fn a_file_may_be_written_as_it_is_called() {
        let url = DatabaseUrl::parse("sqlite://my data.db?mode=rwc").unwrap();
        assert_eq!(url.expose(), "sqlite://my%20data.db?mode=rwc");
    }

    #[test]
    fn a_server_has_no_file() {
        assert_eq!(DatabaseUrl::parse("postgres://a/b").unwrap().file(), None);
    }

    #[test]
    fn a_relative_file_lies_in_its_folder_whatever_the_folder_is_called() {
        for folder in ["/100% mine?", "our [data] #1: a@b"] {
            let url = DatabaseUrl::parse("sqlite://a%20b.db?mode=rwc").unwrap().within(Path::new(folder));
            assert_eq!(url.file(), Some(Path::new(folder).join("a b.db")));
            assert!(url.expose().ends_with("?mode=rwc"), "{url}");
            // As sea-orm looks at it.
            assert!(Url::parse(url.expose()).is_ok(), "{url}");
        }
    }

    #[rstest]
    #[case::user_info("postgres://joe:secret@db/erp", "postgres://joe:***@db/erp")]
    #[case::query("mysql://joe@db/erp?password=secret", "mysql://joe@db/erp")]
    #[case::file("sqlite://erp.db", "sqlite://erp.db")]
    fn passwords_in_database_urls_are_never_printed(#[case] url: &str, #[case] printed: &str) {
        let parsed = DatabaseUrl::parse(url).unwrap();
        assert_eq!(parsed.to_string(), printed);
        assert!(!format!("{parsed:?}").contains("secret"));
        assert_eq!(parsed.expose(), url);
    }

    #[test]
    fn mariadb_is_reached_as_mysql_is() {
        assert_eq!(DatabaseUrl::parse("mariadb://joe@db/erp").unwrap().expose(), "mysql://joe@db/erp");
    }

    #[rstest]
    #[case::unknown("oracle://x/y")]
    #[case::no_url("data.db")]
    #[case::no_database("postgres://joe:secret@db")]
    #[case::no_file("sqlite://")]
    #[case::in_memory("sqlite::memory:")]
    #[case::in_memory_behind_slashes("sqlite://:memory:")]
    #[case::in_memory_by_its_mode("sqlite://x?mode=memory")]
    fn what_names_no_database_is_none(#[case] url: &str) {
        assert_eq!(DatabaseUrl::parse(url), None);
    }
}
