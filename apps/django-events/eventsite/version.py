"""The mark in every page's footer: change it, push, and see which code answers."""

RELEASE_MARKER = "first edition"
