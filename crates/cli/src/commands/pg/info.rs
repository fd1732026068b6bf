//! `pg:info`.

use wire::{Addon, ClientError, Database};

use crate::args::pg::Info;
use crate::commands::addons;
use crate::context::{Context, path};
use crate::table::facts;
use crate::terminal::Paint;

pub(super) async fn run(cx: &mut Context, args: Info) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.show.app)?;
    let found: Vec<Addon> = match &args.database {
        Some(text) => vec![addons::find(&client, &app, text).await?],
        None => client.list(&path(&["apps", &app, "addons"])).await?,
    };
    let mut databases = Vec::new();
    for addon in found.into_iter().filter(|addon| addon.addon_service.name == super::SERVICE) {
        let database = client.get::<Database>(&path(&["client", "v11", "databases", &addon.id])).await;
        match database {
            Ok(database) => databases.push((addon, database)),
            Err(ClientError::Refused { status, .. }) if status.as_u16() == 404 => {
                cx.env.screen.note(format!("{} is not yet provisioned", addon.name));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if args.show.json {
        // The address holds the password; `config:get` tells it to who asks for it.
        let told: Vec<_> =
            databases.into_iter().map(|(_, it)| Database { resource_url: None, ..it }).collect();
        return cx.env.screen.json(&told);
    }
    if databases.is_empty() {
        cx.env
            .screen
            .note(format!("{app} has no databases; `hokku addons:create {}` makes one", super::SERVICE));
    }
    for (at, (addon, database)) in databases.iter().enumerate() {
        let gap = if at == 0 { "" } else { "\n" };
        let heading = cx.env.screen.paint(Paint::Bold, &format!("=== {}", addon.config_vars.join(", ")));
        let told = database.info.iter().filter(|fact| !fact.values.is_empty());
        let told = told.map(|fact| (fact.name.as_str(), fact.values.join(", ")));
        let told = facts(told.chain([("Add-on", addon.name.clone())]));
        cx.env.screen.say(format!("{gap}{heading}\n\n{told}"))?;
    }
    Ok(())
}
