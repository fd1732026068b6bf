//! `run`: a terminal here, a process there.

use std::io::Read;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use wire::{Attached, Dyno, DynoRequest, Flag, Text};

use super::exit_status::{ExitStatus, asking};
use crate::args::run::Run;
use crate::context::{Context, path};
use crate::terminal::{Screen, Typing, window};
use crate::words::Problem;

/// Bytes read at a time, and how many such pieces wait for the network.
const CHUNK_BYTES: usize = 16 << 10;
const CHUNKS_MAX: usize = 8;
/// By this byte the end of the input is told: the rendezvous has no half-close.
const END_OF_INPUT: &[u8] = &[0x04];
/// Exit code of a process that a SIGTERM ended.
const TERMINATED: u8 = 143;

pub(super) async fn run(cx: &mut Context, args: Run) -> anyhow::Result<()> {
    let (request, command) = super::request(&args.wish)?;
    let client = cx.client()?;
    let app = cx.app(&args.wish.app)?;
    // A terminal at the other end turns line ends and echoes: good for eyes and fingers, bad for data.
    let terminals = cx.env.screen.terminals();
    let is_tty = terminals.input && terminals.output && !args.no_tty;
    let request = with_terminal(DynoRequest { command: asking(&command), ..request }, cx, is_tty);

    cx.env.screen.start(format!("Running {command} on {app}"));
    let dyno: Dyno = client.post(&path(&["apps", &app, "dynos"]), &request).await?;
    let nowhere =
        || Problem::Missing { what: "the server gave no place to attach".to_owned(), hint: "try again" };
    let attached = client.attach(dyno.attach_url.as_deref().ok_or_else(nowhere)?).await?;
    cx.env.screen.done(&dyno.name);

    let typed = typed(&mut cx.env.screen);
    let raw = if is_tty { Some(Typing::raw()?) } else { None };
    let status = relay(&mut cx.env.screen, attached, typed, signal(SignalKind::terminate())?).await;
    drop(raw);
    cx.exit_code = status?.ok_or(Problem::NoExitStatus)?;
    Ok(())
}

fn with_terminal(request: DynoRequest, cx: &Context, is_tty: bool) -> DynoRequest {
    let mut env = request.env;
    if is_tty {
        let size = window().map(|(columns, lines)| [("COLUMNS", columns), ("LINES", lines)]);
        env.extend(
            size.into_iter().flatten().map(|(name, count)| (name.to_owned(), Text(count.to_string()))),
        );
        env.extend(cx.var("TERM").map(|term| ("TERM".to_owned(), Text(term))));
    }
    DynoRequest { attach: Some(Flag(true)), force_no_tty: Some(Flag(!is_tty)), env, ..request }
}

/// What is typed, from a thread of its own: a keyboard cannot be waited for otherwise. The thread ends with the process.
fn typed(screen: &mut Screen) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    if let Some(mut input) = screen.take_input() {
        std::thread::spawn(move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            while let Ok(length @ 1..) = input.read(&mut chunk) {
                if sender.blocking_send(chunk[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// Moves bytes both ways until the dyno is done; gives its exit status.
async fn relay(
    screen: &mut Screen,
    attached: Attached,
    mut typed: mpsc::Receiver<Vec<u8>>,
    mut terminate: Signal,
) -> anyhow::Result<Option<u8>> {
    let Attached { mut output, input: mut keys } = attached;
    let send = async {
        while let Some(chunk) = typed.recv().await {
            keys.write_all(&chunk).await?;
            keys.flush().await?;
        }
        keys.write_all(END_OF_INPUT).await?;
        keys.flush().await
    };
    let show = async {
        let mut exit = ExitStatus::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            // A server that is killed does not say goodbye; what it had told counts all the same.
            let length = output.read(&mut chunk).await.unwrap_or(0);
            if length == 0 {
                screen.write(&exit.rest())?;
                return anyhow::Ok(exit.status);
            }
            screen.write(&exit.feed(&chunk[..length]))?;
        }
    };
    tokio::pin!(send, show);
    tokio::select! {
        shown = &mut show => return shown,
        _ = terminate.recv() => return Ok(Some(TERMINATED)),
        // The dyno took no more input; it may go on printing.
        _ = &mut send => {}
    }
    tokio::select! {
        shown = &mut show => shown,
        _ = terminate.recv() => Ok(Some(TERMINATED)),
    }
}
