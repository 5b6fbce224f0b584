//! Databases for tests, one each, gone when the test is over.
//!
//! PostgreSQL and MySQL/MariaDB are named by `TEST_POSTGRES_URL` and `TEST_MYSQL_URL`; `scripts/databases` finds or starts
//! them. Without them the tests that need them fail: none is skipped. Include it with `#[path = "…/support/databases.rs"] mod databases;`.

use sea_orm::{ConnectionTrait, Database};
use url::Url;
use uuid::Uuid;

/// A server that databases are made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Postgres,
    Mysql,
}

/// A database of one test on a server; dropped with it.
#[derive(Debug)]
pub(crate) struct ServerDatabase {
    /// Where it is.
    pub(crate) url: String,
    server: String,
    name: String,
}

impl Server {
    fn url(self) -> String {
        let variable = match self {
            Self::Postgres => "TEST_POSTGRES_URL",
            Self::Mysql => "TEST_MYSQL_URL",
        };
        std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run scripts/databases"))
    }

    /// Makes an empty database.
    pub(crate) async fn database(self) -> ServerDatabase {
        let (server, name) = (self.url(), format!("test_{}", Uuid::new_v4().simple()));
        let options = if self == Self::Postgres { "TEMPLATE template0" } else { "" };
        execute(&server, &format!("CREATE DATABASE {name} {options}")).await;
        let mut url = Url::parse(&server).unwrap();
        url.set_path(&name);
        ServerDatabase { url: url.into(), server, name }
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        let force = if self.server.starts_with("postgres") { "WITH (FORCE)" } else { "" };
        let (server, statement) = (self.server.clone(), format!("DROP DATABASE {} {force}", self.name));
        // A runtime of its own: a test's cannot be waited for while it ends.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&server, &statement));
        });
        let _ = dropped.join();
    }
}

/// Carries out one statement on a server or in a database.
pub(crate) async fn execute(url: &str, statement: &str) {
    let connection = Database::connect(url).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}
