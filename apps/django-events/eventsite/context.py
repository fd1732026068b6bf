"""What every page's footer says about the code and the dyno that made it."""

import os

from .version import RELEASE_MARKER


def release(_request):
    return {"release_marker": RELEASE_MARKER, "dyno": os.environ.get("DYNO", "no dyno")}
