//! `apps:transfer` and what the recipient answers.

use wire::{AppTransfer, AppTransferChange, AppTransferRequest};

use crate::args::apps::{Decide, Transfer};
use crate::context::{Context, path};

pub(super) async fn offer(cx: &mut Context, args: Transfer) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    cx.env.screen.start(format!("Offering {app} to {}", args.recipient));
    let request = AppTransferRequest {
        app: app.as_str().into(),
        recipient: args.recipient.as_str().into(),
        silent: None,
    };
    client.post::<AppTransfer>("/account/app-transfers", &request).await?;
    cx.env.screen.done("");
    cx.env.screen.note(format!("It is theirs once they take it: hokku apps:transfer:accept {app}"));
    Ok(())
}

pub(super) async fn accept(cx: &mut Context, args: Decide) -> anyhow::Result<()> {
    decide(cx, &args.app, "Taking", "accepted").await
}

pub(super) async fn decline(cx: &mut Context, args: Decide) -> anyhow::Result<()> {
    decide(cx, &args.app, "Declining", "declined").await
}

async fn decide(cx: &mut Context, app: &str, doing: &str, state: &str) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("{doing} {app}"));
    let change = AppTransferChange { state: state.to_owned() };
    let done: AppTransfer = client.patch(&path(&["account", "app-transfers", app]), &change).await?;
    let owner = if state == "accepted" { done.recipient.email } else { done.owner.email };
    cx.env.screen.done(format!("owned by {owner}"));
    Ok(())
}

pub(super) async fn cancel(cx: &mut Context, args: Decide) -> anyhow::Result<()> {
    let client = cx.client()?;
    cx.env.screen.start(format!("Taking back the offer of {}", args.app));
    client.delete::<AppTransfer>(&path(&["account", "app-transfers", &args.app])).await?;
    cx.env.screen.done("");
    Ok(())
}
