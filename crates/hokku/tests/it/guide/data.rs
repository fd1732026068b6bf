//! Rows: migrations by hand, a person for the admin, and the two interactive shells.

use crate::server::HOKKU;
use crate::until::{PATIENCE, until_true};

use super::{APP, Guide, has};

pub(super) fn migrate(guide: &mut Guide<'_>) {
    guide.page.chapter("Migrations by hand");
    guide.run("heroku run python manage.py migrate");
    guide
        .page
        .say("There was nothing to do, as the release command had done it. One step back and forth by hand:");
    guide.run_showing(
        "heroku run python manage.py migrate events zero",
        &["Unapplying events.0001_initial... OK"],
    );
    let shown = guide
        .run_showing("heroku run python manage.py migrate events", &["Applying events.0001_initial... OK"]);
    guide.holds(
        "migrations",
        "migrate",
        "`heroku run python manage.py migrate`",
        has(&shown, &["0001_initial... OK"]),
    );
    guide.run("heroku run python manage.py showmigrations events accounts");
}

pub(super) const PERSON: &str = "jane";
pub(super) const PASSWORD: &str = "a-long-word-of-hers";

/// Questions in a terminal, answered by typing; passwords are not shown.
pub(super) fn a_person(guide: &mut Guide<'_>) {
    guide.page.chapter("A person for the admin");
    let command = "heroku run python manage.py createsuperuser";
    let mut terminal = guide.begin(command);
    let answers = [
        ("Username", PERSON),
        ("Email address:", "jane@example.com"),
        ("Password:", PASSWORD),
        ("Password (again):", PASSWORD),
    ];
    for (question, answer) in answers {
        terminal.until_it_shows(question);
        terminal.press(&format!("{answer}\r"));
    }
    let shown = guide.finish(command, terminal, &[]);
    assert!(shown.contains("Superuser created successfully.") && !shown.contains(PASSWORD), "{shown}");
}

/// Line editing, history, Ctrl-C, the size of the window, Ctrl-D.
pub(super) fn python_shell(guide: &mut Guide<'_>) {
    guide.page.chapter("Python's shell");
    guide.page.say("The second line was typed as `Event.objects.cont()`, then the cursor moved left, and the `u` put in. \
        `^C` gave up the fourth; the arrow key brought the third back; Ctrl-D ended it.");
    let command = "heroku run python manage.py shell";
    let mut terminal = guide.begin(command);
    let (left, up) = ("\u{1b}[D", "\u{1b}[A");
    // Who types ahead of a prompt sees it twice.
    terminal.until_it_shows_times(">>>", 1);
    terminal.press("from events.models import Event\r");
    terminal.until_it_shows_times(">>>", 2);
    terminal.press(&format!("Event.objects.cont(){}u\r", left.repeat(4)));
    terminal.until_it_shows_times(">>>", 3);
    terminal.press("import os; os.get_terminal_size()\r");
    terminal.until_it_shows_times(">>>", 4);
    terminal.press("Event.objects.filter(");
    terminal.until_it_shows("Event.objects.filter(");
    terminal.press("\u{3}");
    terminal.until_it_shows_times(">>>", 5);
    terminal.press(&format!("{up}\r"));
    terminal.until_it_shows_times(">>>", 6);
    terminal.press("\u{4}");
    let shown = guide.finish(command, terminal, &[]);
    assert!(
        shown.contains(">>> Event.objects.count()\n1\n") && shown.contains("KeyboardInterrupt"),
        "{shown}"
    );
    assert_eq!(shown.matches("os.terminal_size(columns=140, lines=30)").count(), 2, "{shown}");
}

pub(super) fn database_shell(guide: &mut Guide<'_>) {
    guide.page.chapter("Postgres's shell");
    let command = "heroku pg:psql";
    let mut terminal = guide.begin(command);
    terminal.until_it_shows_times("DATABASE=>", 1);
    terminal.press("SELECT title, category FROM events_event;\r");
    terminal.until_it_shows_times("DATABASE=>", 2);
    terminal.press("SHOW ssl;\r");
    terminal.until_it_shows_times("DATABASE=>", 3);
    // Last, as psql may get it twice: from the terminal, and a while later from `heroku`.
    terminal.press("SELECT count(*)\r");
    terminal.until_it_shows("DATABASE->");
    terminal.press("\u{3}");
    terminal.until_it_shows_times("DATABASE=>", 4);
    terminal.press("\u{4}");
    let shown = guide.finish(command, terminal, &[]);
    assert_eq!(shown.matches("(1 row)").count(), 2, "{shown}");
}

/// Other credentials at any time; the app goes on, as it reads them from `DATABASE_URL`.
pub(super) fn rotation(guide: &mut Guide<'_>) {
    guide.page.chapter("Credentials rotate");
    guide.page.say(
        "The official command offers this for `standard-0` and above; the owner can do it for every plan.",
    );
    let url = |guide: &Guide<'_>| guide.server.config_var(APP, "DATABASE_URL");
    let before = url(guide).expect("a database");
    guide.run(&format!("{HOKKU} pg:credentials:rotate DATABASE_URL"));
    until_true("DATABASE_URL is another one", PATIENCE, || {
        // No request may fail on the way.
        let health = guide.server.page(APP, "/healthz");
        assert_eq!(health.status, 200, "{}", health.text());
        url(guide).is_some_and(|now| now != before)
    });
    guide.run("heroku ps:wait");
    until_true("the old credentials are refused", PATIENCE, || {
        assert_eq!(guide.server.page(APP, "/healthz").status, 200);
        guide.developer.run("psql", &[&before, "-Atc", "SELECT 1"]).code != 0
    });
    let looks_at =
        "`DATABASE_URL` before and after: the app answers all the while, the old one is refused in the end";
    guide.holds("credentials", "rotation", looks_at, Ok(()));
}
