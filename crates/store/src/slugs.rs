//! Slugs.

use std::collections::BTreeMap;

use model::id::SlugId;
use model::procfile::Procfile;
use model::slug::Slug;

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};

const WHAT: &str = "slug";

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Slug, StoreError> {
    let bytes: i64 = row.get("bytes")?;
    let processes: BTreeMap<String, String> = row.json("processes")?;
    let commands = processes
        .into_iter()
        .map(|(kind, command)| Ok((kind.parse().map_err(|_| row.broken("processes", &kind))?, command)))
        .collect::<Result<_, StoreError>>()?;
    Ok(Slug {
        id: row.parse("id")?,
        app: row.parse("app")?,
        stack: row.get("stack")?,
        commit: row.get("source")?,
        language: row.get("language")?,
        bytes: u64::try_from(bytes).unwrap_or(0),
        processes: Procfile { commands },
        manifest: row.get("manifest")?,
        created_at: row.time("created_at")?,
    })
}

impl Tx<'_> {
    /// Keeps a slug; its id and time are taken as given.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_slug(&self, slug: &Slug) -> Result<(), StoreError> {
        let processes: BTreeMap<&str, &str> =
            slug.processes.commands.iter().map(|(kind, command)| (kind.as_str(), command.as_str())).collect();
        self.execute(
            "keep a slug",
            "INSERT INTO slugs (id, app, stack, source, language, bytes, processes, manifest, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            &[
                &slug.id.to_string(),
                &slug.app.to_string(),
                &slug.stack,
                &slug.commit,
                &slug.language,
                &i64::try_from(slug.bytes).unwrap_or(i64::MAX),
                &json(&processes),
                &slug.manifest,
                &slug.created_at.as_micros(),
            ],
        )
        .map(drop)
    }

    /// A slug by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn slug(&self, id: SlugId) -> Result<Option<Slug>, StoreError> {
        self.row(WHAT, "SELECT * FROM slugs WHERE id = ?1", &[&id.to_string()], read)
    }

    /// Every slug: its layers must be kept.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn slugs(&self) -> Result<Vec<Slug>, StoreError> {
        self.rows(WHAT, "SELECT * FROM slugs ORDER BY created_at, id", &[], read)
    }

    /// An app's newest slug built with the same language, whose layers a build may reuse.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn newest_slug(&self, app: model::id::AppId) -> Result<Option<Slug>, StoreError> {
        let query = "SELECT * FROM slugs WHERE app = ?1 ORDER BY created_at DESC, id LIMIT 1";
        self.row(WHAT, query, &[&app.to_string()], read)
    }
}
