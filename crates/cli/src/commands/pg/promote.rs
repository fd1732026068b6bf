//! `pg:promote`: another database becomes the one in `DATABASE_URL`; the one that was keeps a name.

use wire::{Attachment, AttachmentRequest, Named as Name};

use crate::args::pg::Named;
use crate::commands::addons;
use crate::context::{Context, newest_release, path};
use crate::words::Problem;

const DATABASE: &str = "DATABASE";

pub(super) async fn run(cx: &mut Context, args: Named) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = addons::find(&client, &app, &args.database).await?;
    let attachments: Vec<Attachment> = client.list(&path(&["apps", &app, "addon-attachments"])).await?;
    let wish = |addon: &str, name: Option<&str>| AttachmentRequest {
        addon: Name(addon.to_owned()),
        app: Name(app.clone()),
        name: name.map(str::to_owned),
        confirm: Some(app.clone()),
        namespace: None,
    };
    if let Some(current) = attachments.iter().find(|attachment| attachment.name == DATABASE) {
        if current.addon.id == addon.id {
            let what = format!("{} is the database of {app} already", addon.name);
            return Err(Problem::Missing { what, hint: "`hokku pg:info` lists the others" }.into());
        }
        let of_current = |it: &&Attachment| it.addon.id == current.addon.id && it.name != DATABASE;
        let name = match attachments.iter().find(of_current) {
            Some(other) => other.name.clone(),
            None => {
                let other_name = wish(&current.addon.name, None);
                client.post::<Attachment>("/addon-attachments", &other_name).await?.name
            }
        };
        cx.env.screen.note(format!("{} stays as {name}_URL", current.addon.name));
    }
    cx.env.screen.start(format!("Promoting {} to DATABASE_URL on {app}", addon.name));
    client.post::<Attachment>("/addon-attachments", &wish(&addon.name, Some(DATABASE))).await?;
    let release = newest_release(&client, &app).await?;
    cx.env.screen.done(release.map(|release| format!("v{}", release.version)).unwrap_or_default());
    Ok(())
}
