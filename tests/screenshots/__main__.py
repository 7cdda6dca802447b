"""`./run screenshots [screens] [work]`."""

import sys

import django

django.setup()

from tests.screenshots import pictures  # noqa: E402 (Django has to be set up first)

sys.exit(pictures.take_all(sys.argv[1:]))
