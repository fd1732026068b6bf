//! Slugs, as far as there is something to show: they are layers, not an archive to download.

use model::slug::Slug;
use store::{App, Tx};

use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};
use crate::stacks;

/// An app's slug by id.
pub(crate) fn find(tx: &Tx<'_>, app: &App, identity: &str) -> Result<Slug, Problem> {
    let found = match identity.parse() {
        Ok(id) => tx.slug(id)?.filter(|slug| slug.app == app.id),
        Err(_) => None,
    };
    found.ok_or(Problem::NotFound { resource: "slug" })
}

fn show(call: &Call, app: &App, slug: &Slug) -> wire::Slug {
    let processes = slug.processes.commands.iter();
    wire::Slug {
        blob: wire::SlugBlob { method: "get".to_owned(), url: call.server.cx.site.git_url(&app.name) },
        buildpack_provided_description: Some(slug.language.clone()),
        checksum: None,
        commit: slug.commit.clone(),
        commit_description: None,
        created_at: slug.created_at.to_api(),
        deleted_at: None,
        id: slug.id.to_string(),
        process_types: processes.map(|(kind, command)| (kind.to_string(), command.clone())).collect(),
        size: Some(slug.bytes),
        stack: stacks::stack_ref(&slug.stack),
        updated_at: slug.created_at.to_api(),
    }
}

/// One slug.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let slug = find(tx, &app, call.param("slug"))?;
        Ok(Reply::ok(&show(call, &app, &slug)))
    })
    .await
}
