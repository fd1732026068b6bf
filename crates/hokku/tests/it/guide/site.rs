//! The site, as its visitors have it: in a browser that trusts the platform's authority and nothing less.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::until::{PATIENCE, until};

use super::data::{PASSWORD, PERSON};
use super::{APP, Guide, HOST, has};

/// No other picture of the site is as wide.
pub(super) const PICTURE_WIDTH: u64 = 321;
/// Draws a picture and gives it as a PNG file.
const DRAW: &str = "(() => { const canvas = document.createElement('canvas'); canvas.width = WIDTH; canvas.height = 200; \
     const brush = canvas.getContext('2d'); brush.fillStyle = 'teal'; brush.fillRect(0, 0, WIDTH, 200); \
     return canvas.toDataURL('image/png').split(',')[1]; })()";

pub(super) fn address(guide: &Guide<'_>, path: &str) -> String {
    format!("https://{HOST}:{}{path}", guide.server.port())
}

pub(super) fn open(guide: &mut Guide<'_>) {
    guide.page.chapter("Look at it");
    guide.run("heroku open");
    let opened = guide.opened();
    assert_eq!(opened, address(guide, "/"));
    guide.browser.open(&opened);
    guide.browser.until_it_shows("What is on");
    guide.browser_is_content("the home page");
    let issuers = guide.browser.issuers().join(", ");
    let seen = if issuers.starts_with("Hokku") { Ok(()) } else { Err(issuers) };
    guide.holds(
        "host",
        "open",
        "the page that `heroku open` opens, in a browser that verifies its certificate",
        seen,
    );
}

pub(super) fn logs(guide: &mut Guide<'_>) {
    guide.page.chapter("Logs");
    let command = "heroku logs --tail";
    let mut terminal = guide.begin(command);
    terminal.until_it_shows("Booting worker with pid");
    assert_eq!(guide.server.page(APP, "/healthz").status, 200);
    terminal.until_it_shows("path=\"/healthz\"");
    terminal.press("\u{3}");
    let (_, shown) = terminal.end();
    let lines = [
        "Starting process with command",
        "Listening at",
        "State changed from starting to up",
        "path=\"/healthz\"",
    ];
    guide.page.command(command, &shown, &lines);
}

/// The admin over verified HTTPS: signing in, its style sheets, a picture of an event and one of a person.
pub(super) fn admin(guide: &mut Guide<'_>) {
    guide.page.chapter("The admin, and a picture");
    guide.page.say("In the browser: sign in at `/admin/`, add an event with a picture, look at its page; then a picture of oneself.");
    let to = address(guide, "/admin/");
    guide.browser.open(&to);
    guide.browser.fill("#id_username", PERSON);
    guide.browser.fill("#id_password", PASSWORD);
    guide.browser.follow("input[type=submit]");
    guide.browser.until_it_shows("Site administration");
    let style =
        "[...document.styleSheets].map(sheet => sheet.href + ' ' + sheet.cssRules.length).join('\\n')";
    let sheets = guide.browser.evaluate(style).as_str().unwrap_or_default().to_owned();
    guide.browser_is_content("the admin");
    guide.holds(
        "whitenoise",
        "admin",
        "the admin's style sheets in the browser",
        has(&sheets, &["/static/admin/css/base."]),
    );
    let style = sheets.split_whitespace().find_map(|word| word.split_once("/static/")).expect("a sheet").1;
    let file = guide.server.page(APP, &format!("/static/{style}"));
    let kept = file.header("cache-control").unwrap_or_default().to_owned();
    let seen = if file.status == 200 { has(&kept, &["immutable"]) } else { Err(file.text()) };
    guide.holds("whitenoise", "admin", "the headers of `/static/…`, which browsers keep for good", seen);
    an_event(guide);
    oneself(guide);
}

fn an_event(guide: &mut Guide<'_>) {
    let picture = picture(guide);
    let to = address(guide, "/admin/events/event/add/");
    guide.browser.open(&to);
    let fields = [
        ("title", "Reading poems"),
        ("place", "The old library"),
        ("starts_at_0", "2030-01-01"),
        ("starts_at_1", "20:00:00"),
    ];
    for (field, text) in fields {
        guide.browser.fill(&format!("#id_{field}"), text);
    }
    guide.browser.choose("#id_image", &picture);
    guide.browser.follow("input[name=_save]");
    guide.browser.until_it_shows("was added successfully");
    let to = address(guide, "/events/1/");
    guide.browser.open(&to);
    let seen = shows_the_picture(guide);
    guide.browser_is_content("the event's page");
    guide.holds(
        "pictures",
        "an_event",
        "an event's page in the browser, after the upload in the admin",
        seen,
    );
}

fn oneself(guide: &mut Guide<'_>) {
    upload_ones_picture(guide);
    let seen = shows_the_picture(guide);
    guide.browser_is_content("a person's page");
    guide.holds("pictures", "oneself", "a person's page in the browser, after the upload", seen);
}

/// Chooses a picture of oneself, which leads to one's page.
pub(super) fn upload_ones_picture(guide: &mut Guide<'_>) {
    let picture = picture(guide);
    let to = address(guide, "/me/");
    guide.browser.open(&to);
    guide.browser.choose("#id_picture", &picture);
    guide.browser.follow("main form button");
    guide.browser.until_it_shows("Your profile is saved.");
}

/// A file with a picture, for want of a camera.
fn picture(guide: &mut Guide<'_>) -> PathBuf {
    let picture = guide.browser.evaluate(&DRAW.replace("WIDTH", &PICTURE_WIDTH.to_string()));
    let picture = STANDARD.decode(picture.as_str().expect("a text")).expect("base64");
    guide.browser.file("picture.png", &picture)
}

/// A picture as wide as the one that was drawn.
fn shows_the_picture(guide: &mut Guide<'_>) -> Result<(), String> {
    let pictures = guide.browser.pictures();
    let shown = pictures.iter().any(|(_, width)| *width == PICTURE_WIDTH);
    if shown { Ok(()) } else { Err(format!("{pictures:?}")) }
}

/// The app leads from HTTP to HTTPS when told to; it knows which is which from the router's header.
pub(super) fn only_https(guide: &mut Guide<'_>) {
    guide.page.chapter("HTTPS only");
    guide.run("heroku config:set HTTPS_ONLY=1");
    let plain = until("plain HTTP is led elsewhere", PATIENCE, || {
        let answer = guide.server.page_in_the_open(APP, "/healthz");
        (answer.status == 301).then_some(answer)
    });
    let (location, tls) = (plain.header("location").unwrap_or_default(), guide.server.page(APP, "/healthz"));
    let seen = if tls.status == 200 && tls.header("strict-transport-security").is_some() {
        has(location, &[&address(guide, "/healthz")])
    } else {
        Err(format!("{tls:?}"))
    };
    guide.holds(
        "https",
        "only_https",
        "the app redirects `http://`, and answers over `https://` with HSTS",
        seen,
    );
}
