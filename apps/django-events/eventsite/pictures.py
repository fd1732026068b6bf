"""Rules for pictures that people upload, wherever they are kept."""

import uuid
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator

PICTURE_BYTES_MAX = 5 * 1024 * 1024
PICTURE_EXTENSIONS = ["jpg", "jpeg", "png", "gif", "webp"]


def check_size(picture):
    if picture.size > PICTURE_BYTES_MAX:
        raise ValidationError(f"The picture is larger than {PICTURE_BYTES_MAX // 1024 // 1024} MB.")


PICTURE_RULES = [FileExtensionValidator(PICTURE_EXTENSIONS), check_size]


def fresh_name(folder, filename):
    """A name nobody else has: the uploader's own name is kept out of the storage."""
    return f"{folder}/{uuid.uuid4().hex}{PurePath(filename).suffix.lower()}"
