//! What errors of the databases mean.

use super::Duplicate;
use sea_orm::sqlx::{
    self, error::DatabaseError, mysql::MySqlDatabaseError, postgres::PgDatabaseError, sqlite::SqliteError,
};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// Whether the database ended a statement because it ran too long.
pub(super) fn is_timed_out(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return false;
    };
    let Some(error) = error.as_database_error() else { return false };
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // MariaDB's number, and MySQL's.
        return [1969, 3024].contains(&error.number());
    }
    let code = error.code().unwrap_or_default();
    match error.try_downcast_ref::<SqliteError>() {
        Some(_) => code == "9",
        None => code == "57014",
    }
}

/// Whether the same may work when tried again.
pub(super) fn is_transient(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => true,
        _ => match driver_error(error) {
            Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed) => true,
            Some(sqlx::Error::Database(error)) => is_passing(error.as_ref()),
            _ => false,
        },
    }
}

/// Whether a statement asks for what this server does not have, or does not let this user have.
pub(super) fn is_beyond_server(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(error)) = driver_error(error) else { return false };
    // Of PostgreSQL: an undefined function, and a privilege that is missing.
    error.code().is_some_and(|code| matches!(code.as_ref(), "42883" | "42501"))
}

/// Whether there was no room for what was to be written.
pub(super) fn is_full(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(error)) = driver_error(error) else { return false };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        // Disk full.
        return error.code().is_some_and(|code| code == "53100");
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // Disk full, a file that is full, a temporary file that could not be written.
        return [1021, 1114, 3].contains(&error.number());
    }
    // SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: the same for the index of the log.
    let is_sqlite = error.try_downcast_ref::<SqliteError>().is_some();
    is_sqlite && error.code().is_some_and(|code| matches!(code.as_ref(), "13" | "4874"))
}

fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// Why the database did not do it this time, in a word.
pub(super) fn reason(error: &DbErr) -> &'static str {
    match error {
        DbErr::ConnectionAcquire(_) => "pool",
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            sqlx::Error::PoolTimedOut => "pool",
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => "connection",
            sqlx::Error::Database(error) => reason_of_code(error.as_ref()),
            _ => "other",
        },
        _ => "other",
    }
}

fn reason_of_code(error: &dyn DatabaseError) -> &'static str {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        return "busy";
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return match error.number() {
            1213 => "deadlock",
            1020 => "serialization",
            1205 => "lock",
            _ => "connection",
        };
    }
    match code.as_ref() {
        "40P01" => "deadlock",
        "40001" => "serialization",
        "55P03" => "lock",
        _ => "connection",
    }
}

/// Whether the database's own error code is one that passes.
fn is_passing(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        // Serialization failure, deadlock, lock timeout, out of memory, too many connections, shutting down or starting up, a server
        // that takes no writes (any more, or not yet), connection lost.
        let codes = ["40001", "40P01", "55P03", "53200", "53300", "57P01", "57P02", "57P03", "25006"];
        return codes.contains(&code.as_ref()) || code.starts_with("08");
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // Record changed, too many connections, shutdown, lock wait timeout, deadlock, a server that takes no writes, interrupted,
        // connection lost.
        return [1020, 1040, 1053, 1205, 1213, 1290, 1317, 1836, 1927, 4031].contains(&error.number());
    }
    if error.try_downcast_ref::<SqliteError>().is_some() {
        // The low byte of an extended code is the primary one: SQLITE_BUSY or SQLITE_LOCKED.
        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
    }
    false
}

/// Which value a message of a broken unique constraint is about: PostgreSQL and MySQL name the constraint, SQLite the columns.
pub(super) fn duplicate(message: &str) -> Duplicate {
    // MySQL's message begins with the value, which anybody can choose.
    let constraint = message.rsplit_once(" for key ").map_or(message, |(_, constraint)| constraint);
    let about = |words: [&str; 2]| words.iter().any(|word| constraint.contains(word));
    if about(["resource_key_unique", "resource.resource_key"]) {
        Duplicate::Key
    } else if about(["resource_uuid_unique", "resource.uuid"]) {
        Duplicate::Uuid
    } else if about(["resource_state_unique", "resource.tick"]) {
        Duplicate::State
    } else {
        Duplicate::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::postgres("duplicate key value violates unique constraint \"resource_key_unique\"", Duplicate::Key)]
    #[case::mysql("Duplicate entry '1-a' for key 'resource.resource_uuid_unique'", Duplicate::Uuid)]
    #[case::mariadb("Duplicate entry '1-1-5' for key 'resource_state_unique'", Duplicate::State)]
    #[case::sqlite("UNIQUE constraint failed: resource.collection_id, resource.resource_key", Duplicate::Key)]
    #[case::sqlite_state(
        "UNIQUE constraint failed: resource.collection_id, resource.endpoint_id, resource.tick",
        Duplicate::State
    )]
    #[case::a_value_that_looks_like_a_name("Duplicate entry 'resource_key_unique' for key 'PRIMARY'", Duplicate::Other)]
    fn the_constraint_is_recognised(#[case] message: &str, #[case] what: Duplicate) {
        assert_eq!(duplicate(message), what);
    }
}
