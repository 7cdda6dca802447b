"""The table of Django's DatabaseCache, as `createcachetable` would make it."""

from django.db import migrations

CREATE = """
CREATE TABLE "cadence_cache" (
    "cache_key" varchar(255) NOT NULL PRIMARY KEY,
    "value" text NOT NULL,
    "expires" timestamp with time zone NOT NULL
);
CREATE INDEX "cadence_cache_expires" ON "cadence_cache" ("expires");
"""


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_people_history_and_consents")]

    operations = [migrations.RunSQL(CREATE, 'DROP TABLE "cadence_cache"')]
