//! `addons:services`: every service with its plans.

use wire::{AddonService, Plan};

use crate::args::addons::Services;
use crate::context::{Context, path};
use crate::table::columns;

pub(super) async fn run(cx: &mut Context, args: Services) -> anyhow::Result<()> {
    let client = cx.client()?;
    let services: Vec<AddonService> = client.list("/addon-services").await?;
    let mut plans: Vec<Plan> = Vec::new();
    for service in &services {
        plans.extend(client.list::<Plan>(&path(&["addon-services", &service.name, "plans"])).await?);
    }
    if args.json {
        return cx.env.screen.json(&plans);
    }
    let mut rows = vec![["Plan", "What it is"].map(str::to_owned).to_vec()];
    rows.extend(plans.into_iter().map(|plan| {
        let default = if plan.default { " (default)" } else { "" };
        vec![format!("{}{default}", plan.name), plan.description]
    }));
    Ok(cx.env.screen.say(columns(&rows))?)
}
