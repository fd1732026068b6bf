//! `addons:attach` and `addons:detach`.

use wire::{Addon, Attachment, AttachmentRequest, Named};

use crate::args::addons::{Attach, Detach};
use crate::context::{Context, newest_release, path};

pub(super) async fn attach(cx: &mut Context, args: Attach) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    // By its own name: it may belong to another app.
    let addon: Addon = client.get(&path(&["addons", &args.addon])).await?;
    cx.env.screen.start(format!("Attaching {} to {app}", addon.name));
    let request = AttachmentRequest {
        addon: Named(addon.name),
        app: Named(app.clone()),
        name: args.attachment,
        confirm: args.confirm,
        namespace: None,
    };
    let attachment: Attachment = client.post("/addon-attachments", &request).await?;
    finish(cx, &client, &app, &attachment).await
}

pub(super) async fn detach(cx: &mut Context, args: Detach) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let at = path(&["apps", &app, "addon-attachments", &args.attachment]);
    let attachment: Attachment = client.get(&at).await?;
    cx.env.screen.start(format!("Detaching {} from {app}", attachment.name));
    let attachment: Attachment = client.delete(&path(&["addon-attachments", &attachment.id])).await?;
    finish(cx, &client, &app, &attachment).await
}

/// Tells the release that came of it, and the attachment's name to scripts.
async fn finish(
    cx: &mut Context,
    client: &wire::Client,
    app: &str,
    attachment: &Attachment,
) -> anyhow::Result<()> {
    let release = newest_release(client, app).await?;
    cx.env.screen.done(release.map(|release| format!("v{}", release.version)).unwrap_or_default());
    Ok(cx.env.screen.say(&attachment.name)?)
}
