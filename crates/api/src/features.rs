//! Features of apps (`heroku labs`, `heroku features`). Accounts have none.

use model::feature::AppFeature;
use model::time::Timestamp;

use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::identity::fixed;
use crate::regions::EPOCH;
use crate::reply::{Answer, Reply};

const KIND: &str = "feature";
const MISSING: Problem = Problem::NotFound { resource: "feature" };

/// `since`: when it was switched on.
fn show(feature: AppFeature, since: Option<Timestamp>) -> wire::Feature {
    wire::Feature {
        created_at: EPOCH.to_owned(),
        description: feature.description().to_owned(),
        display_name: feature.title().to_owned(),
        doc_url: format!("https://devcenter.heroku.com/articles/{}", article(feature)),
        enabled: since.is_some() || feature.is_always_on(),
        feedback_email: String::new(),
        id: fixed(KIND, feature.as_str()),
        name: feature.as_str().to_owned(),
        state: if feature.is_general() { "general" } else { "beta" }.to_owned(),
        updated_at: since.map_or_else(|| EPOCH.to_owned(), |at| at.to_api()),
    }
}

/// Heroku's own page about it.
const fn article(feature: AppFeature) -> &'static str {
    match feature {
        AppFeature::DynoMetadata | AppFeature::DynoBuildMetadata => "dyno-metadata",
        AppFeature::Preboot => "preboot",
    }
}

/// A feature by name or id.
fn find(identity: &str) -> Result<AppFeature, Problem> {
    let is_meant = |it: &AppFeature| it.as_str() == identity || fixed(KIND, it.as_str()) == identity;
    AppFeature::ALL.into_iter().find(is_meant).ok_or(MISSING)
}

/// One feature of the account, or a change of it: there is none.
pub(crate) async fn of_account(_: Call) -> Answer {
    Err(MISSING)
}

/// The features of an app.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let on = tx.app_features(call.app(tx)?.id)?;
        call.list(AppFeature::ALL.map(|it| show(it, on.get(&it).copied())).to_vec(), &["id", "name"])
    })
    .await
}

/// One feature of an app.
pub(crate) async fn of_app(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let feature = find(call.param("feature"))?;
        let on = tx.app_features(app.id)?;
        Ok(Reply::ok(&show(feature, on.get(&feature).copied())))
    })
    .await
}

/// Switches a feature of an app; dynos that start from now on have its effect.
pub(crate) async fn update(call: Call, Json(change): Json<wire::FeatureChange>) -> Answer {
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        let feature = find(call.param("feature"))?;
        if feature.is_always_on() && !change.enabled {
            return Err(Problem::Invalid(format!("`{}` is always on here.", feature.as_str())));
        }
        if !feature.is_always_on() {
            tx.set_app_feature(app.id, feature, change.enabled)?;
        }
        let on = tx.app_features(app.id)?;
        Ok(Reply::ok(&show(feature, on.get(&feature).copied())))
    })
    .await
}
