//! All that the guide says, apart from how it is checked: the commands that its reader types, and what it claims.

/// A claim, and the word that checks know it by.
pub(super) struct Claim {
    pub(super) key: &'static str,
    pub(super) words: &'static str,
}

const fn claim(key: &'static str, words: &'static str) -> Claim {
    Claim { key, words }
}

/// The guide's commands. Each must have been typed.
pub(super) const COMMANDS: [&str; 25] = [
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
    "heroku pg:info",
    "heroku buildpacks",
    "heroku releases",
    "heroku rollback",
    "heroku login -i",
];

/// The guide's claims. Each must have been checked.
pub(super) const CLAIMS: [Claim; 24] = [
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
    claim("pictures", "Uploaded pictures (profile pictures, event images) are shown."),
];
