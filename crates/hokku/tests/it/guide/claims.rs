//! All that the guide says, apart from how it is checked: the commands that its reader types, those that people type next,
//! and what it claims.

/// A claim, and the word that checks know it by.
pub(super) struct Claim {
    pub(super) key: &'static str,
    pub(super) words: &'static str,
}

const fn claim(key: &'static str, words: &'static str) -> Claim {
    Claim { key, words }
}

/// The guide's commands. Each must have been typed.
pub(super) const COMMANDS: [&str; 27] = [
    "heroku login",
    "heroku git:remote -a",
    "heroku addons:create heroku-postgresql:mini",
    "git add . && git commit",
    "git push heroku main",
    "heroku run python manage.py migrate",
    "heroku run python manage.py createsuperuser",
    "heroku logs --tail",
    "heroku ps",
    "heroku open",
    "heroku run python manage.py shell",
    "heroku pg:psql",
    "heroku config",
    "heroku config:set DEBUG=False",
    "heroku config:unset SOME_VAR",
    "heroku run -- python manage.py check --deploy",
    "heroku run -- python manage.py collectstatic --noinput",
    "heroku run python manage.py showmigrations",
    "heroku restart",
    "heroku ps:scale web=1",
    "heroku pg:backups:capture",
    "heroku pg:backups:download",
    "heroku pg:info",
    "heroku buildpacks",
    "heroku releases",
    "heroku rollback",
    "heroku login -i",
];

/// The guide's claims. Each must have been checked.
pub(super) const CLAIMS: [Claim; 28] = [
    claim("local", "Locally the same app runs on SQLite and the development server."),
    claim("detect", "The platform detects Python from `requirements.txt` and `runtime.txt`."),
    claim("python", "It installs exactly the named Python."),
    claim("requirements", "It installs every requirement."),
    claim("psycopg2", "psycopg2 is compiled against Postgres's libraries."),
    claim("collectstatic", "It runs collectstatic."),
    claim("slug", "It makes a compressed slug of code, runtime, dependencies and static files."),
    claim("procfile", "It reads the Procfile."),
    claim("port", "It starts the web process with `$PORT`."),
    claim("workers", "Several gunicorn workers, and a request timeout of 30 seconds."),
    claim("django-heroku", "`django_heroku.settings()` turns `DATABASE_URL` into Django's DATABASES."),
    claim("whitenoise", "WhiteNoise serves static files."),
    claim("host", "The app's host is allowed."),
    claim("https", "Behind HTTPS the app sees `X-Forwarded-Proto` and can redirect."),
    claim("postgres", "A Postgres of 10,000 rows and 1 GB is created."),
    claim("credentials", "Its credentials can rotate at any time, so only `DATABASE_URL` counts."),
    claim("migrations", "Migrations run by hand or in a `release:` phase."),
    claim("ephemeral", "The dyno's filesystem is emptied at every restart and deploy."),
    claim("apart", "The dyno's filesystem is not shared between dynos."),
    claim("bucket", "Uploads and static files live in an S3 bucket."),
    claim("config", "Secrets belong in config vars."),
    claim("mistakes", "A hard-coded SECRET_KEY, AWS key or `DEBUG = True` is a mistake to be pointed out."),
    claim("gitignore", "What `.gitignore` excludes is not deployed."),
    claim("trouble-500", "Trouble: application error 500. The log tells why."),
    claim("trouble-static", "Trouble: static files do not load."),
    claim("trouble-migration", "Trouble: migration errors."),
    claim("trouble-module", "Trouble: module not found."),
    claim("pictures", "Uploaded pictures (profile pictures, event images) are shown."),
];

/// What people type next. Each must have been typed, or be in [`ELSEWHERE`].
pub(super) const NEXT: [&str; 53] = [
    "heroku releases:info",
    "heroku releases:output",
    "heroku buildpacks:add",
    "heroku buildpacks:remove",
    "heroku buildpacks:clear",
    "heroku ps:type",
    "heroku ps:wait",
    "heroku ps:stop",
    "heroku run:detached",
    "heroku apps:rename",
    "heroku access",
    "heroku access:add",
    "heroku access:remove",
    "heroku authorizations",
    "heroku auth:token",
    "heroku logout",
    "heroku domains",
    "heroku domains:add",
    "heroku domains:wait",
    "heroku domains:remove",
    "heroku certs:add",
    "heroku certs:auto:enable",
    "heroku config:edit",
    "heroku maintenance:on",
    "heroku labs",
    "heroku features",
    "heroku regions",
    "heroku apps:stacks",
    "heroku drains",
    "heroku drains:add",
    "heroku drains:remove",
    "heroku webhooks:add",
    "heroku webhooks:deliveries",
    "heroku pg:wait",
    "heroku pg:promote",
    "heroku pg:reset",
    "heroku pg:ps",
    "heroku pg:kill",
    "heroku pg:killall",
    "heroku pg:credentials",
    "heroku pg:credentials:rotate",
    "heroku addons:attach",
    "heroku addons:detach",
    "heroku pg:backups",
    "heroku pg:backups:info",
    "heroku pg:backups:url",
    "heroku pg:backups:restore",
    "heroku pg:backups:cancel",
    "heroku pg:backups:delete",
    "heroku pg:backups:schedule",
    "heroku pg:backups:schedules",
    "heroku pg:backups:unschedule",
    "heroku pg:copy",
];

/// A test that runs commands of [`NEXT`] that the story has no place for, with the official client as well.
pub(super) struct Elsewhere {
    /// Without `heroku `.
    pub(super) commands: &'static [&'static str],
    /// The file of the test.
    pub(super) file: &'static str,
    pub(super) source: &'static str,
    pub(super) test: &'static str,
}

/// Where the others are run. A test that is gone, or runs one of its commands no more, fails the guide.
pub(super) const ELSEWHERE: [Elsewhere; 7] = [
    Elsewhere {
        commands: &["drains", "drains:add", "drains:remove", "webhooks:add", "webhooks:deliveries"],
        file: "deliveries.rs",
        source: include_str!("../deliveries.rs"),
        test: "lines_and_events_leave_and_a_killed_server_loses_none",
    },
    Elsewhere {
        commands: &["certs:add", "certs:auto:enable"],
        file: "acme.rs",
        source: include_str!("../acme.rs"),
        test: "custom_domains_get_certificates_of_an_authority_and_keep_them",
    },
    Elsewhere {
        commands: &["addons:attach", "addons:detach", "pg:promote"],
        file: "databases.rs",
        source: include_str!("../databases.rs"),
        test: "databases_are_shared_promoted_and_renamed",
    },
    Elsewhere {
        commands: &["pg:wait", "pg:ps", "pg:kill", "pg:killall", "pg:reset", "pg:credentials"],
        file: "databases.rs",
        source: include_str!("../databases.rs"),
        test: "a_database_is_measured_watched_and_emptied",
    },
    Elsewhere {
        commands: &["pg:credentials:rotate"],
        file: "databases.rs",
        source: include_str!("../databases.rs"),
        test: "other_credentials_and_another_database_lose_no_request",
    },
    Elsewhere {
        commands: &[
            "pg:backups:url",
            "pg:backups:delete",
            "pg:backups:schedule",
            "pg:backups:schedules",
            "pg:backups:unschedule",
            "pg:copy",
        ],
        file: "backups.rs",
        source: include_str!("../backups.rs"),
        test: "what_is_lost_comes_back_to_the_last_row",
    },
    Elsewhere {
        commands: &["pg:backups:cancel"],
        file: "backups.rs",
        source: include_str!("../backups.rs"),
        test: "progress_is_shown_and_work_can_be_cancelled",
    },
];
