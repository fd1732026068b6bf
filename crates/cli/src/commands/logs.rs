//! `logs`.

use std::time::Duration;

use wire::{Client, ClientError, Flag, LogSession, LogSessionRequest, Text};

use crate::args::logs::{Command, Logs};
use crate::context::{Context, path};
use crate::events::Events;
use crate::terminal::{Paint, Screen};

/// How long to wait before a tail that was interrupted is taken up again, and how often that is tried.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const TRIES_MAX: u32 = 60;
const EVENT_STREAM: &str = "text/event-stream";

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    let Command::Logs(Logs { tail, num, dyno, process_type, source, app }) = command;
    let app = cx.app(&app)?;
    let request = LogSessionRequest {
        dyno: dyno.or(process_type),
        lines: Some(Text(num.to_string())),
        source,
        tail: Some(Flag(tail)),
        ..LogSessionRequest::default()
    };
    show(cx, &app, &request).await
}

/// Shows a log to its end; a tail has none but Ctrl-C.
pub(super) async fn show(cx: &mut Context, app: &str, request: &LogSessionRequest) -> anyhow::Result<()> {
    let client = cx.client()?;
    let session: LogSession = client.post(&path(&["apps", app, "log-sessions"]), request).await?;
    let tail = request.tail.is_some_and(bool::from);
    let mut events = Events::default();
    let mut tries = 0;
    loop {
        let before = events.last_id.clone();
        let read = follow(&client, &session.logplex_url, &mut events, &mut cx.env.screen).await;
        match read {
            // The server is being replaced, or the connection broke: what comes next is asked for by the last id.
            Ok(()) | Err(Interruption::Broken(_)) if tail => {}
            Ok(()) => return Ok(()),
            Err(Interruption::Broken(error)) => return Err(error.into()),
            Err(Interruption::Over(error)) => return Err(error),
        }
        tries = if events.last_id == before { tries + 1 } else { 0 };
        anyhow::ensure!(tries < TRIES_MAX, "the log stream does not come back");
        events.interrupted();
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Why a stream ended before its end.
enum Interruption {
    /// It may come back.
    Broken(ClientError),
    /// It does not.
    Over(anyhow::Error),
}

async fn follow(
    client: &Client,
    url: &str,
    events: &mut Events,
    screen: &mut Screen,
) -> Result<(), Interruption> {
    let opened = client.open_after(url, EVENT_STREAM, events.last_id.as_deref()).await;
    let mut stream = match opened {
        Ok(stream) => stream,
        // What was never there is not taken up again, and a refusal stays one.
        Err(error) if events.last_id.is_none() || is_refusal(&error) => {
            return Err(Interruption::Over(error.into()));
        }
        Err(error) => return Err(Interruption::Broken(error)),
    };
    loop {
        let broken =
            |cause| Interruption::Broken(ClientError::Broken { at: "the log stream".to_owned(), cause });
        let Some(piece) = stream.next().await.map_err(broken)? else { return Ok(()) };
        for line in events.feed(&piece) {
            let line = coloured(screen, &line);
            screen.say(line).map_err(|error| Interruption::Over(error.into()))?;
        }
    }
}

/// Whether the server will not; that it cannot at present (5xx) is none.
fn is_refusal(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { status, .. } if status.is_client_error())
}

/// `TIME app[web.1]: text`, with a colour for each process.
fn coloured(screen: &Screen, line: &str) -> String {
    let process = line.split_once(": ").filter(|(head, _)| head.ends_with(']'));
    let Some((head, text)) = process else { return line.to_owned() };
    let name = head.split_once(' ').map_or(head, |(_, name)| name);
    let tone = name.bytes().map(usize::from).sum();
    format!("{} {text}", screen.paint(Paint::Tone(tone), &format!("{head}:")))
}
