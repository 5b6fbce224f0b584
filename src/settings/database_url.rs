//! The URL of a database, whose password is never shown.

use std::fmt;
use std::path::Path;
use url::Url;

/// What kind of database a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// A file, opened in this process.
    Sqlite,
    /// A PostgreSQL server, or one that speaks its protocol.
    Postgres,
    /// A MySQL or MariaDB server.
    Mysql,
}

/// Where a database is. Printing it, for people or for debugging, leaves the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// What a database URL looks like.
pub(super) const EXPECTED: &str =
    "sqlite://FILE, postgres://USER:PASSWORD@HOST/DATABASE or mysql://USER:PASSWORD@HOST/DATABASE";

impl DatabaseUrl {
    /// A SQLite file.
    #[must_use]
    pub fn sqlite(file: &Path) -> Self {
        Self(format!("sqlite://{}", file.display()))
    }

    /// Reads a URL; `None` when it names no database that is supported.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let known = match kind_of(text)? {
            DatabaseKind::Sqlite => !sqlite_file(text).is_empty(),
            DatabaseKind::Postgres | DatabaseKind::Mysql => {
                Url::parse(text).is_ok_and(|url| url.has_host() && !url.path().trim_matches('/').is_empty())
            }
        };
        known.then(|| Self(text.to_owned()))
    }

    /// The same; a relative SQLite file is meant to lie in `folder`.
    #[must_use]
    pub fn within(&self, folder: &Path) -> Self {
        let file = sqlite_file(&self.0);
        let in_memory = file == ":memory:" || self.0.contains("mode=memory");
        if self.kind() != DatabaseKind::Sqlite || in_memory || file.starts_with('/') || folder.as_os_str().is_empty() {
            return self.clone();
        }
        let query = self.0.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        Self(format!("sqlite://{}{query}", folder.join(file).display()))
    }

    /// The file of a SQLite database; `None` for a server.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        (self.kind() == DatabaseKind::Sqlite).then(|| sqlite_file(&self.0))
    }

    /// What kind of database it is.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        kind_of(&self.0).unwrap_or(DatabaseKind::Sqlite)
    }

    /// The URL with its password: to connect, never to print.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind() == DatabaseKind::Sqlite {
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

fn kind_of(text: &str) -> Option<DatabaseKind> {
    match text.split_once(':')?.0 {
        "sqlite" => Some(DatabaseKind::Sqlite),
        "postgres" | "postgresql" => Some(DatabaseKind::Postgres),
        "mysql" | "mariadb" => Some(DatabaseKind::Mysql),
        _ => None,
    }
}

fn sqlite_file(text: &str) -> &str {
    let rest = text.strip_prefix("sqlite:").unwrap_or_default();
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    rest.split_once('?').map_or(rest, |(file, _)| file)
}
