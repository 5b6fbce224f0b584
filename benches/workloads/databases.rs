//! The databases that are measured: a fresh one for each group of workloads.

use crate::support::Backend;
use crate::support::storage::{Kind, Storage};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::fs;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Database {
    /// A file.
    Sqlite,
    /// The server that `TEST_POSTGRES_URL` names.
    Postgres,
    /// The MariaDB or MySQL server that `TEST_MYSQL_URL` names.
    Mariadb,
}

/// A fresh database, gone when this is.
pub struct Served {
    /// Where it is.
    pub backend: Backend,
    /// The server's process, where it can be seen from here.
    pub server_pid: Option<u32>,
    _storage: Storage,
}

impl Database {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
        }
    }

    /// Makes a fresh database.
    pub async fn fresh(self) -> Served {
        let kind = match self {
            Self::Sqlite => Kind::Sqlite,
            Self::Postgres => Kind::Postgres,
            Self::Mariadb => Kind::Mysql,
        };
        let storage = kind.storage().await;
        let backend = match self {
            Self::Sqlite => Backend::Sqlite,
            Self::Postgres | Self::Mariadb => Backend::Server(storage.url().to_owned()),
        };
        Served { backend, server_pid: self.server_pid().await, _storage: storage }
    }

    /// The server's own word for what it is, and how lasting its commits are.
    pub async fn version(self) -> String {
        match self {
            Self::Sqlite => {
                let connection = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
                let version = connection.query_one_raw(statement(DbBackend::Sqlite, "SELECT sqlite_version()")).await;
                let version: String = version.unwrap().unwrap().try_get_by_index(0).unwrap();
                format!("SQLite {version}, WAL, synchronous=FULL")
            }
            Self::Postgres => {
                let settings = "SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync=' || current_setting('fsync') \
                                || ', synchronous_commit=' || current_setting('synchronous_commit')";
                self.ask(settings).await.unwrap_or_default()
            }
            Self::Mariadb => {
                let settings = "SELECT CONCAT(VERSION(), ', innodb_flush_log_at_trx_commit=', @@innodb_flush_log_at_trx_commit, \
                                ', innodb_doublewrite=', @@innodb_doublewrite)";
                self.ask(settings).await.unwrap_or_default()
            }
        }
    }

    /// Statements and commits so far, as MariaDB counts them; nothing elsewhere.
    pub async fn counters(self) -> Vec<(String, f64)> {
        if self != Self::Mariadb {
            return Vec::new();
        }
        let counters = "SELECT GROUP_CONCAT(CONCAT(LOWER(variable_name), '=', variable_value) ORDER BY variable_name) \
                        FROM information_schema.global_status WHERE variable_name IN ('Com_select', 'Com_insert', 'Com_update', \
                        'Com_delete', 'Com_begin', 'Com_commit')";
        let counted = self.ask(counters).await.unwrap_or_default();
        let counted = counted.split(',').filter_map(|one| one.split_once('='));
        counted
            .filter_map(|(name, value)| Some((name.trim_start_matches("com_").to_owned(), value.parse().ok()?)))
            .collect()
    }

    async fn server_pid(self) -> Option<u32> {
        let file = match self {
            Self::Sqlite => return None,
            Self::Postgres => self.ask("SELECT current_setting('data_directory') || '/postmaster.pid'").await?,
            Self::Mariadb => self.ask("SELECT @@pid_file").await?,
        };
        fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Asks the server for one text.
    async fn ask(self, question: &str) -> Option<String> {
        let (variable, backend) = match self {
            Self::Sqlite => return None,
            Self::Postgres => ("TEST_POSTGRES_URL", DbBackend::Postgres),
            Self::Mariadb => ("TEST_MYSQL_URL", DbBackend::MySql),
        };
        let connection = sea_orm::Database::connect(std::env::var(variable).ok()?).await.ok()?;
        let row = connection.query_one_raw(statement(backend, question)).await.ok()??;
        connection.close().await.ok()?;
        row.try_get_by_index(0).ok()
    }
}

fn statement(backend: DbBackend, text: &str) -> Statement {
    Statement::from_string(backend, text)
}
