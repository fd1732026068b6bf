//! Access.

use wire::Collaborator;

use crate::args::access::Command;
use crate::context::{Context, path};
use crate::table::columns;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    let Command::List(show) = command;
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
