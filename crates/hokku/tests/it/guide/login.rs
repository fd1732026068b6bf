//! Who we are, and an app of ours: by way of the browser, and in the terminal alone.

use super::{APP, Guide};

/// The owner of a fresh server.
const OWNER: &str = "owner@hokku.localhost";

/// `heroku login` opens a page; there a password is asked for, and whether this command line may come in.
pub(super) fn by_the_browser(guide: &mut Guide<'_>) {
    guide.page.chapter("Log in");
    let command = "heroku login";
    let mut terminal = guide.begin(command);
    terminal.until_it_shows("Press any key");
    terminal.press("x");
    let address = guide.opened();
    guide.browser.open(&address);
    guide.browser.fill("input[name=email]", OWNER);
    guide.browser.fill("input[name=password]", &guide.server.password());
    guide.browser.follow("form button");
    guide.browser.until_it_shows(&format!("Log in to the Heroku CLI as {OWNER}?"));
    guide.browser.follow("button[value=yes]");
    guide.browser.until_it_shows("You can close this window");
    guide.browser_is_content("the login's pages");
    guide.finish(command, terminal, &[]);
    guide.page.say("In the browser: e-mail, password, and *Log in*. Then the command goes on by itself.");
    guide.run("heroku auth:whoami");
}

/// An app is made on the platform's pages, and the working copy pointed at it.
pub(super) fn an_app(guide: &mut Guide<'_>) {
    guide.page.chapter("An app");
    guide
        .page
        .say("Made on the platform's page: its name, and *Create app*. (`heroku create` does the same.)");
    let pages = format!("https://dashboard.localhost:{}", guide.server.port());
    guide.browser.open(&pages);
    guide.browser.fill("input[name=name]", APP);
    guide.browser.follow("form[action='/apps'] button");
    guide.browser.until_it_shows(APP);
    guide.browser_is_content("the pages of apps");
    guide.run("git init --quiet --initial-branch=main");
    guide.run(&format!("heroku git:remote -a {APP}"));
}

/// The platform's pages, with all that has happened by now.
pub(super) fn the_pages(guide: &mut Guide<'_>) {
    let pages = format!("https://dashboard.localhost:{}", guide.server.port());
    let app = ["", "/activity", "/access", "/settings", "/logs"].map(|page| format!("/apps/{APP}{page}"));
    for page in app.into_iter().chain(["/apps".to_owned()]) {
        guide.browser.open(&format!("{pages}{page}"));
        guide.browser.until_it_shows(APP);
        guide.browser_is_content(&page);
    }
    guide.browser.open(&format!("{pages}/account"));
    guide.browser.until_it_shows(OWNER);
    guide.browser_is_content("/account");
}

/// `heroku login -i` asks in the terminal.
pub(super) fn by_the_keyboard(guide: &mut Guide<'_>) {
    guide.page.chapter("Another machine, without a browser");
    guide.run("heroku logout");
    let command = "heroku login -i";
    let mut terminal = guide.begin(command);
    terminal.until_it_shows("Email");
    terminal.press(&format!("{OWNER}\r"));
    terminal.until_it_shows("Password");
    terminal.press(&format!("{}\r", guide.server.password()));
    guide.finish(command, terminal, &[]);
}
