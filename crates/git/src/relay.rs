//! Following a deploy to its end, and saying everything that happens on the way.
//!
//! ```text
//!  build's transcript ──► release's command, with its output ──► its dynos ──► verified, or rejected with the reason
//! ```
//! Nothing is decided here: rows and transcripts are written by the stages, whether anybody follows or not.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use logs::transcript::{TranscriptError, TranscriptReader};
use model::build::{Build, BuildStatus};
use model::formation::ProcessType;
use model::id::ReleaseId;
use model::release::{Release, ReleaseStatus, ReleaseVersion};
use store::{StoreError, Topic, Tx, Wake};
use tokio::io::AsyncWrite;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::plan::Deploy;
use crate::pushes::Push;
use crate::voice::Voice;
use crate::{Context, words};

/// How often a wait shows that it goes on.
const DOT_EVERY: Duration = Duration::from_secs(3);
/// How often rows and files are looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the last output of a finished command may take to arrive.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// A deploy could not be followed (it goes on all the same).
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    /// The store failed.
    #[error("could not follow the deploy")]
    Store(#[from] StoreError),
    /// A transcript could not be read.
    #[error("could not follow the output")]
    Transcript(#[from] TranscriptError),
    /// The hook listens no longer.
    #[error("nobody listens")]
    Voice(#[from] io::Error),
}

/// Follows the deploy of a push; true if its code is what the app runs now.
pub(crate) async fn follow<W: AsyncWrite + Unpin>(
    cx: &Context,
    push: &Push,
    deploy: &Deploy,
    voice: &mut Voice<W>,
) -> Result<bool, RelayError> {
    let mut dots = interval(DOT_EVERY);
    dots.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut relay = Relay {
        cx,
        push,
        deploy,
        voice,
        wake: cx.inner.config.store.watch(&[Topic::Builds, Topic::Releases, Topic::Dynos]),
        dots,
    };
    match relay.build().await? {
        Built::Release(id) => relay.release(id).await,
        Built::Failed { before } => {
            if before {
                relay.voice.say(words::built_before(deploy.commit.as_str())).await?;
            }
            Ok(false)
        }
        Built::AppGone => {
            relay.voice.say(words::APP_GONE).await?;
            Ok(false)
        }
    }
}

/// How a build ended.
enum Built {
    Release(ReleaseId),
    Failed {
        /// The same commit had been built before.
        before: bool,
    },
    AppGone,
}

struct Relay<'a, W> {
    cx: &'a Context,
    push: &'a Push,
    deploy: &'a Deploy,
    voice: &'a mut Voice<W>,
    wake: Wake,
    dots: Interval,
}

impl<W: AsyncWrite + Unpin> Relay<'_, W> {
    /// Says what the build says, until it has failed or become a release.
    async fn build(&mut self) -> Result<Built, RelayError> {
        let (id, transcript) = (self.push.id, format!("build-{}", self.push.id));
        let (mut reader, mut ended, mut waited) = (None, false, false);
        self.dots.reset();
        while let Some(build) = self.look(move |tx| tx.build(id)).await? {
            if reader.is_none() && !ended {
                reader = self.open(&transcript)?;
            }
            match (build.status, build.release) {
                (BuildStatus::Succeeded, Some(release)) if ended => return Ok(Built::Release(release)),
                (BuildStatus::Failed, _) => {
                    self.last_output(reader).await?;
                    let before = self.look(move |tx| built_before(tx, &build)).await?;
                    return Ok(Built::Failed { before });
                }
                _ => {}
            }
            tokio::select! {
                bytes = next(&mut reader) => {
                    if std::mem::take(&mut waited) {
                        self.voice.say(words::DONE).await?;
                    }
                    match bytes? {
                        Some(bytes) => self.voice.say(bytes).await?,
                        None => (reader, ended) = (None, true),
                    }
                }
                () = self.wake.changed_or_after(LOOK_EVERY) => {}
                _ = self.dots.tick(), if build.status == BuildStatus::Pending => {
                    self.voice.say(if waited { "." } else { words::WAITING_FOR_BUILDER }).await?;
                    waited = true;
                }
            }
        }
        self.voice.end_line().await?;
        Ok(Built::AppGone)
    }

    /// What a failed build wrote last.
    async fn last_output(&mut self, reader: Option<TranscriptReader>) -> Result<(), RelayError> {
        if let Some(mut reader) = reader {
            while let Some(bytes) = timeout(LAST_OUTPUT, reader.next()).await.unwrap_or(Ok(None))? {
                self.voice.say(bytes).await?;
            }
        }
        Ok(self.voice.end_line().await?)
    }

    /// Says what happens to the release, until it serves or has failed.
    async fn release(&mut self, id: ReleaseId) -> Result<bool, RelayError> {
        let Some(mut release) = self.leave(id, ReleaseStatus::Queued, words::waiting_for_older).await? else {
            return self.app_gone().await;
        };
        if release.status == ReleaseStatus::Command || release.command_dyno.is_some() {
            release = match self.command(release).await? {
                Some(failed) if failed.status == ReleaseStatus::Failed => return self.verdict(&failed).await,
                Some(passed) => passed,
                None => return self.app_gone().await,
            };
        }
        match self.rollout(release).await? {
            Some(release) => self.verdict(&release).await,
            None => self.app_gone().await,
        }
    }

    /// Waits until the release has left a status, with dots if that takes long.
    async fn leave(
        &mut self,
        id: ReleaseId,
        status: ReleaseStatus,
        waiting: impl Fn(ReleaseVersion) -> String,
    ) -> Result<Option<Release>, RelayError> {
        let mut said = false;
        self.dots.reset();
        loop {
            let found = self.look(move |tx| tx.release(id)).await?;
            let version = match found {
                Some(release) if release.status == status => release.version,
                left => {
                    if said {
                        self.voice.say(words::DONE).await?;
                    }
                    return Ok(left);
                }
            };
            tokio::select! {
                () = self.wake.changed_or_after(LOOK_EVERY) => {}
                _ = self.dots.tick() => {
                    self.voice.say(if said { ".".to_owned() } else { waiting(version) }).await?;
                    said = true;
                }
            }
        }
    }

    /// Says what the release command prints, until it has ended.
    async fn command(&mut self, release: Release) -> Result<Option<Release>, RelayError> {
        let (id, transcript) = (release.id, format!("release-{}", release.id));
        self.voice.say(words::RUNNING_RELEASE_COMMAND).await?;
        self.dots.reset();
        let mut output = Output { reader: None, printed: false, waits: false };
        let release = loop {
            let release = self.look(move |tx| tx.release(id)).await?;
            if output.reader.is_none() && !output.waits {
                output.reader = self.open(&transcript)?;
            }
            let Some(release) = release else { break None };
            if release.status != ReleaseStatus::Command {
                break Some(release);
            }
            tokio::select! {
                bytes = next(&mut output.reader) => self.printed(&mut output, bytes?).await?,
                () = self.wake.changed_or_after(LOOK_EVERY) => {}
                _ = self.dots.tick(), if !output.printed || output.waits => self.voice.say(".").await?,
            }
        };
        if let Some(mut reader) = output.reader.take() {
            while let Some(bytes) = timeout(LAST_OUTPUT, reader.next()).await.unwrap_or(Ok(None))? {
                self.printed(&mut output, Some(bytes)).await?;
            }
        }
        self.printed(&mut output, None).await?;
        let passed = release.as_ref().is_some_and(|release| release.status != ReleaseStatus::Failed);
        self.voice.say(if passed { words::DONE } else { words::FAILED }).await?;
        Ok(release)
    }

    /// One more piece of a release command's output, or (none) its end.
    async fn printed(&mut self, output: &mut Output, bytes: Option<Bytes>) -> Result<(), RelayError> {
        match bytes {
            Some(bytes) => {
                if !std::mem::replace(&mut output.printed, true) {
                    self.voice.say("\n\n").await?;
                }
                self.voice.say(bytes).await?;
            }
            None if !std::mem::replace(&mut output.waits, true) => {
                output.reader = None;
                if output.printed {
                    self.voice.end_line().await?;
                    self.voice.say(words::WAITING_FOR_RELEASE).await?;
                }
            }
            None => {}
        }
        Ok(())
    }

    /// Says that dynos are started, until they serve or have failed; follows a newer release of the same code that
    /// takes this one's place.
    async fn rollout(&mut self, mut release: Release) -> Result<Option<Release>, RelayError> {
        loop {
            let dynos = self.formation(&release).await?;
            if !dynos.is_empty() {
                self.voice.say(words::starting_dynos(&dynos)).await?;
            }
            let Some(ended) = self.settled(release.id, !dynos.is_empty()).await? else { return Ok(None) };
            let next = match ended.status {
                ReleaseStatus::Superseded => self.successor(&ended).await?,
                _ => None,
            };
            if !dynos.is_empty() {
                let good = ended.status != ReleaseStatus::Failed && ended.failure.is_none();
                let text = match &next {
                    Some(next) => words::superseded(next.version),
                    None => if good { words::DONE } else { words::FAILED }.to_owned(),
                };
                self.voice.say(text).await?;
            }
            match next.filter(|next| next.slug == ended.slug) {
                Some(next) => release = next,
                None => return Ok(Some(ended)),
            }
        }
    }

    /// Waits until a release is over.
    async fn settled(&mut self, id: ReleaseId, dots: bool) -> Result<Option<Release>, RelayError> {
        self.dots.reset();
        loop {
            match self.look(move |tx| tx.release(id)).await? {
                Some(release) if !release.status.is_over() => {}
                ended => return Ok(ended),
            }
            tokio::select! {
                () = self.wake.changed_or_after(LOOK_EVERY) => {}
                _ = self.dots.tick(), if dots => self.voice.say(".").await?,
            }
        }
    }

    /// Process types of the release that are wanted, with how many dynos of each.
    async fn formation(&self, release: &Release) -> Result<Vec<(String, u32)>, RelayError> {
        let (app, slug) = (release.app, release.slug);
        let entries = self.look(move |tx| {
            let slug = slug.map(|slug| tx.slug(slug)).transpose()?.flatten();
            let has = |kind: &ProcessType| {
                slug.as_ref().is_some_and(|slug| slug.processes.commands.contains_key(kind))
            };
            let wanted =
                tx.formation(app)?.into_iter().filter(|entry| entry.quantity > 0 && has(&entry.kind));
            Ok(wanted.map(|entry| (entry.kind.to_string(), entry.quantity)).collect())
        });
        Ok(entries.await?)
    }

    /// The release that took this one's place: the first newer one that has not failed.
    async fn successor(&self, release: &Release) -> Result<Option<Release>, StoreError> {
        let (app, version) = (release.app, release.version);
        self.look(move |tx| {
            let mut newer = tx.releases(app)?.into_iter().filter(|other| other.version > version);
            Ok(newer.find(|other| other.status != ReleaseStatus::Failed))
        })
        .await
    }

    async fn verdict(&mut self, release: &Release) -> Result<bool, RelayError> {
        let app = release.app;
        match (release.status, &release.failure) {
            (ReleaseStatus::Superseded, _) => {
                self.voice.say(words::not_verified(release.version)).await?;
                Ok(true)
            }
            (ReleaseStatus::Failed, _) | (_, Some(_)) => {
                let current = self.look(move |tx| tx.current_release(app)).await?;
                let serving = current.filter(|current| current.slug.is_some()).map(|current| current.version);
                self.voice.say(words::release_failed(release, serving, self.deploy.branch)).await?;
                Ok(false)
            }
            _ => {
                self.voice.say(words::VERIFIED).await?;
                Ok(true)
            }
        }
    }

    async fn app_gone(&mut self) -> Result<bool, RelayError> {
        self.voice.end_line().await?;
        self.voice.say(words::APP_GONE).await?;
        Ok(false)
    }

    /// A transcript's reader, once the transcript has begun.
    fn open(&self, id: &str) -> Result<Option<TranscriptReader>, TranscriptError> {
        match self.cx.inner.config.transcripts.reader(id) {
            Ok(reader) => Ok(Some(reader)),
            Err(TranscriptError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.cx.inner.config.store.read(look).await
    }
}

/// What a release command has printed so far.
struct Output {
    reader: Option<TranscriptReader>,
    /// It has printed something.
    printed: bool,
    /// Its output is over; what remains is waiting.
    waits: bool,
}

/// The next piece of a command's output; without a reader there is never one.
async fn next(reader: &mut Option<TranscriptReader>) -> Result<Option<Bytes>, TranscriptError> {
    match reader {
        Some(reader) => reader.next().await,
        None => std::future::pending().await,
    }
}

/// Whether an earlier build was of the same commit.
fn built_before(tx: &Tx<'_>, build: &Build) -> Result<bool, StoreError> {
    let builds = tx.builds(build.app)?;
    Ok(builds.iter().any(|other| other.id != build.id && other.commit == build.commit))
}
