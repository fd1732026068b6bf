//! `login`: an address and a password become a token, which is kept.

use wire::{Account, Authorization, AuthorizationRequest, Client, ClientError, Text};

use crate::args::account::Login as Args;
use crate::context::Context;
use crate::credentials::Login;
use crate::words::Problem;

pub(super) async fn run(cx: &mut Context, args: Args) -> anyhow::Result<()> {
    let folder = cx.folder()?;
    let server = cx.server()?;
    cx.env.screen.note(format!("Logging in to {}", server.url));
    let email = cx.env.screen.ask("Email: ")?.ok_or(Problem::NothingTyped)?;
    let password = cx.env.screen.ask_secret("Password: ")?.ok_or(Problem::NothingTyped)?;

    let ca_pem = server.ca_pem()?;
    let request = AuthorizationRequest {
        scope: vec!["global".to_owned()],
        description: Some("Hokku CLI login".to_owned()),
        expires_in: Some(Text(args.expires_in.to_string())),
    };
    let client = Client::new(&server.url, None, &ca_pem)?.with_password(email.trim(), &password);
    let made: Authorization = match client.post("/oauth/authorizations", &request).await {
        Err(ClientError::Refused { status, .. }) if status.as_u16() == 401 => {
            return Err(Problem::WrongPassword { email: email.trim().to_owned() }.into());
        }
        made => made?,
    };
    let no_token = || Problem::Missing { what: "the server made no token".to_owned(), hint: "try again" };
    let token = made.access_token.ok_or_else(no_token)?.token;
    let account: Account = Client::new(&server.url, Some(&token), &ca_pem)?.get("/account").await?;

    let mut logins = cx.logins()?;
    let login =
        Login { email: account.email.clone(), token, authorization: made.id, ca_pem: server.own_ca_pem()? };
    logins.servers.insert(server.url.clone(), login);
    logins.default = Some(server.url);
    logins.write(&folder)?;
    cx.env.screen.note(format!("Logged in as {}", account.email));
    Ok(())
}
