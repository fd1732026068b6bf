"""Settings of the site, all that differs between machines is read from the environment.

On a dyno set `SECRET_KEY`; on a laptop set `DEBUG=1`. README.md lists the other variables.
"""

import os
import sys
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

try:
    import django_heroku
except ImportError:
    django_heroku = None

BASE_DIR = Path(__file__).resolve().parent.parent


def flag(name):
    """Whether the environment says yes to `name`."""
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def words(name):
    """The comma-separated words of the variable `name`."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


# Secrets and who may ask

DEBUG = flag("DEBUG")

SECRET_KEY = os.environ.get("SECRET_KEY")
if not SECRET_KEY and DEBUG:
    SECRET_KEY = "for-development-only-never-used-when-DEBUG-is-off"
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. In production: config:set SECRET_KEY=<50 random characters>. "
        "On your own machine: export DEBUG=1."
    )

# The router hands a dyno only requests for the app's own domains, so there the host is known to be right.
ON_DYNO = "DYNO" in os.environ
LOCAL_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = words("ALLOWED_HOSTS") or (["*"] if ON_DYNO else LOCAL_HOSTS)
CSRF_TRUSTED_ORIGINS = [origin if "://" in origin else f"https://{origin}" for origin in words("CSRF_TRUSTED_ORIGINS")]

# The router ends TLS and says so in this header. Trusted always: nothing but a router stands before gunicorn.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
HTTPS_ONLY = flag("HTTPS_ONLY")
SECURE_SSL_REDIRECT = HTTPS_ONLY
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS_ONLY else 0
SECURE_REFERRER_POLICY = "same-origin"

# Parts

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "events",
    "accounts",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "eventsite.urls"
WSGI_APPLICATION = "eventsite.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "eventsite.context.release",
            ],
        },
    },
]

# Data

DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}",
        conn_max_age=600,
        conn_health_checks=True,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if os.environ.get("REDIS_URL"):
    # A platform's own Redis has a certificate that nobody signed; the line is encrypted, not verified.
    redis_tls = {"ssl_cert_reqs": None} if os.environ["REDIS_URL"].startswith("rediss://") else {}
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["REDIS_URL"],
            "OPTIONS": redis_tls,
        }
    }
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# Static files travel in the slug unless told otherwise; pictures that people upload must outlive the dyno, so they go to a bucket.

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"

USE_S3 = bool(os.environ.get("AWS_STORAGE_BUCKET_NAME"))
if USE_S3:
    pictures = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": os.environ["AWS_STORAGE_BUCKET_NAME"],
            "region_name": os.environ.get("AWS_S3_REGION_NAME") or os.environ.get("AWS_REGION") or "us-east-1",
            "endpoint_url": os.environ.get("AWS_S3_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3"),
            "addressing_style": os.environ.get("AWS_S3_ADDRESSING_STYLE"),
            "custom_domain": os.environ.get("AWS_S3_CUSTOM_DOMAIN"),
            "signature_version": "s3v4",
            "file_overwrite": False,
        },
    }
else:
    pictures = {"BACKEND": "django.core.files.storage.FileSystemStorage"}

if USE_S3 and flag("STATIC_ON_S3"):
    # Static files can live there too: below public/ everybody may read, so their addresses need no signature.
    static = {
        "BACKEND": "storages.backends.s3.S3ManifestStaticStorage",
        "OPTIONS": {**pictures["OPTIONS"], "file_overwrite": True, "location": "public/static", "querystring_auth": False},
    }
elif DEBUG:
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
else:
    static = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}

STORAGES = {"default": pictures, "staticfiles": static}

# People

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "profile-edit"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
# No mail server is asked for: mails (a forgotten password) are printed into the log.
ACCOUNT_EMAIL_VERIFICATION = "none"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
# The router adds the client's address to X-Forwarded-For; allauth counts failed sign-ins by it.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if ON_DYNO else 0
if os.environ.get("GITHUB_CLIENT_ID"):
    github_app = {
        "client_id": os.environ["GITHUB_CLIENT_ID"],
        "secret": os.environ.get("GITHUB_CLIENT_SECRET", ""),
    }
    SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [github_app]}}

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# The platform keeps what is written to standard output.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name} {message}", "style": "{"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "line"}},
    "root": {"handlers": ["stdout"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
    # Django's own handlers are silent when DEBUG is off (and would mail the admins).
    "loggers": {"django": {"handlers": ["stdout"], "level": "INFO", "propagate": False}},
}

TEST_RUNNER = "eventsite.runner.SiteTestRunner"

# Only what Django 4.2 still allows and this file has not said better: staticfiles=True would set
# STATICFILES_STORAGE, which cannot stand beside STORAGES. What remains is the database, with sslmode=require.
if django_heroku and "HEROKU" in os.environ:
    django_heroku.settings(locals(), staticfiles=False, allowed_hosts=False, logging=False, test_runner=False)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
