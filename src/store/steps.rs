//! Connections whose every step can be made to fail, and statements that are tried again by themselves.

use super::database_errors;
use super::faults::{Faults, Step};
use super::retry::{Transient, retrying};
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    TransactionOptions, TransactionTrait,
};

/// A connection, and the faults that are planned for it.
pub(super) struct Stepwise<C> {
    connection: C,
    /// What a statement on it is.
    step: Step,
    faults: Faults,
}

impl Stepwise<DatabaseConnection> {
    pub(super) const fn new(connection: DatabaseConnection, faults: Faults) -> Self {
        Self { connection, step: Step::Alone, faults }
    }

    /// The connection itself, for what is no work of a running provider.
    pub(super) const fn bare(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<Stepwise<DatabaseTransaction>, DbErr> {
        let ahead = self.faults.pass(&self.connection, Step::Begin, "BEGIN").await?;
        let connection = self.connection.begin_with_options(options).await?;
        ahead.done().await?;
        Ok(Stepwise { connection, step: Step::Statement, faults: self.faults.clone() })
    }
}

impl Stepwise<DatabaseTransaction> {
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        let ahead = self.faults.pass(&self.connection, Step::Commit, "COMMIT").await?;
        self.connection.commit().await?;
        ahead.done().await
    }

    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.connection.rollback().await
    }
}

#[async_trait]
impl<C: ConnectionTrait + Send> ConnectionTrait for Stepwise<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let ahead = self.faults.pass(&self.connection, self.step, &statement.sql).await?;
        let done = self.connection.execute_raw(statement).await?;
        ahead.done().await?;
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let ahead = self.faults.pass(&self.connection, self.step, sql).await?;
        let done = self.connection.execute_unprepared(sql).await?;
        ahead.done().await?;
        Ok(done)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let ahead = self.faults.pass(&self.connection, self.step, &statement.sql).await?;
        let row = self.connection.query_one_raw(statement).await?;
        ahead.done().await?;
        Ok(row)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let ahead = self.faults.pass(&self.connection, self.step, &statement.sql).await?;
        let rows = self.connection.query_all_raw(statement).await?;
        ahead.done().await?;
        Ok(rows)
    }
}

/// Connections for statements that are transactions by themselves. One that fails for a passing reason is tried again here, so
/// that no caller has to: none may do harm when it is done twice, because the answer to the first may have been lost.
pub(super) struct Alone(pub(super) Stepwise<DatabaseConnection>);

impl Transient for DbErr {
    fn is_transient(&self) -> bool {
        database_errors::is_transient(self)
    }

    fn reason(&self) -> &'static str {
        database_errors::reason(self)
    }
}

#[async_trait]
impl ConnectionTrait for Alone {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        retrying(|| self.0.execute_raw(statement.clone())).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        retrying(|| self.0.query_one_raw(statement.clone())).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        retrying(|| self.0.query_all_raw(statement.clone())).await
    }
}
