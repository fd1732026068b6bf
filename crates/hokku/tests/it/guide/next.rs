//! What people type next, once the guide's last line is behind them.

use crate::server::HOKKU;
use crate::until::{PATIENCE, until_true};

use super::{APP, Guide};

pub(super) fn looking_back(guide: &mut Guide<'_>) {
    guide.page.chapter("And then: what was released");
    guide.run("heroku releases:info");
    guide.run("heroku releases:output");
    guide.run("heroku ps:type");
    guide.run("heroku ps:wait");
    guide.run("heroku run:detached python manage.py check");
    let log = || guide.developer.heroku(&["logs", "--source", "app", "-n", "50"]).ok().out;
    until_true("the detached check is in the log", PATIENCE, || {
        log().contains("System check identified no issues")
    });
    guide.run("heroku ps:stop --dyno-name web.1");
}

pub(super) fn the_app_itself(guide: &mut Guide<'_>) {
    guide.page.chapter("And then: the app itself");
    let other = "https://github.com/heroku/heroku-buildpack-python";
    guide.run(&format!("heroku buildpacks:add {other}"));
    guide.run(&format!("heroku buildpacks:remove {other}"));
    guide.run("heroku buildpacks:clear");
    guide.run("heroku buildpacks:set heroku/python");
    edit(guide);
    guide.run("heroku maintenance:on");
    guide.run("heroku maintenance");
    guide.run("heroku maintenance:off");
    guide.run("heroku labs");
    guide.run("heroku features");
    guide.run("heroku regions");
    guide.run("heroku apps:stacks");
    guide.run("heroku apps:rename gatherings");
    guide.run(&format!("heroku apps:rename {APP} --app gatherings"));
}

/// With whatever editor the shell names.
fn edit(guide: &mut Guide<'_>) {
    guide.developer.export_program("EDITOR", "sed -i s/jane/joan/ \"$1\"");
    let command = "heroku config:edit ORGANISER_EMAIL";
    let mut terminal = guide.begin(command);
    terminal.until_it_shows("Update config on events with these values?");
    terminal.press("y\r");
    guide.finish(command, terminal, &[]);
    let now = guide.run("heroku config:get ORGANISER_EMAIL");
    assert_eq!(now, "joan@example.com");
}

pub(super) fn domains(guide: &mut Guide<'_>) {
    guide.page.chapter("And then: names of its own");
    guide.run("heroku domains:add www.events.test");
    guide.run("heroku domains:wait www.events.test");
    guide.run("heroku domains");
    guide.run("heroku domains:remove www.events.test");
}

pub(super) fn people(guide: &mut Guide<'_>) {
    guide.page.chapter("And then: who may do what");
    guide.page.say("Accounts are made by the owner, on the machine itself.");
    guide.run(&format!("{HOKKU} accounts:add jane@example.com"));
    guide.run("heroku access:add jane@example.com");
    guide.run("heroku access");
    guide.run("heroku access:remove jane@example.com");
    guide.run("heroku authorizations");
    guide.run("heroku auth:token");
}
