//! The loop: look at everything, decide, act.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use logs::{Logs, transcript::Transcripts};
use model::dyno::Exit;
use model::id::AppId;
use model::site::Site;
use store::{Store, StoreError, Topic, Tx};
use tokio_util::sync::CancellationToken;

use crate::act;
use crate::plan::{AppSeen, CommandEnd, Seen, plan};

/// The net under lost wake-ups.
const SCAN_EVERY: Duration = Duration::from_secs(30);

/// What this stage works with.
#[derive(Clone)]
pub struct Context {
    /// The truth.
    pub store: Store,
    /// App logs.
    pub logs: Logs,
    /// Build transcripts, which end with the release's lines.
    pub transcripts: Transcripts,
    /// Public addresses, for the line that says where the app is.
    pub site: Site,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("store", &self.store)
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}

/// Runs until `stop`.
///
/// # Errors
/// When the store cannot be read; a failed action is logged and planned again.
pub async fn stage(cx: Context, stop: CancellationToken) -> Result<(), StoreError> {
    let mut wake = cx.store.watch(&[Topic::Builds, Topic::Releases, Topic::Dynos]);
    act::finish_transcripts(&cx).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = wake.changed_or_after(SCAN_EVERY) => {}
        }
        let seen = cx.store.read(observe).await?;
        for action in plan(&seen) {
            act::act(&cx, action).await;
        }
    }
}

fn observe(tx: &Tx<'_>) -> Result<Seen, StoreError> {
    let mut apps: BTreeMap<AppId, AppSeen> = BTreeMap::new();
    for release in tx.open_releases()? {
        let slug = release.slug.map(|id| tx.slug(id)).transpose()?.flatten();
        let command_end = match release.command_dyno {
            None => None,
            Some(id) => Some(match tx.dyno(id)? {
                None => CommandEnd::Lost,
                Some(dyno) => match dyno.exit {
                    Some(Exit { status, reason }) if dyno.state.is_over() => {
                        CommandEnd::Exited { status, reason }
                    }
                    _ if dyno.state.is_over() => CommandEnd::Lost,
                    _ => CommandEnd::Running,
                },
            }),
        };
        let command = slug.and_then(|slug| slug.processes.release_command().map(str::to_owned));
        apps.entry(release.app).or_default().open.push(crate::plan::Open { release, command, command_end });
    }
    Ok(Seen { unreleased: tx.unreleased_builds()?, apps })
}
