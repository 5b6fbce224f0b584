//! The database of a configuration: the one way to it, for every command.

use crate::settings::Database;
use crate::store::Store;
use anyhow::{Context, bail};
use std::path::Path;

/// Connects to the database of the configuration; its schema may be of any age.
pub(super) async fn connect(database: &Database) -> anyhow::Result<Store> {
    let url = &database.url;
    Store::connect_watching(url.expose(), database.max_connections, database.slow_statement)
        .await
        .with_context(|| format!("database.url {url}"))
}

/// Opens a database that is up to date: what is not there is not made.
pub(super) async fn open(database: &Database) -> anyhow::Result<Store> {
    let url = &database.url;
    if url.file().is_some_and(|file| !Path::new(file).exists()) {
        bail!("database.url {url}: there is no such database; 'sdata-sync migrate up' would make it");
    }
    let store = connect(database).await?;
    let migrations = store.migration_status().await.with_context(|| format!("database.url {url}"))?;
    if migrations.iter().any(|(_, is_applied)| !is_applied) {
        bail!("database.url {url}: the schema is not up to date; 'sdata-sync migrate up' brings it there");
    }
    Ok(store)
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
    struct Settings {
        #[command(flatten)]
        args: SettingsArgs,
    }

    #[actix_web::test]
    async fn only_a_database_that_was_migrated_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crm.db");
        let set = format!("database.url=sqlite://{}", file.display());
        let database = Settings::parse_from(["", "--set", &set]).args.read().unwrap().database;
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
