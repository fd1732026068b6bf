//! `logout`: the token ends, there and here.

use wire::{Authorization, ClientError};

use crate::context::{Context, path};
use crate::words::Problem;

pub(super) async fn run(cx: &mut Context) -> anyhow::Result<()> {
    let folder = cx.folder()?;
    let server = cx.server()?;
    let mut logins = cx.logins()?;
    let url = server.url.clone();
    let login = logins.servers.remove(&url).ok_or(Problem::NotLoggedIn { url: url.clone() })?;
    if logins.default.as_ref() == Some(&url) {
        logins.default = logins.servers.keys().next().cloned();
    }
    let client = wire::Client::new(&url, Some(&login.token), &server.ca_pem()?)?;
    let ended =
        client.delete::<Authorization>(&path(&["oauth", "authorizations", &login.authorization])).await;
    // Forgotten here in any case, or nobody could log out of a server that is gone.
    logins.write(&folder)?;
    match ended {
        Ok(_) => {}
        // It has ended already.
        Err(ClientError::Refused { status, .. }) if matches!(status.as_u16(), 401 | 404) => {}
        Err(error) => cx.env.screen.note(format!("Warning: the token still works there: {error}")),
    }
    cx.env.screen.note(format!("Logged out of {url}"));
    Ok(())
}
