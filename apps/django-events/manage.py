#!/usr/bin/env python
"""Django's command line for this site."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eventsite.settings")
    if sys.argv[1:2] == ["test"]:
        # The tests need no secret of their own; Django itself runs them with DEBUG = False.
        os.environ.setdefault("DEBUG", "1")
    execute_from_command_line(sys.argv)
