//! The people of a platform, for its owner.

use wire::{Empty, Invitation, PlatformAccount, PlatformAccountRemoval, PlatformAccountRequest};

use crate::args::accounts::{Command, List, Person, Remove};
use crate::context::{Context, path};
use crate::table::columns;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(cx, args).await,
        Command::Add(args) => add(cx, args).await,
        Command::Reset(args) => reset(cx, args).await,
        Command::Remove(args) => remove(cx, args).await,
    }
}

async fn list(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let people: Vec<PlatformAccount> = cx.client()?.list("/hokku/accounts").await?;
    if args.json {
        return cx.env.screen.json(&people);
    }
    let rows: Vec<_> = people
        .into_iter()
        .map(|person| {
            let state = if person.owner { "owner".to_owned() } else { person.state };
            vec![
                person.email,
                state,
                format!("{} app{}", person.apps, if person.apps == 1 { "" } else { "s" }),
            ]
        })
        .collect();
    Ok(cx.env.screen.say(columns(&rows))?)
}

async fn add(cx: &mut Context, args: Person) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("Adding {}", args.email));
    let request = PlatformAccountRequest { email: args.email };
    let invitation: Invitation = client.post("/hokku/accounts", &request).await?;
    tell(cx, &invitation)
}

async fn reset(cx: &mut Context, args: Person) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("Making a new link for {}", args.email));
    let at = path(&["hokku", "accounts", &args.email, "actions", "reset"]);
    let invitation: Invitation = client.post(&at, &Empty {}).await?;
    tell(cx, &invitation)
}

/// The link is the data; what to do with it stands beside.
fn tell(cx: &mut Context, invitation: &Invitation) -> anyhow::Result<()> {
    cx.env.screen.done("");
    let what = if invitation.reset { "choose a new password" } else { "choose a password" };
    cx.env.screen.note(format!(
        "Give {} this link to {what}. It works once, until {}:",
        invitation.email, invitation.expires_at
    ));
    Ok(cx.env.screen.say(invitation.url.as_deref().unwrap_or_default())?)
}

async fn remove(cx: &mut Context, args: Remove) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("Removing {}", args.email));
    let asked = PlatformAccountRemoval { apps_to: args.apps_to.as_deref().map(Into::into) };
    let gone: PlatformAccount =
        client.delete_with(&path(&["hokku", "accounts", &args.email]), &asked).await?;
    let apps = args.apps_to.filter(|_| gone.apps > 0);
    cx.env.screen.done(apps.map(|to| format!("{} owns the apps now", to)).unwrap_or_default());
    Ok(())
}
