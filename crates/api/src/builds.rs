//! Builds: list, show, and make one of an uploaded source. A `git push` makes them too, in the same table.

use logs::event;
use model::build::{Build, BuildStatus};
use model::id::BuildId;
use store::{App, NewBuild, StoreError, Tx};

use crate::account::user_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};
use crate::{access, buildpacks, output_streams, sources};

const FIELDS: &[&str] = &["id"];
/// Longest version text, in characters.
const VERSION_CHARS_MAX: usize = 250;

pub(crate) fn show(tx: &Tx<'_>, call: &Call, app: &App, build: &Build) -> Result<wire::Build, Problem> {
    let user = tx.account(build.user)?.ok_or(StoreError::Missing { what: "account" })?;
    let used = |name: &String| wire::BuildpackUsed { name: name.clone(), url: buildpacks::url(name) };
    let is_known = build.status == BuildStatus::Succeeded;
    let status = match build.status {
        BuildStatus::Pending | BuildStatus::Running => "pending",
        BuildStatus::Succeeded => "succeeded",
        BuildStatus::Failed => "failed",
    };
    Ok(wire::Build {
        app: wire::IdRef { id: app.id.to_string() },
        buildpacks: is_known.then(|| build.buildpacks.iter().map(used).collect()),
        created_at: build.created_at.to_api(),
        generation: "cedar".to_owned(),
        id: build.id.to_string(),
        output_stream_url: output_streams::url(call, &output_streams::build_output(build.id)),
        release: build.release.map(|id| wire::IdRef { id: id.to_string() }),
        slug: build.slug.map(|id| wire::IdRef { id: id.to_string() }),
        source_blob: wire::SourceBlob {
            checksum: None,
            url: call.server.cx.site.git_url(&app.name),
            version: build.commit.clone(),
            version_description: None,
        },
        stack: build.stack.clone(),
        status: status.to_owned(),
        updated_at: build.updated_at.to_api(),
        user: user_ref(&user),
    })
}

/// An app's builds.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let shown: Result<Vec<_>, _> =
            tx.builds(app.id)?.iter().map(|build| show(tx, call, &app, build)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One build.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let found = match call.param("build").parse::<BuildId>() {
            Ok(id) => tx.build(id)?.filter(|build| build.app == app.id),
            Err(_) => None,
        };
        let build = found.ok_or(Problem::NotFound { resource: "build" })?;
        Ok(Reply::ok(&show(tx, call, &app, &build)?))
    })
    .await
}

/// Asks for a build of an archive that was put at a source's address.
pub(crate) async fn create(call: Call, Json(request): Json<wire::BuildRequest>) -> Answer {
    let wire::BuildRequest { source_blob, buildpacks } = request;
    if buildpacks.is_some_and(|list| !list.is_empty()) {
        return Err(Problem::Invalid(
            "Buildpacks of a single build are not supported. Set the app's buildpacks instead.".to_owned(),
        ));
    }
    let version = source_blob.version.filter(|version| !version.is_empty());
    if version.as_ref().is_some_and(|version| version.chars().count() > VERSION_CHARS_MAX) {
        return Err(Problem::Invalid(format!(
            "Version is too long (maximum is {VERSION_CHARS_MAX} characters)"
        )));
    }
    // Whose app it is, before anything is done for it.
    let (store, caller, identity) =
        (call.server.cx.store.clone(), call.caller.clone(), call.param("app").to_owned());
    store.read(move |tx| access::app(tx, &caller, &identity).map(drop)).await?;
    let archive = sources::find(&call.server, &source_blob.url).await?;
    let id = BuildId::new();
    let source = format!("{id}.tar");
    let taken = call.server.cx.sources.join(&source);
    sources::link(&archive, &taken).await?;
    let answer = call
        .write(move |tx, call, said| {
            let app = call.app(tx)?;
            let (user, stack) = (call.caller.id, app.stack.clone());
            let new = NewBuild { id, app: app.id, user, source, commit: version, stack };
            let build = tx.create_build(&new)?;
            said.say_with(app.id, event::build_started);
            Ok(Reply::created(&show(tx, call, &app, &build)?))
        })
        .await;
    if answer.is_err() {
        // No build will ever come for it.
        drop(tokio::fs::remove_file(&taken).await);
    }
    answer
}
