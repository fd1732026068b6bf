//! Backups: captured, downloaded, and brought back after a table was lost.

use crate::until::{PATIENCE, until_true};

use super::{APP, Guide, has};

const PAGE: &str = "/events/1/";

pub(super) fn what_is_lost_comes_back(guide: &mut Guide<'_>) {
    guide.page.chapter("Backups");
    guide.run("heroku pg:backups:capture");
    guide.run("heroku pg:backups");
    let told = guide.run("heroku pg:backups:info b001");
    has(&told, &["Completed", "compared,"]).expect("a backup counts once it was restored and compared");
    guide.run("heroku pg:backups:download");
    let tables = guide.run("pg_restore --list latest.dump | grep --count 'TABLE DATA'");
    has(&told, &[&format!(" {} tables with ", tables.trim())]).expect("all tables are in the file");
    guide.developer.run("rm", &["latest.dump"]).ok();
    guide.page.say("Now somebody makes a mistake, and the page of an event ends with status 500.");
    let count = "heroku pg:psql --command 'SELECT count(*) FROM events_event'";
    let before = guide.run(count);
    guide.run("heroku pg:psql --command 'DROP TABLE events_event CASCADE'");
    assert_eq!(guide.server.page(APP, PAGE).status, 500);
    guide.run(&format!("heroku pg:backups:restore b001 DATABASE_URL --confirm {APP}"));
    until_true("the event's page is back", PATIENCE, || guide.server.page(APP, PAGE).status == 200);
    assert_eq!(guide.run(count), before);
}
