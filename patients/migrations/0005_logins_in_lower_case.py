"""Signing in looks an address up in lower case; one that was stored with capitals could never be used."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("patients", "0004_second_step_and_clinic_devices")]

    operations = [
        migrations.RunSQL(
            "UPDATE patients_user SET email = lower(email) WHERE email <> lower(email)", migrations.RunSQL.noop
        )
    ]
