//! The common troubles: each comes up in the app as it does in practice, is looked for where the guide says, and is cured
//! by what the platform says.

use std::path::Path;

use crate::until::{PATIENCE, until_true};

use super::site::address;
use super::{APP, Guide, has};

const EVENT: &str = "/events/1/";
const SHEETS: &str =
    "[...document.styleSheets].map(sheet => sheet.href + ' ' + sheet.cssRules.length).join('\\n')";

pub(super) fn application_error(guide: &mut Guide<'_>) {
    guide.page.chapter("Trouble: application error 500");
    let seen_at = "the home page: 500, then 200 after the command that `heroku logs` named";
    break_it(guide, "config-var-missing");
    push(guide, "Tell whom to ask", &["Verifying deploy... done."]);
    status(guide, "/", 500);
    log(
        guide,
        "Likely cause: The config var ORGANISER_EMAIL is not set. Cure: `hokku config:set ORGANISER_EMAIL=",
    );
    guide.run("heroku config:set ORGANISER_EMAIL=jane@example.com");
    cured(guide, "/");
    guide.holds("trouble-500", "application_error", seen_at, Ok(()));
}

pub(super) fn static_files(guide: &mut Guide<'_>) {
    guide.page.chapter("Trouble: static files do not load");
    break_it(guide, "static-file-missing");
    push(guide, "Other colours", &["Verifying deploy... done."]);
    status(guide, "/", 500);
    log(guide, "Likely cause: A template names the static file events/sites.css");
    guide.run("sed -i s/sites.css/site.css/ templates/base.html");
    push(guide, "The name of the style sheet", &["static files copied", "Verifying deploy... done."]);
    cured(guide, "/");
    // A page without pictures: those that were uploaded are gone by now.
    let login = address(guide, "/accounts/login/");
    guide.browser.open(&login);
    let sheets = guide.browser.evaluate(SHEETS).as_str().unwrap_or_default().to_owned();
    guide.browser_is_content("the page to log in");
    let seen_at = "a page's style sheets in the browser, after the cure that `heroku logs` told";
    guide.holds("trouble-static", "static_files", seen_at, has(&sheets, &["/static/events/site."]));
}

pub(super) fn migrations(guide: &mut Guide<'_>) {
    guide.page.chapter("Trouble: migration errors");
    break_it(guide, "migration-missing");
    let noticed = [
        "The doctor noticed",
        "The field Event.price is in no migration",
        "Mend: ",
        "Verifying deploy... done.",
    ];
    push(guide, "Events have a price", &noticed);
    status(guide, EVENT, 500);
    log(guide, "Likely cause: The database has no events_event.price");
    guide.developer.export("DEBUG", "1");
    guide.run(".venv/bin/python manage.py makemigrations events");
    guide.developer.unset("DEBUG");
    push(guide, "The migration", &["Applying events.0002_event_price... OK", "Verifying deploy... done."]);
    cured(guide, EVENT);
    let seen_at = "an event's page: 500, then 200 after what the push and `heroku logs` told";
    guide.holds("trouble-migration", "migrations", seen_at, Ok(()));
}

pub(super) fn module_not_found(guide: &mut Guide<'_>) {
    guide.page.chapter("Trouble: module not found");
    break_it(guide, "module-missing");
    let refused =
        ["ModuleNotFoundError: No module named 'qrcode'", "Likely cause: ", "Cure: ", "[remote rejected]"];
    guide.run_refused(&commit_and_push("Codes to scan"), &refused);
    guide.page.say("The app goes on in the edition before:");
    status(guide, EVENT, 200);
    guide.run("echo qrcode >> requirements.txt");
    push(guide, "What the codes need", &["+ qrcode", "Verifying deploy... done."]);
    cured(guide, EVENT);
    let seen_at = "the push: refused, then taken after the command that it named";
    guide.holds("trouble-module", "module_not_found", seen_at, Ok(()));
}

/// Makes a change that breaks the app, and shows it.
fn break_it(guide: &mut Guide<'_>, name: &str) {
    let patch =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/broken").join(name).join("change.patch");
    guide.developer.git(&["apply", patch.to_str().expect("a plain path")]).ok();
    guide.run("git --no-pager diff --unified=0");
}

fn commit_and_push(message: &str) -> String {
    format!("git add . && git commit --quiet --message '{message}' && git push heroku main")
}

fn push(guide: &mut Guide<'_>, message: &str, lines: &[&str]) {
    guide.run_showing(&commit_and_push(message), lines);
}

/// How a page answers, as anybody can see it.
fn status(guide: &mut Guide<'_>, path: &str, status: u16) {
    let command = format!("curl --silent --head {}", address(guide, path));
    guide.run_showing(&command, &[&format!("HTTP/1.1 {status} ")]);
}

/// What the log says about it.
fn log(guide: &mut Guide<'_>, cause: &str) {
    guide.server.until_logged(APP, &[cause]);
    guide.run_showing("heroku logs --dyno web.1 -n 200", &[cause]);
}

fn cured(guide: &mut Guide<'_>, path: &str) {
    until_true("the page is back", PATIENCE, || guide.server.page(APP, path).status == 200);
    status(guide, path, 200);
}
