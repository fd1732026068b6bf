//! From a folder to a running release, and what came of the push.

use crate::until::{PATIENCE, until};

use super::{APP, Guide, has};

pub(super) fn a_database(guide: &mut Guide<'_>) {
    guide.page.chapter("A database");
    guide.run("heroku addons:create heroku-postgresql:mini");
    until("there is a database", PATIENCE, || guide.server.config_var(APP, "DATABASE_URL"));
    let shown = guide.run("heroku pg:info");
    guide.holds("postgres", "a_database", "`heroku pg:info`", has(&shown, &["Mini", "/10000", "/ 1 GB"]));
}

pub(super) fn settings(guide: &mut Guide<'_>) {
    guide.page.chapter("Settings and secrets");
    guide.page.say("`HEROKU` is what the sample's settings look for before they load django-heroku.");
    guide.run("heroku config:set SECRET_KEY=$(openssl rand -hex 32) HEROKU=1 SOME_VAR=1");
    guide.run("heroku config:set DEBUG=False");
    guide.run("heroku config:unset SOME_VAR");
    let shown = guide.run("heroku config");
    let seen = has(&shown, &["DATABASE_URL: postgres://", "DEBUG:", "SECRET_KEY:"]);
    guide.holds("config", "settings", "`heroku config`", seen);
}

pub(super) fn push(guide: &mut Guide<'_>) {
    guide.page.chapter("Deploy");
    guide.run("git add . && git commit --quiet --message 'First version' && git status --short --ignored");
    let said = guide.run("git push heroku main");
    let (push, line) = ("push", "the output of `git push`");
    let seen = has(&said, &["-----> Python app detected", "python-3.12.1 (runtime.txt)"])
        .and(has(&said, &["-----> Installing requirements"]));
    guide.holds("detect", push, line, seen);
    let seen = has(&said, &["-----> Running collectstatic", "169 static files copied"]);
    guide.holds("collectstatic", push, line, seen);
    let seen = has(&said, &["-----> Compressing...", "Done: "]);
    guide.holds("slug", push, line, seen);
    let seen = has(&said, &["Procfile declares types -> release, web"]);
    guide.holds("procfile", push, line, seen);
    let seen = has(&said, &["Running release command...", "Applying events.0001_initial... OK"]);
    guide.holds("migrations", push, "the release command's output in `git push`", seen);
    let shown = guide.run("heroku ps");
    let seen = has(&shown, &["web (Basic): gunicorn eventsite.wsgi --log-file -", "web.1: up"]);
    guide.holds("procfile", push, "`heroku ps`", seen);
}

/// What the build has put where the app runs.
pub(super) fn what_is_in_the_dyno(guide: &mut Guide<'_>) {
    guide.page.chapter("What was built");
    let check = "what_is_in_the_dyno";
    let shown = guide.run("heroku run -- python --version");
    let seen = if shown.lines().any(|line| line == "Python 3.12.1") { Ok(()) } else { Err(shown) };
    guide.holds("python", check, "`heroku run -- python --version`", seen);
    let files = guide.run("heroku run 'ls -A'");
    guide.holds(
        "slug",
        check,
        "`heroku run 'ls -A'`",
        has(&files, &["manage.py", "staticfiles", "Procfile"]),
    );
    let excluded = [".env", "db.sqlite3", ".venv"]
        .into_iter()
        .find(|name| files.split_whitespace().any(|file| file == *name));
    let seen = excluded.map_or(Ok(()), |name| Err(format!("{name} was deployed:\n{files}")));
    guide.holds(
        "gitignore",
        check,
        "`heroku run 'ls -A'`: no `.env`, `db.sqlite3`, `.venv`, which are here",
        seen,
    );
    requirements(guide, check);
    let program = "import glob, psycopg2; d = psycopg2.__path__[0]; print(psycopg2.extensions.libpq_version(), *glob.glob(d + '-*/WHEEL'))";
    let shown = guide.in_dyno(&format!("python -c \"{program}\"; ldd $(python -c \"import psycopg2._psycopg as p; print(p.__file__)\") | grep libpq; cat $(python -c \"import psycopg2; print(psycopg2.__path__[0])\")-2.9.10.dist-info/WHEEL"));
    guide.holds(
        "psycopg2",
        check,
        "what its module is linked to, in a dyno",
        has(&shown, &["libpq.so.5 => /", "linux_x86_64"]),
    );
    workers(guide, check);
    django_heroku(guide, check);
}

/// Every pinned requirement is there in the version that it is pinned to.
fn requirements(guide: &mut Guide<'_>, check: &'static str) {
    let program = "import importlib.metadata as m; [print(d.name.lower() + '==' + d.version) for d in m.distributions()]";
    let installed = guide.in_dyno(&format!("python -c \"{program}\""));
    let wanted =
        std::fs::read_to_string(guide.developer.work().join("requirements.txt")).expect("it has some");
    let wanted: Vec<String> =
        wanted.lines().filter(|line| line.contains("==")).map(str::to_lowercase).collect();
    assert_eq!(wanted.len(), 32, "{wanted:?}");
    let missing: Vec<&String> =
        wanted.iter().filter(|line| !installed.lines().any(|have| have == line.as_str())).collect();
    let seen = if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} of\n{installed}")) };
    guide.holds("requirements", check, "the packages in a dyno, against `requirements.txt`", seen);
}

fn workers(guide: &mut Guide<'_>, check: &'static str) {
    let shown = guide.run_showing(
        "heroku run 'gunicorn --print-config eventsite.wsgi'",
        &["^bind ", "^timeout ", "^workers "],
    );
    let setting = |name: &str| {
        let line = shown
            .lines()
            .find(|line| line.starts_with(name) && line[name.len()..].trim_start().starts_with('='));
        line.and_then(|line| line.split_once('='))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let several = setting("workers").parse::<u32>().is_ok_and(|workers| workers > 1);
    let seen = if several && setting("timeout") == "30" { Ok(()) } else { Err(shown.clone()) };
    guide.holds("workers", check, "`heroku run 'gunicorn --print-config …'`", seen);
    let log = guide.developer.heroku(&["logs", "--dyno", "web.1", "-n", "200"]).ok().out;
    let listens = has(&log, &["Listening at: http://0.0.0.0:"]);
    let seen = listens.and(if log.matches("Booting worker with pid").count() > 1 {
        Ok(())
    } else {
        Err(log.clone())
    });
    guide.holds("workers", check, "`heroku logs`: as many workers boot", seen.clone());
    guide.holds(
        "port",
        check,
        "`heroku logs`: the address that gunicorn got from `$PORT`, behind which the app answers",
        seen,
    );
}

fn django_heroku(guide: &mut Guide<'_>, check: &'static str) {
    let url = guide.developer.heroku(&["config:get", "DATABASE_URL"]).ok().out;
    let program = "from django.conf import settings as s; d = s.DATABASES['default']; print(d['ENGINE'], d['NAME'], d['USER'], d['HOST'], d['OPTIONS'])";
    let shown = guide.in_dyno(&format!("python manage.py shell -c \"{program}\""));
    let parts = url.trim().trim_start_matches("postgres://");
    let (user, rest) = parts.split_once(':').expect("a user");
    let (_, address) = rest.split_once('@').expect("an address");
    let (host, name) = address.split_once('/').expect("a name");
    let host = host.split(':').next().unwrap_or_default();
    let seen = has(&shown, &["django.db.backends.postgresql", user, host, name, "'sslmode': 'require'"]);
    guide.holds(
        "django-heroku",
        check,
        "Django's DATABASES in a dyno, against `heroku config:get DATABASE_URL`",
        seen,
    );
}
