//! The database a provider keeps its data in: the same tests on every one.

#[path = "../../support/databases.rs"]
mod databases;

use super::{App, Backend};
pub(crate) use databases::execute;
use databases::{Server, ServerDatabase};

/// A kind of database.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

/// A database of one test; declare it before the applications on it, so that they end first.
pub struct Storage {
    backend: Backend,
    _database: Option<ServerDatabase>,
}

impl Kind {
    pub async fn storage(self) -> Storage {
        let server = match self {
            Self::Sqlite => return Storage { backend: Backend::Sqlite, _database: None },
            Self::Postgres => Server::Postgres,
            Self::Mysql => Server::Mysql,
        };
        let database = server.database().await;
        Storage { backend: Backend::Server(database.url.clone()), _database: Some(database) }
    }
}

impl Storage {
    /// Starts an application on this database.
    pub async fn start(&self, name: &str, settings: &[(&str, &str)]) -> App {
        App::start_with(name, &self.backend, settings).await
    }

    /// The database's URL; on SQLite each application has a file of its own.
    pub fn url(&self) -> &str {
        match &self.backend {
            Backend::Sqlite => panic!("SQLite has no server"),
            Backend::Server(url) => url,
        }
    }
}
