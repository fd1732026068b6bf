//! Reading columns back into the model's types.

use std::str::FromStr;

use model::time::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Row, ToSql};

use crate::database::Tx;
use crate::error::{StoreError, reading, sql};

/// A row of the noun `what`, read column by column.
pub(crate) struct Columns<'a, 'r> {
    row: &'a Row<'r>,
    what: &'static str,
}

impl Columns<'_, '_> {
    pub(crate) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        self.row
            .get(column)
            .map_err(|cause| StoreError::Broken { what: self.what, detail: format!("{column}: {cause}") })
    }

    /// A text column, parsed into a model type.
    pub(crate) fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| self.broken(column, &text))
    }

    /// Like [`Columns::parse`], for a column that may be null.
    pub(crate) fn parse_opt<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(|_| self.broken(column, &text))).transpose()
    }

    /// A text column that holds one of a state's words.
    pub(crate) fn word<T>(&self, column: &'static str, read: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        read(&text).ok_or_else(|| self.broken(column, &text))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.get(column).map(Timestamp::from_micros)
    }

    /// A text column that holds JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|_| self.broken(column, "unreadable JSON"))
    }

    pub(crate) fn broken(&self, column: &'static str, value: &str) -> StoreError {
        StoreError::Broken { what: self.what, detail: format!("{column} is `{value}`") }
    }
}

impl Tx<'_> {
    /// All rows of a query, each read by `read`.
    pub(crate) fn rows<T>(
        &self,
        what: &'static str,
        query: &str,
        params: &[&dyn ToSql],
        read: impl Fn(&Self, &Columns<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.sql.prepare_cached(query).map_err(reading(what))?;
        let mut rows = statement.query(params).map_err(reading(what))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(reading(what))? {
            found.push(read(self, &Columns { row, what })?);
        }
        Ok(found)
    }

    /// The first row of a query, if any.
    pub(crate) fn row<T>(
        &self,
        what: &'static str,
        query: &str,
        params: &[&dyn ToSql],
        read: impl Fn(&Self, &Columns<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.sql.prepare_cached(query).map_err(reading(what))?;
        statement
            .query_row(params, |row| Ok(read(self, &Columns { row, what })))
            .optional()
            .map_err(reading(what))?
            .transpose()
    }

    /// Runs a statement that must change exactly the rows it names; returns how many it changed.
    pub(crate) fn execute(
        &self,
        doing: &'static str,
        statement: &str,
        params: &[&dyn ToSql],
    ) -> Result<usize, StoreError> {
        self.sql.prepare_cached(statement).and_then(|mut it| it.execute(params)).map_err(sql(doing))
    }
}

/// JSON text of a small value.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("lists and maps of text are always JSON"))
}
