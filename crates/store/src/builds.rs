//! Builds.

use model::build::{Build, BuildEvent, BuildStatus};
use model::id::{AccountId, AppId, BuildId, ReleaseId};
use model::slug::Slug;

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "build";

/// What is needed to ask for a build.
#[derive(Debug, Clone)]
pub struct NewBuild {
    /// Its id, chosen by the caller, who has stored the source under it.
    pub id: BuildId,
    /// The app.
    pub app: AppId,
    /// Who asks.
    pub user: AccountId,
    /// File name of the source archive under the data folder's `sources/`.
    pub source: String,
    /// The commit, or an API client's version text.
    pub commit: Option<String>,
    /// The stack to build on.
    pub stack: String,
}

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Build, StoreError> {
    Ok(Build {
        id: row.parse("id")?,
        app: row.parse("app")?,
        user: row.parse("user")?,
        status: row.word("status", BuildStatus::from_word)?,
        generation: row.get("generation")?,
        commit: row.get("revision")?,
        source: row.get("source")?,
        buildpacks: row.json("buildpacks")?,
        slug: row.parse_opt("slug")?,
        release: row.parse_opt("release")?,
        stack: row.get("stack")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Asks for a build.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn create_build(&self, new: &NewBuild) -> Result<Build, StoreError> {
        self.execute(
            "ask for a build",
            "INSERT INTO builds (id, app, user, status, generation, source, revision, buildpacks, stack,
                                 created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, '[]', ?7, ?8, ?8)",
            &[
                &new.id.to_string(),
                &new.app.to_string(),
                &new.user.to_string(),
                &BuildStatus::Pending.as_str(),
                &new.source,
                &new.commit,
                &new.stack,
                &self.now().as_micros(),
            ],
        )?;
        self.touch(Topic::Builds);
        self.build(new.id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// A build by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn build(&self, id: BuildId) -> Result<Option<Build>, StoreError> {
        self.row(WHAT, "SELECT * FROM builds WHERE id = ?1", &[&id.to_string()], read)
    }

    /// An app's builds, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn builds(&self, app: AppId) -> Result<Vec<Build>, StoreError> {
        let query = "SELECT * FROM builds WHERE app = ?1 ORDER BY created_at, id";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Builds that are not over, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn open_builds(&self) -> Result<Vec<Build>, StoreError> {
        let query = "SELECT * FROM builds WHERE status IN ('pending', 'running') ORDER BY created_at, id";
        self.rows(WHAT, query, &[], read)
    }

    /// Builds that have a slug but no release yet, oldest first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn unreleased_builds(&self) -> Result<Vec<Build>, StoreError> {
        let query =
            "SELECT * FROM builds WHERE status = 'succeeded' AND release IS NULL ORDER BY updated_at, id";
        self.rows(WHAT, query, &[], read)
    }

    /// A builder takes the build; the returned one's generation guards what it later writes.
    ///
    /// # Errors
    /// [`StoreError::IllegalBuild`] when it is not waiting.
    pub fn claim_build(&self, id: BuildId) -> Result<Build, StoreError> {
        let build = self.build_on(id, None, BuildEvent::Claim)?;
        self.execute(
            "count a claim",
            "UPDATE builds SET generation = generation + 1 WHERE id = ?1",
            &[&id.to_string()],
        )?;
        Ok(Build { generation: build.generation + 1, ..build })
    }

    /// Gives a claimed build back, because the server that built it is gone.
    ///
    /// # Errors
    /// [`StoreError::IllegalBuild`] when it is not being built.
    pub fn interrupt_build(&self, id: BuildId) -> Result<(), StoreError> {
        self.build_on(id, None, BuildEvent::Interrupt).map(drop)
    }

    /// Ends a claimed build with its slug, and pins the buildpacks it used to the app if none were set.
    ///
    /// # Errors
    /// [`StoreError::IllegalBuild`] when it is not being built, [`StoreError::Missing`] when it was claimed again
    /// since.
    pub fn succeed_build(
        &self,
        claimed: &Build,
        slug: &Slug,
        buildpacks: &[String],
    ) -> Result<(), StoreError> {
        self.build_on(claimed.id, Some(claimed.generation), BuildEvent::Succeed)?;
        self.create_slug(slug)?;
        self.execute(
            "end a build",
            "UPDATE builds SET slug = ?2, buildpacks = ?3 WHERE id = ?1",
            &[&claimed.id.to_string(), &slug.id.to_string(), &json(&buildpacks)],
        )?;
        let unset = self.app(claimed.app)?.is_some_and(|app| app.buildpacks.is_empty());
        if unset { self.set_buildpacks(claimed.app, buildpacks) } else { Ok(()) }
    }

    /// Ends a build without a slug.
    ///
    /// # Errors
    /// [`StoreError::IllegalBuild`] when it is over already.
    pub fn fail_build(&self, build: &Build) -> Result<(), StoreError> {
        self.build_on(build.id, Some(build.generation), BuildEvent::Fail).map(drop)
    }

    /// Notes the release that was made of a build.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_build_release(&self, id: BuildId, release: ReleaseId) -> Result<(), StoreError> {
        self.execute(
            "note a build's release",
            "UPDATE builds SET release = ?2 WHERE id = ?1",
            &[&id.to_string(), &release.to_string()],
        )?;
        self.touch(Topic::Builds);
        Ok(())
    }

    fn build_on(&self, id: BuildId, generation: Option<u32>, event: BuildEvent) -> Result<Build, StoreError> {
        let build = self.build(id)?.ok_or(StoreError::Missing { what: WHAT })?;
        if generation.is_some_and(|generation| generation != build.generation) {
            return Err(StoreError::Missing { what: "claim on this build" });
        }
        let status = build.status.on(event)?;
        let at = self.now();
        self.execute(
            "change a build's status",
            "UPDATE builds SET status = ?2, updated_at = ?3 WHERE id = ?1",
            &[&id.to_string(), &status.as_str(), &at.as_micros()],
        )?;
        self.touch(Topic::Builds);
        Ok(Build { status, updated_at: at, ..build })
    }
}
