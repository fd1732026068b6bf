//! An app's buildpacks, and the registry in which the official CLI looks names up.

use std::sync::Arc;

use axum::extract::{Path, State};
use store::App;

use crate::Server;
use crate::body::Json;
use crate::call::Call;
use crate::error::{Problem, no_such_buildpack};
use crate::identity;
use crate::reply::{Answer, Reply};

/// Heroku's registry keeps archives here. The official CLI shows a URL of this form by its name, and sends it instead
/// of the name; so it is a way of spelling names, and nothing is ever fetched from it.
const REGISTRY: &str = "https://buildpack-registry.s3.amazonaws.com/buildpacks/";
const ARCHIVE: &str = ".tgz";
/// The other way of spelling them.
const URN: &str = "urn:buildpack:";
/// Most buildpacks of an app.
const BUILDPACKS_MAX: usize = 20;
/// Longest URL of a buildpack, in bytes.
const URL_BYTES_MAX: usize = 2_000;

fn archive(name: &str) -> String {
    format!("{REGISTRY}{name}{ARCHIVE}")
}

/// The name behind any spelling; a URL stays what it is.
fn canonical(text: &str) -> &str {
    let text = text.trim();
    if let Some(name) = text.strip_prefix(URN) {
        return name;
    }
    text.strip_prefix(REGISTRY).and_then(|rest| rest.strip_suffix(ARCHIVE)).unwrap_or(text)
}

fn check(name: &str, known: &[String]) -> Result<(), Problem> {
    let schemes = ["https://", "http://", "git://", "git@", "ssh://"];
    let is_url = schemes.into_iter().any(|scheme| name.starts_with(scheme)) && name.len() <= URL_BYTES_MAX;
    if is_url || known.iter().any(|it| it == name) { Ok(()) } else { Err(no_such_buildpack(name, known)) }
}

pub(crate) fn url(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { archive(name) }
}

fn show(buildpacks: &[String]) -> Vec<wire::BuildpackInstallation> {
    let installed = buildpacks.iter().enumerate();
    installed
        .map(|(ordinal, name)| wire::BuildpackInstallation {
            buildpack: wire::Buildpack { name: name.clone(), url: url(name) },
            ordinal,
        })
        .collect()
}

/// An app's buildpacks in order.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app: App = call.app(tx)?;
        Ok(Reply::ok(&show(&app.buildpacks)))
    })
    .await
}

/// Sets the whole list; it counts from the next build on.
pub(crate) async fn update(call: Call, Json(list): Json<wire::BuildpackInstallations>) -> Answer {
    let known = &call.server.cx.buildpacks;
    let named = |choice: &wire::BuildpackChoice| {
        let name = choice.buildpack.as_deref().map(canonical).unwrap_or_default();
        check(name, known).map(|()| name.to_owned())
    };
    let names = list.updates.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    if names.len() > BUILDPACKS_MAX {
        return Err(Problem::Invalid(format!("An app can have at most {BUILDPACKS_MAX} buildpacks.")));
    }
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        tx.set_buildpacks(app.id, &names)?;
        Ok(Reply::ok(&show(&names)))
    })
    .await
}

fn registered(whole: &str) -> wire::RegisteredBuildpack {
    let (namespace, name) = whole.split_once('/').unwrap_or(("", whole));
    wire::RegisteredBuildpack {
        id: identity::fixed("buildpack", whole),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        category: "languages".to_owned(),
        description: format!("The {whole} buildpack, built into this platform"),
        blob_url: archive(whole),
    }
}

/// The registry's whole list.
pub(crate) async fn registry_list(State(server): State<Arc<Server>>) -> Answer {
    let all: Vec<_> = server.cx.buildpacks.iter().map(|name| registered(name)).collect();
    Ok(Reply::ok(&all))
}

/// One buildpack of the registry.
pub(crate) async fn registry_info(State(server): State<Arc<Server>>, Path(slug): Path<String>) -> Answer {
    if server.cx.buildpacks.contains(&slug) {
        Ok(Reply::ok(&registered(&slug)))
    } else {
        Err(Problem::NotFound { resource: "buildpack" })
    }
}
