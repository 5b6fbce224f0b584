//! The database of a configuration: the one way to it, for every command.

use crate::settings::{Database, Settings};
use crate::store::{Connections, Store};
use anyhow::{Context, bail};
#[cfg(unix)]
use rustix::fs::Mode;
use std::time::Duration;

/// Connects to the database of the configuration; its schema may be of any age.
pub(super) async fn connect(database: &Database) -> anyhow::Result<Store> {
    connect_limiting(database, None).await
}

/// The same, of which queries of clients are answered: each may take so long.
async fn connect_limiting(database: &Database, longest_query: Option<Duration>) -> anyhow::Result<Store> {
    let url = &database.url;
    // What is in it is nobody's business on this machine but the provider's: neither in a database file nor where it is exported to.
    #[cfg(unix)]
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let connections = Connections { most: database.max_connections, slow: database.slow_statement, longest_query };
    Store::connect_with(url, connections).await.with_context(|| format!("database.url {url}"))
}

/// Opens the database for a server. A SQLite file that is not there is made, and the schema brought up to date, where
/// that is wanted; else both must be there.
pub(super) async fn open_serving(settings: &Settings, migrate: bool) -> anyhow::Result<Store> {
    let database = &settings.database;
    if !migrate {
        check_exists(database)?;
    }
    let store = connect_limiting(database, Some(settings.limits.query_time)).await?;
    if migrate {
        store.migrate().await.with_context(|| format!("database.url {}", database.url))?;
    } else {
        check_migrated(&store, database).await?;
    }
    Ok(store)
}

/// Opens a database that is up to date: what is not there is not made.
pub(super) async fn open(database: &Database) -> anyhow::Result<Store> {
    check_exists(database)?;
    let store = connect(database).await?;
    check_migrated(&store, database).await?;
    Ok(store)
}

fn check_exists(database: &Database) -> anyhow::Result<()> {
    let url = &database.url;
    if url.file().is_some_and(|file| !file.exists()) {
        bail!("database.url {url}: there is no such database; 'sdata-sync migrate up' would make it");
    }
    Ok(())
}

async fn check_migrated(store: &Store, database: &Database) -> anyhow::Result<()> {
    let url = &database.url;
    let migrations = store.migration_status().await.with_context(|| format!("database.url {url}"))?;
    if migrations.iter().any(|(_, is_applied)| !is_applied) {
        bail!("database.url {url}: the schema is not up to date; 'sdata-sync migrate up' brings it there");
    }
    Ok(())
}

/// Opens a database and brings its schema up to date; a SQLite file that is not there is made.
pub(super) async fn open_migrated(database: &Database) -> anyhow::Result<Store> {
    let store = connect(database).await?;
    store.migrate().await.with_context(|| format!("database.url {}", database.url))?;
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::migrate::MigrateArgs;
    use crate::cli::settings::SettingsArgs;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Migrate {
        #[command(flatten)]
        args: MigrateArgs,
    }

    #[derive(Debug, Parser)]
    struct Configured {
        #[command(flatten)]
        args: SettingsArgs,
    }

    #[actix_web::test]
    async fn only_a_database_that_was_migrated_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crm.db");
        let set = format!("database.url=sqlite://{}", file.display());
        let database = Configured::parse_from(["", "--set", &set]).args.read().unwrap().database;
        let migrate = async |word| Migrate::parse_from(["", word, "--set", &set]).args.run().await;

        let error = open(&database).await.err().unwrap().to_string();
        assert!(error.contains("there is no such database; 'sdata-sync migrate up' would make it"), "{error}");
        assert!(!file.exists());

        migrate("up").await.unwrap();
        assert!(open(&database).await.is_ok());
        migrate("down").await.unwrap();
        let error = open(&database).await.err().unwrap().to_string();
        assert!(error.contains("the schema is not up to date"), "{error}");
        migrate("status").await.unwrap();
    }
}
