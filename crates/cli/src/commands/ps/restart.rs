//! `ps:restart` and `ps:stop`.

use wire::Empty;

use crate::args::ps::{Restart, Stop};
use crate::context::{Context, path};

/// What is meant of an app's dynos.
enum Which {
    All,
    Dyno(String),
    Type(String),
}

impl Which {
    /// A word with a dot is a dyno's name.
    fn of(word: Option<String>, dyno: Option<String>, kind: Option<String>) -> Self {
        match (word, dyno, kind) {
            (_, Some(dyno), _) => Self::Dyno(dyno),
            (_, _, Some(kind)) => Self::Type(kind),
            (Some(word), ..) if word.contains('.') => Self::Dyno(word),
            (Some(word), ..) => Self::Type(word),
            (None, None, None) => Self::All,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::All => "all dynos".to_owned(),
            Self::Dyno(dyno) => format!("dyno {dyno}"),
            Self::Type(kind) => format!("all {kind} dynos"),
        }
    }
}

pub(super) async fn restart(cx: &mut Context, args: Restart) -> anyhow::Result<()> {
    let which = Which::of(args.which, args.dyno_name, args.process_type);
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Restarting {} on {app}", which.words()));
    let at = match &which {
        Which::All => path(&["apps", &app, "dynos"]),
        Which::Dyno(dyno) => path(&["apps", &app, "dynos", dyno]),
        Which::Type(kind) => path(&["apps", &app, "formations", kind]),
    };
    client.delete::<Empty>(&at).await?;
    cx.env.screen.done("");
    Ok(())
}

pub(super) async fn stop(cx: &mut Context, args: Stop) -> anyhow::Result<()> {
    let which = Which::of(args.which, args.dyno_name, args.process_type);
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Stopping {} on {app}", which.words()));
    let at = match &which {
        Which::Type(kind) => path(&["apps", &app, "formations", kind, "actions", "stop"]),
        Which::Dyno(name) => path(&["apps", &app, "dynos", name, "actions", "stop"]),
        // The command line asks for one of them.
        Which::All => path(&["apps", &app, "dynos"]),
    };
    client.post::<Empty>(&at, &Empty {}).await?;
    cx.env.screen.done("");
    Ok(())
}
