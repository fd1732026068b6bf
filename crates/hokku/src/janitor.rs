//! Removes what nothing points at any more: layers of slugs that are gone.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use model::time::Timestamp;
use oci::layers::Layers;
use slug::Blobs;
use slug::manifest::Manifest;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How often is looked. Layers are only disk space, so seldom is enough.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// How long a layer may be without a slug: longer than any build.
const UNNAMED_FOR_MICROS: i64 = 2 * 3_600 * 1_000_000;

/// Runs until `stop`. `build_cache` is the builds' own, which remembers dependency layers.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn stage(
    store: Store,
    blobs: Blobs,
    layers: Layers,
    build_cache: PathBuf,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let slugs = store.read(|tx| tx.slugs()).await?;
        let (blobs, layers) = (blobs.clone(), layers.clone());
        let (build_cache, now) = (build_cache.clone(), store.now());
        let collected = tokio::task::spawn_blocking(move || {
            let manifests = slugs.iter().filter_map(|slug| Manifest::from_json(&slug.manifest).ok());
            let mut live: HashSet<_> = manifests
                .flat_map(|manifest| manifest.layers.into_iter().map(|layer| layer.digest))
                .collect();
            match build::live_layers(&build_cache, now) {
                Ok(layers) => live.extend(layers),
                Err(cause) => return Err(format!("could not read the builds' cache: {cause}")),
            }
            // A build packs its layers some time before a slug names them.
            let unused_since = Timestamp::from_micros(now.as_micros() - UNNAMED_FOR_MICROS);
            let removed = blobs.collect_garbage(&live, unused_since).map_err(|error| error.to_string())?;
            layers.sweep().map_err(|cause| format!("could not unmount layers that are gone: {cause}"))?;
            Ok(removed)
        });
        match collected.await {
            Ok(Ok(removed)) => info!(?removed, "removed layers that nothing uses"),
            Ok(Err(error)) => error!(error, "could not remove unused layers"),
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "looking for unused layers was cut short")
            }
        }
    }
}
