from django.db import migrations, models

BEFORE = (
    "Hello {first_name},\n\nYour visit was moved. It is now on {day} at {time}.\n\n"
    "To change it, call us: {phone}\n\n{clinic}\n{address}"
)
AFTER = BEFORE.replace("Your visit was moved. It is now on {day} at {time}.", "Your visit was moved:\n\n{new_times}")


def say_both_times(apps, _schema_editor):
    """In the wording that the software came with; one that somebody edited stays as it is."""
    of_moves = apps.get_model("clinic", "MessageTemplate").objects.filter(key="visit_moved", language="en", body=BEFORE)
    of_moves.update(body=AFTER)


class Migration(migrations.Migration):
    dependencies = [("clinic", "0007_what_a_plan_gives_each_visit")]

    operations = [
        migrations.AddField(
            model_name="reminder",
            name="was_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="start that the patient knew before"),
        ),
        migrations.RunPython(say_both_times, migrations.RunPython.noop),
    ]
