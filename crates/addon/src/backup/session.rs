//! Statements with an error that says what was being done.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::backup::failure::TransferError;
use crate::postgres::admin::Session;

impl Session {
    /// Runs statements.
    pub(crate) async fn run(&self, doing: &'static str, statements: String) -> Result<(), TransferError> {
        self.client
            .batch_execute(&statements)
            .await
            .map_err(|cause| TransferError::Statement { doing, cause })
    }

    /// The first row of an answer, if any.
    pub(crate) async fn one(
        &self,
        query: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, TransferError> {
        Ok(self.all(query, values).await?.into_iter().next())
    }

    /// All rows of an answer.
    pub(crate) async fn all(
        &self,
        query: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, TransferError> {
        let failed = |cause| TransferError::Statement { doing: "look at the database", cause };
        self.client.query(query, values).await.map_err(failed)
    }
}
