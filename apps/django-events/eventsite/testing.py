"""What the tests of all parts use: pictures made on the spot, and a fresh Python with another environment."""

import io
import os
import subprocess
import sys

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

PYTHON_SECONDS_MAX = 60


def picture(name="photo.png", colour="teal"):
    raw = io.BytesIO()
    Image.new("RGB", (16, 9), colour).save(raw, "PNG")
    return SimpleUploadedFile(name, raw.getvalue(), "image/png")


def run_with_environment(script, **variables):
    """Runs `script` in a Python of its own, which has Django set up and only these variables."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-B", "-c", "import django; django.setup()\n" + script],
        cwd=settings.BASE_DIR,
        env=kept | {"DJANGO_SETTINGS_MODULE": "eventsite.settings"} | variables,
        capture_output=True,
        text=True,
        timeout=PYTHON_SECONDS_MAX,
    )
