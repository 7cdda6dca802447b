"""What gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

application = get_wsgi_application()

from clinic import installation  # noqa: E402 - needs the apps

installation.refuse_demo_in_production()

# What the program is made of stays as long as it runs: collecting garbage need not look at it after every request.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
