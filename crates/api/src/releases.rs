//! Releases: list, show, make one of a slug, roll back.

use std::collections::HashMap;

use logs::event;
use model::id::SlugId;
use model::release::{Release, ReleaseStatus, ReleaseVersion};
use model::slug::Slug;
use store::{App, NewRelease, StoreError, Tx};

use crate::account::user_ref;
use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::{Problem, rollback_to_failed, rollback_to_pending, rollback_without_slug};
use crate::reply::{Answer, Reply};
use crate::{config_vars, output_streams};

/// Fields a release list can be sorted by.
const FIELDS: &[&str] = &["version", "id"];
/// Longest description that a client may give, in characters.
const DESCRIPTION_CHARS_MAX: usize = 250;

/// An app's release by number (`v12`, `12`) or id.
pub(crate) fn find(tx: &Tx<'_>, app: &App, identity: &str) -> Result<Release, Problem> {
    let found = match (identity.parse::<ReleaseVersion>(), identity.parse()) {
        (Ok(version), _) => tx.release_by_version(app.id, version)?,
        (_, Ok(id)) => tx.release(id)?.filter(|release| release.app == app.id),
        _ => None,
    };
    found.ok_or(Problem::NotFound { resource: "release" })
}

/// What several releases have in common, looked up once.
struct Shower<'a, 'c> {
    tx: &'a Tx<'c>,
    call: &'a Call,
    app: &'a App,
    current: Option<ReleaseVersion>,
    users: HashMap<String, wire::UserRef>,
    has_command: HashMap<SlugId, bool>,
}

impl<'a, 'c> Shower<'a, 'c> {
    fn new(tx: &'a Tx<'c>, call: &'a Call, app: &'a App) -> Result<Self, Problem> {
        let current = tx.current_release(app.id)?.map(|release| release.version);
        Ok(Self { tx, call, app, current, users: HashMap::new(), has_command: HashMap::new() })
    }

    fn show(&mut self, release: &Release) -> Result<wire::Release, Problem> {
        let is_usable = matches!(release.status, ReleaseStatus::Succeeded | ReleaseStatus::Superseded);
        let output = if self.runs_command(release)? {
            Some(output_streams::url(self.call, &output_streams::release_output(release.id)))
        } else {
            None
        };
        Ok(wire::Release {
            addon_plan_names: release.addon_plans.clone(),
            app: app_ref(self.app),
            artifacts: Vec::new(),
            created_at: release.created_at.to_api(),
            current: self.current == Some(release.version),
            description: release.description.clone(),
            eligible_for_rollback: is_usable && release.slug.is_some(),
            id: release.id.to_string(),
            output_stream_url: output,
            slug: release.slug.map(|slug| wire::IdRef { id: slug.to_string() }),
            status: release.status.api_word().to_owned(),
            updated_at: release.updated_at.to_api(),
            user: self.user(release)?,
            version: release.version.0,
        })
    }

    fn user(&mut self, release: &Release) -> Result<wire::UserRef, Problem> {
        let id = release.user.to_string();
        if let Some(user) = self.users.get(&id) {
            return Ok(user.clone());
        }
        let user = self.tx.account(release.user)?.ok_or(StoreError::Missing { what: "account" })?;
        let user = user_ref(&user);
        self.users.insert(id, user.clone());
        Ok(user)
    }

    fn runs_command(&mut self, release: &Release) -> Result<bool, Problem> {
        let Some(slug) = release.slug.filter(|_| release.runs_command) else { return Ok(false) };
        if let Some(known) = self.has_command.get(&slug) {
            return Ok(*known);
        }
        let has = self.tx.slug(slug)?.is_some_and(|slug| slug.processes.release_command().is_some());
        self.has_command.insert(slug, has);
        Ok(has)
    }
}

pub(crate) fn show(tx: &Tx<'_>, call: &Call, app: &App, release: &Release) -> Result<wire::Release, Problem> {
    Shower::new(tx, call, app)?.show(release)
}

/// An app's releases.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let mut shower = Shower::new(tx, call, &app)?;
        let shown: Result<Vec<_>, _> =
            tx.releases(app.id)?.iter().map(|release| shower.show(release)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One release.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let release = find(tx, &app, call.param("release"))?;
        Ok(Reply::ok(&show(tx, call, &app, &release)?))
    })
    .await
}

/// One request, two meanings: `release` goes back to it, `slug` runs it.
pub(crate) async fn create(call: Call, Json(request): Json<wire::ReleaseRequest>) -> Answer {
    let wire::ReleaseRequest { release, slug, description } = request;
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let made = match (&release, &slug) {
            (Some(release), None) => roll_back(tx, call, &app, release)?,
            (None, Some(slug)) => release_slug(tx, call, &app, slug, description)?,
            _ => return Err(Problem::Invalid("Give either a `slug` or a `release`.".to_owned())),
        };
        said.released(&made);
        Ok(Reply::created(&show(tx, call, &app, &made)?))
    })
    .await
}

/// A new release with the code and the user's config of an older one.
fn roll_back(tx: &Tx<'_>, call: &Call, app: &App, to: &str) -> Result<Release, Problem> {
    let target = find(tx, app, to)?;
    let Some(slug) = target.slug else { return Err(rollback_without_slug(target.version)) };
    match target.status {
        ReleaseStatus::Failed => return Err(rollback_to_failed(target.version)),
        ReleaseStatus::Queued | ReleaseStatus::Command | ReleaseStatus::RollingOut => {
            return Err(rollback_to_pending(target.version));
        }
        ReleaseStatus::Succeeded | ReleaseStatus::Superseded => {}
    }
    config_vars::restore(tx, app, target.version)?;
    let description = event::rollback(target.version);
    let (app, user) = (app.id, call.caller.id);
    Ok(tx.create_release(&NewRelease { app, slug: Some(slug), description, user, runs_command: true })?)
}

fn release_slug(
    tx: &Tx<'_>,
    call: &Call,
    app: &App,
    slug: &str,
    description: Option<String>,
) -> Result<Release, Problem> {
    let slug: Slug = crate::slugs::find(tx, app, slug)?;
    let description = match description.filter(|text| !text.trim().is_empty()) {
        Some(text) if text.chars().count() > DESCRIPTION_CHARS_MAX => {
            return Err(Problem::Invalid(format!(
                "Description is too long (maximum is {DESCRIPTION_CHARS_MAX} characters)"
            )));
        }
        // It becomes a line of the app's log, which is one line.
        Some(text) => text.replace(['\r', '\n'], " "),
        None => event::deploy(&slug.commit.unwrap_or_else(|| slug.id.to_string())),
    };
    let (app, user) = (app.id, call.caller.id);
    let new = NewRelease { app, slug: Some(slug.id), description, user, runs_command: true };
    Ok(tx.create_release(&new)?)
}
