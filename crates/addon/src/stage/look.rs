//! Looking: one picture of all add-ons.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::addon::{Addon, AddonState, POSTGRES};
use model::config_var::Secret;
use model::database::{Database, Rotation};
use model::dyno::DynoState;
use model::id::ReleaseId;
use store::{StoreError, Tx};

use super::{Context, Memory};
use crate::plan::{Seen, SeenDatabase};

/// Everything about every add-on whose service is here.
pub(super) async fn look(cx: &Context, memory: &Memory) -> Result<Vec<Seen>, StoreError> {
    let (cx, memory) = (Arc::new(cx.clone()), memory.clone());
    let store = cx.store.clone();
    store
        .read(move |tx| {
            let mut seen = Vec::new();
            for addon in tx.addons()? {
                let Some(service) = cx.services.of(addon.plan) else { continue };
                // What cannot be read is moved as well: the attempt tells what is wrong.
                let moved = addon.resource.as_ref().map(|resource| service.moved(resource));
                let is_elsewhere = !matches!(moved, Some(Ok(None)));
                let database = (addon.plan.service == POSTGRES).then(|| look_at(tx, &cx, &memory, &addon));
                let is_of_other_size = memory.sizes.get(&addon.id) != Some(&addon.plan);
                seen.push(Seen { is_elsewhere, is_of_other_size, database: database.transpose()?, addon });
            }
            Ok(seen)
        })
        .await
}

/// Whether some credentials end as soon as no dyno uses them.
pub(super) fn is_overlap(seen: &[Seen]) -> bool {
    let databases = seen.iter().filter_map(|seen| seen.database.as_ref());
    databases.into_iter().any(|seen| matches!(seen.database.rotation, Rotation::Overlap { .. }))
}

fn look_at(tx: &Tx<'_>, cx: &Context, memory: &Memory, addon: &Addon) -> Result<SeenDatabase, StoreError> {
    let database = tx.database(addon.id)?;
    let now = tx.now();
    let old_in_use = match &database.retiring {
        Some(old) if addon.state == AddonState::Provisioned => is_in_use(tx, addon, old)?,
        _ => false,
    };
    let inspection_due =
        memory.inspected.get(&addon.id).is_none_or(|at| now.since(*at) >= cx.upkeep.inspect_every);
    Ok(SeenDatabase {
        old_in_use,
        rotation_due: is_rotation_due(tx, cx, addon, &database),
        inspection_due,
        database,
    })
}

fn is_rotation_due(tx: &Tx<'_>, cx: &Context, addon: &Addon, database: &Database) -> bool {
    let since = database.rotated_at.unwrap_or(addon.created_at);
    cx.upkeep.rotate_every.is_some_and(|every| tx.now().since(since) >= every)
}

/// Whether a dyno has this value of an attachment, or may be started with it: by the release that an app runs, or by
/// one that is on its way.
fn is_in_use(tx: &Tx<'_>, addon: &Addon, old: &Secret) -> Result<bool, StoreError> {
    let mut releases: BTreeSet<ReleaseId> = BTreeSet::new();
    for attachment in tx.attachments_of(addon.id)? {
        releases.extend(tx.current_release(attachment.app)?.map(|release| release.id));
    }
    releases.extend(tx.open_releases()?.into_iter().map(|release| release.id));
    let runs = |state: DynoState| !matches!(state, DynoState::Down | DynoState::Complete);
    releases.extend(tx.dynos()?.into_iter().filter(|dyno| runs(dyno.state)).map(|dyno| dyno.release));
    for release in releases {
        if tx.release_is_given(release, old)? {
            return Ok(true);
        }
    }
    Ok(false)
}
