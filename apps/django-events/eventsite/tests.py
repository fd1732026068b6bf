"""The site as a whole: settings by environment, health, static files."""

import json
import tempfile
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test import SimpleTestCase, TestCase, override_settings

from .testing import run_with_environment
from .version import RELEASE_MARKER

SECRET = "only-for-this-test-0123456789-0123456789-0123456789"
# Nothing listens on port 1, so a connection is refused at once.
DEAD_POSTGRES = "postgres://someone:something@127.0.0.1:1/events"


class SettingsTest(SimpleTestCase):
    def settings_with(self, *names, **variables):
        """The named settings, as JSON makes them, under these variables."""
        script = (
            "import json; from django.conf import settings as s\n"
            f"print('\\n' + json.dumps([getattr(s, n) for n in {names!r}], default=str))"
        )
        done = run_with_environment(script, **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def test_production_without_a_secret_says_what_to_do(self):
        done = run_with_environment("")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ImproperlyConfigured: SECRET_KEY is not set", done.stderr)
        self.assertIn("config:set SECRET_KEY=", done.stderr)

    def test_development_needs_no_secret(self):
        debug, databases = self.settings_with("DEBUG", "DATABASES", DEBUG="1")
        self.assertIs(debug, True)
        self.assertEqual(databases["default"]["ENGINE"], "django.db.backends.sqlite3")

    def test_production_is_the_default_and_secret_comes_from_outside(self):
        debug, key, storages, hosts = self.settings_with(
            "DEBUG", "SECRET_KEY", "STORAGES", "ALLOWED_HOSTS", SECRET_KEY=SECRET
        )
        self.assertIs(debug, False)
        self.assertEqual(key, SECRET)
        self.assertIn("CompressedManifest", storages["staticfiles"]["BACKEND"])
        self.assertNotIn("*", hosts)

    def test_on_a_dyno_the_router_decides_which_hosts_arrive(self):
        [hosts] = self.settings_with("ALLOWED_HOSTS", SECRET_KEY=SECRET, DYNO="web.1")
        self.assertEqual(hosts, ["*"])
        [hosts] = self.settings_with(
            "ALLOWED_HOSTS", SECRET_KEY=SECRET, DYNO="web.1", ALLOWED_HOSTS="a.example, b.example"
        )
        self.assertEqual(hosts, ["a.example", "b.example"])

    def test_trusted_origins_may_be_given_without_scheme(self):
        [origins] = self.settings_with(
            "CSRF_TRUSTED_ORIGINS", SECRET_KEY=SECRET, CSRF_TRUSTED_ORIGINS="a.example,http://b.example:8080"
        )
        self.assertEqual(origins, ["https://a.example", "http://b.example:8080"])

    def test_database_url_is_used(self):
        [databases] = self.settings_with("DATABASES", SECRET_KEY=SECRET, DATABASE_URL=DEAD_POSTGRES)
        default = databases["default"]
        self.assertEqual((default["HOST"], default["PORT"], default["NAME"]), ("127.0.0.1", 1, "events"))
        self.assertNotIn("sslmode", default.get("OPTIONS", {}))

    def test_django_heroku_adds_tls_and_leaves_the_rest(self):
        databases, storages, hosts, logging = self.settings_with(
            "DATABASES", "STORAGES", "ALLOWED_HOSTS", "LOGGING",
            SECRET_KEY=SECRET, DATABASE_URL=DEAD_POSTGRES, HEROKU="1", ALLOWED_HOSTS="a.example",
        )  # fmt: skip
        self.assertEqual(databases["default"]["OPTIONS"], {"sslmode": "require"})
        self.assertIs(databases["default"]["CONN_HEALTH_CHECKS"], True)
        self.assertIn("CompressedManifest", storages["staticfiles"]["BACKEND"])
        self.assertEqual(hosts, ["a.example"])
        self.assertIn("stdout", logging["handlers"])

    def test_a_bucket_takes_the_pictures(self):
        done = run_with_environment(
            "from django.core.files.storage import storages; s = storages['default']\n"
            "print(type(s).__name__, s.url('events/a.png'))",
            SECRET_KEY=SECRET,
            AWS_STORAGE_BUCKET_NAME="pictures",
            AWS_ACCESS_KEY_ID="placeholder-id",
            AWS_SECRET_ACCESS_KEY="placeholder-secret",
            AWS_S3_ENDPOINT_URL="http://s3.example:9000",
            AWS_S3_ADDRESSING_STYLE="path",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        kind, url = done.stdout.split()
        self.assertEqual(kind, "S3Storage")
        self.assertTrue(url.startswith("http://s3.example:9000/pictures/events/a.png?"), url)
        self.assertIn("X-Amz-Signature=", url)

    def test_redis_keeps_the_sessions_when_there_is_one(self):
        caches, engine = self.settings_with(
            "CACHES", "SESSION_ENGINE", SECRET_KEY=SECRET, REDIS_URL="rediss://:secret@redis.example:6380"
        )
        self.assertIn("RedisCache", caches["default"]["BACKEND"])
        self.assertEqual(caches["default"]["OPTIONS"], {"ssl_cert_reqs": None})
        self.assertTrue(engine.endswith("cached_db"))

    def test_https_only_redirects_plain_requests_and_not_those_that_came_by_tls(self):
        done = run_with_environment(
            "from django.test import Client\n"
            "plain = Client(HTTP_HOST='localhost').get('/healthz')\n"
            "tls = Client(HTTP_HOST='localhost', HTTP_X_FORWARDED_PROTO='https').get('/healthz')\n"
            "print(plain.status_code, plain['Location'], tls.status_code, 'Strict-Transport-Security' in tls)",
            SECRET_KEY=SECRET, HTTPS_ONLY="1", DATABASE_URL="sqlite://:memory:",
        )  # fmt: skip
        self.assertEqual(done.stdout.splitlines()[-1], "301 https://localhost/healthz 200 True", done.stderr)


class HealthTest(TestCase):
    def test_says_ok_with_the_release(self):
        answer = self.client.get("/healthz")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual((answer.json()["status"], answer.json()["release"]), ("ok", RELEASE_MARKER))

    def test_says_503_when_the_database_is_gone(self):
        done = run_with_environment(
            "from django.test import Client\n"
            "answer = Client(HTTP_HOST='localhost').get('/healthz')\n"
            "print(answer.status_code, answer.json()['status'])",
            SECRET_KEY=SECRET, DATABASE_URL=DEAD_POSTGRES,
        )  # fmt: skip
        self.assertEqual(done.stdout.splitlines()[-1], "503 database unreachable", done.stderr)


class StaticFilesTest(TestCase):
    def test_every_file_is_collected_and_pages_name_it_by_its_content(self):
        with tempfile.TemporaryDirectory() as root:
            whitenoise = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
            storages = settings.STORAGES | {"staticfiles": whitenoise}
            with override_settings(STORAGES=storages, STATIC_ROOT=root):
                call_command("collectstatic", verbosity=0, interactive=False)
                manifest = json.loads((Path(root) / "staticfiles.json").read_text())
                page = self.client.get("/").content.decode()
            self.assertEqual(len(manifest["paths"]), 169)
            hashed = manifest["paths"]["events/site.css"]
            self.assertRegex(hashed, r"^events/site\.[0-9a-f]{12}\.css$")
            self.assertIn(f"/static/{hashed}", page)
            self.assertTrue((Path(root) / f"{hashed}.gz").exists())
