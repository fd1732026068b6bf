//! `git:credentials`: git asks for the password of a host.
//!
//! git writes what it knows as `name=value` lines and reads the same. Other hosts than those of servers known here are
//! somebody else's, and get no answer.

use std::io::Read;

use crate::context::Context;
use crate::server::Server;

/// Most that git says, in bytes.
const QUESTION_BYTES_MAX: u64 = 64 << 10;

pub(super) fn run(cx: &mut Context, what: &str) -> anyhow::Result<()> {
    // The token is kept already, and nothing is forgotten because a push was refused.
    if what != "get" {
        return Ok(());
    }
    let mut question = String::new();
    if let Some(input) = cx.env.screen.take_input() {
        input.take(QUESTION_BYTES_MAX).read_to_string(&mut question)?;
    }
    let said = |name: &str| {
        question
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value)
    };
    let (Some("https"), Some(host)) = (said("protocol"), said("host")) else { return Ok(()) };
    if let Some(token) = token_for(cx, host)? {
        cx.env.screen.say(format!("username=hokku\npassword={token}"))?;
    }
    Ok(())
}

/// The token of the server whose git this is: the one that is meant, or any that was logged in to.
fn token_for(cx: &mut Context, host: &str) -> anyhow::Result<Option<String>> {
    let logins = cx.logins()?;
    let meant = cx.server().ok();
    let known = logins.servers.keys().filter_map(|url| Server::choose(&cx.env, Some(url), &logins).ok());
    let found = meant.into_iter().chain(known).find(|server| server.git_host() == host);
    Ok(found.and_then(|server| server.token))
}
