//! API tokens.

use wire::{Authorization, AuthorizationChange, AuthorizationRequest, Empty, Text};

use crate::args::authorizations::{Command, Create, List};
use crate::context::{Context, path};
use crate::table::{columns, facts};

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(cx, args).await,
        Command::Create(args) => create(cx, args).await,
        Command::Info(args) => {
            let found: Authorization = cx.client()?.get(&at(&args.id)).await?;
            if args.json { cx.env.screen.json(&found) } else { tell(cx, &found) }
        }
        Command::Update(args) => {
            let change = AuthorizationChange { description: Some(args.description), client: None };
            let changed = cx.client()?.patch(&at(&args.id), &change).await?;
            tell(cx, &changed)
        }
        Command::Revoke(args) => {
            let client = cx.client()?;
            cx.env.screen.start(format!("Revoking {}", args.id));
            let gone: Authorization = client.delete(&at(&args.id)).await?;
            cx.env.screen.done(gone.description);
            Ok(())
        }
        Command::Rotate(args) => {
            let path = format!("{}/actions/regenerate-tokens", at(&args.id));
            let rotated = cx.client()?.post(&path, &Empty {}).await?;
            tell(cx, &rotated)
        }
    }
}

fn at(id: &str) -> String {
    path(&["oauth", "authorizations", id])
}

async fn list(cx: &mut Context, args: List) -> anyhow::Result<()> {
    let list: Vec<Authorization> = cx.client()?.list("/oauth/authorizations").await?;
    if args.json {
        return cx.env.screen.json(&list);
    }
    let row =
        |one: Authorization| vec![one.description, one.id, one.scope.join(","), token(one.access_token)];
    let rows: Vec<_> = list.into_iter().map(row).collect();
    Ok(cx.env.screen.say(columns(&rows))?)
}

fn token(token: Option<wire::AuthorizationToken>) -> String {
    token.map(|token| token.token).unwrap_or_default()
}

async fn create(cx: &mut Context, args: Create) -> anyhow::Result<()> {
    let request = AuthorizationRequest {
        scope: args.scope,
        description: args.description,
        expires_in: args.expires_in.map(|seconds| Text(seconds.to_string())),
    };
    let made: Authorization = cx.client()?.post("/oauth/authorizations", &request).await?;
    match (args.short, args.json) {
        (true, _) => Ok(cx.env.screen.say(token(made.access_token))?),
        (_, true) => cx.env.screen.json(&made),
        _ => tell(cx, &made),
    }
}

fn tell(cx: &mut Context, one: &Authorization) -> anyhow::Result<()> {
    let mut told = vec![
        ("ID", one.id.clone()),
        ("Description", one.description.clone()),
        ("Scope", one.scope.join(",")),
        ("Token", token(one.access_token.clone())),
        ("Updated", cx.when(&one.updated_at)),
    ];
    if let Some(seconds) = one.access_token.as_ref().and_then(|token| token.expires_in) {
        told.push(("Expires in", format!("{seconds} s")));
    }
    Ok(cx.env.screen.say(facts(told))?)
}
