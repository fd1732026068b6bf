"""The test runner: pages without collectstatic, uploads into a folder that is removed."""

import tempfile

from django.conf import settings
from django.test.runner import DiscoverRunner
from django.test.utils import override_settings


class SiteTestRunner(DiscoverRunner):
    def setup_test_environment(self, **kwargs):
        super().setup_test_environment(**kwargs)
        self.media = tempfile.TemporaryDirectory(prefix="eventsite-media-")
        self.overrides = override_settings(
            MEDIA_ROOT=self.media.name,
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # the tests' time, not a secret
            STORAGES=settings.STORAGES
            | {
                "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
                "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            },
        )
        self.overrides.enable()

    def teardown_test_environment(self, **kwargs):
        self.overrides.disable()
        self.media.cleanup()
        super().teardown_test_environment(**kwargs)
