//! Access.

use wire::{Collaborator, CollaboratorRequest};

use crate::args::Show;
use crate::args::access::{Command, Person};
use crate::context::{Context, path};
use crate::table::columns;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(show) => list(cx, show).await,
        Command::Add(args) => add(cx, args).await,
        Command::Remove(args) => remove(cx, args).await,
    }
}

async fn list(cx: &mut Context, show: Show) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&show.app)?;
    let list: Vec<Collaborator> = client.list(&path(&["apps", &app, "collaborators"])).await?;
    if show.json {
        return cx.env.screen.json(&list);
    }
    let rows: Vec<_> = list
        .into_iter()
        .map(|one| vec![one.user.email, one.role.unwrap_or_else(|| "collaborator".to_owned())])
        .collect();
    Ok(cx.env.screen.say(columns(&rows))?)
}

async fn add(cx: &mut Context, args: Person) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Adding {} access to the app {app}", args.email));
    let request = CollaboratorRequest { user: args.email.as_str().into(), silent: None };
    client.post::<Collaborator>(&path(&["apps", &app, "collaborators"]), &request).await?;
    cx.env.screen.done("");
    Ok(())
}

async fn remove(cx: &mut Context, args: Person) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Removing {} access from the app {app}", args.email));
    client.delete::<Collaborator>(&path(&["apps", &app, "collaborators", &args.email])).await?;
    cx.env.screen.done("");
    Ok(())
}
