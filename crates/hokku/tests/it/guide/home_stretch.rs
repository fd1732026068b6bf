//! What comes after the first days: checks, restarts, scaling, releases, and what a dyno forgets.

use crate::server::HOKKU;
use crate::until::{PATIENCE, until, until_true};

use super::data::PERSON;
use super::site::{PICTURE_WIDTH, address, upload_ones_picture};
use super::{APP, Guide, has, login};

pub(super) fn checks(guide: &mut Guide<'_>) {
    guide.page.chapter("Before others use it");
    guide.page.say(
        "The guide types the next one without `--`. The official command of today refuses that by itself, wherever it is \
         pointed; the one before it did not, and `hokku run` does not.",
    );
    guide.run_refused("heroku run python manage.py check --deploy", &["Nonexistent flag: --deploy"]);
    // Two that only the owner of a domain can answer; what the guide sets is set.
    let lines = ["security.W005", "security.W021", "System check identified 2 issues"];
    guide.run_showing("heroku run -- python manage.py check --deploy", &lines);
    guide.run_showing(&format!("{HOKKU} run python manage.py check --deploy"), &lines[2..]);
    guide.run_showing("heroku run -- python manage.py collectstatic --noinput", &["static files"]);
}

pub(super) fn processes(guide: &mut Guide<'_>) {
    guide.page.chapter("Processes");
    guide.run("heroku ps:scale web=2");
    until_web_dynos(guide, 2);
    guide.run("heroku ps");
    guide.run("heroku ps:scale web=1");
    until_web_dynos(guide, 1);
}

/// Waits until so many web dynos are up, and no other.
fn until_web_dynos(guide: &Guide<'_>, wanted: usize) {
    until("the dynos are up", PATIENCE, || {
        let dynos = guide.server.get(&format!("/apps/{APP}/dynos"));
        let dynos = dynos.as_array()?;
        (dynos.len() == wanted && dynos.iter().all(|dyno| dyno["state"] == "up")).then_some(())
    });
}

/// Without a bucket pictures lie on the dyno's disk, which does not outlive it.
pub(super) fn files_go(guide: &mut Guide<'_>) {
    guide.page.chapter("What a dyno forgets");
    guide.page.say("The picture lay on the dyno's disk. A restart takes it away.");
    let picture = picture_on_disk(guide, "/events/1/");
    guide.run("heroku restart");
    until_gone(guide, &picture);
    let seen_at = "an uploaded picture's address, before and after `heroku restart`";
    guide.holds("ephemeral", "files_go", seen_at, Ok(()));
    let theirs = guide.in_dyno("echo mine > a-file; ls a-file");
    let others = guide.in_dyno("ls -A");
    let seen = if others.contains("a-file") { Err(others) } else { has(&theirs, &["a-file"]) };
    guide.holds("apart", "files_go", "a file made by one `heroku run`, looked for by another", seen);
}

/// The address of the picture that was uploaded for this page.
fn picture_on_disk(guide: &mut Guide<'_>, page: &str) -> String {
    let to = address(guide, page);
    guide.browser.open(&to);
    let pictures = guide.browser.pictures();
    guide.browser_is_content(page);
    let uploaded = pictures.iter().find(|(_, width)| *width == PICTURE_WIDTH);
    let (picture, _) = uploaded.unwrap_or_else(|| panic!("no picture on {page}: {pictures:?}"));
    picture.find("/media/").map(|at| picture[at..].to_owned()).expect("on the dyno")
}

fn until_gone(guide: &Guide<'_>, picture: &str) {
    until_true("the picture is gone", PATIENCE, || guide.server.page(APP, picture).status == 404);
}

/// A push takes the dyno's disk away as well.
pub(super) fn second_edition(guide: &mut Guide<'_>) {
    guide.page.say("So does the next push.");
    upload_ones_picture(guide);
    let picture = picture_on_disk(guide, &format!("/people/{PERSON}/"));
    next_edition(guide, "second edition");
    until_gone(guide, &picture);
    guide.holds(
        "ephemeral",
        "second_edition",
        "an uploaded picture's address, before and after `git push`",
        Ok(()),
    );
}

/// Changes a line and pushes it.
pub(super) fn next_edition(guide: &mut Guide<'_>, name: &str) {
    guide.developer.write("eventsite/version.py", &format!("RELEASE_MARKER = \"{name}\"\n"));
    guide.run(&format!("git commit --quiet --all --message 'The {name}' && git push heroku main"));
    assert_eq!(edition(guide), name);
}

pub(super) fn releases(guide: &mut Guide<'_>) {
    guide.page.chapter("Releases");
    guide.run("heroku buildpacks");
    guide.run("heroku releases");
    guide.run("heroku rollback");
    until_true("the edition before answers", PATIENCE, || edition(guide) == "second edition");
    guide.run_showing("heroku releases", &["Current", "Rollback to"]);
    login::the_pages(guide);
}

/// Which code answers.
fn edition(guide: &Guide<'_>) -> String {
    guide.server.page(APP, "/healthz").json()["release"].as_str().unwrap_or_default().to_owned()
}
