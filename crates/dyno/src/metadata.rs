//! What dynos are told of themselves when the app has switched it on: `runtime-dyno-metadata` and
//! `runtime-dyno-build-metadata`. Looked up at each start, so a switch counts from a dyno's next start on.

use model::config_var::Secret;
use model::domain::DomainKind;
use model::dyno::Dyno;
use model::feature::AppFeature;
use model::release::Release;
use model::slug::Slug;
use store::{StoreError, Tx};

/// The variables for a dyno of this release and slug, by Heroku's names.
pub(crate) fn env(
    tx: &Tx<'_>,
    dyno: &Dyno,
    release: &Release,
    slug: &Slug,
) -> Result<Vec<(String, Secret)>, StoreError> {
    let on = tx.app_features(dyno.app)?;
    let mut told: Vec<(&str, String)> = Vec::new();
    if on.contains_key(&AppFeature::DynoMetadata) {
        let app = tx.app(dyno.app)?.ok_or(StoreError::Missing { what: "app" })?;
        let own = tx.domains(dyno.app)?.into_iter().find(|domain| domain.kind == DomainKind::Platform);
        told.extend([
            ("HEROKU_APP_ID", app.id.to_string()),
            ("HEROKU_APP_NAME", app.name.to_string()),
            ("HEROKU_APP_DEFAULT_DOMAIN_NAME", own.map(|it| it.hostname.to_string()).unwrap_or_default()),
            ("HEROKU_DYNO_ID", dyno.id.to_string()),
            ("HEROKU_RELEASE_CREATED_AT", release.created_at.to_api()),
            ("HEROKU_RELEASE_VERSION", release.version.to_string()),
            ("HEROKU_SLUG_COMMIT", commit(slug)),
            ("HEROKU_SLUG_DESCRIPTION", description(tx, slug)?),
        ]);
    }
    if on.contains_key(&AppFeature::DynoBuildMetadata) {
        told.extend([
            ("HEROKU_BUILD_COMMIT", commit(slug)),
            ("HEROKU_BUILD_DESCRIPTION", description(tx, slug)?),
        ]);
    }
    Ok(told.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).collect())
}

fn commit(slug: &Slug) -> String {
    slug.commit.clone().unwrap_or_default()
}

/// The words of the release that brought the slug: `Deploy 954ab531`.
fn description(tx: &Tx<'_>, slug: &Slug) -> Result<String, StoreError> {
    let first = tx.releases(slug.app)?.into_iter().find(|release| release.slug == Some(slug.id));
    Ok(first.map(|release| release.description).unwrap_or_default())
}

#[cfg(test)]
mod tests;
