"""What a safety check says holds the names of areas and substances and a protocol's kind: a change of one counts."""

from django.db import migrations

TABLES = ("patients_bodyarea", "patients_substancetag", "treatments_protocol")
TRIGGERS = "".join(
    f"CREATE TRIGGER name_bumps_the_catalogue AFTER INSERT OR UPDATE OR DELETE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION treatments_question_bumps_the_catalogue();"
    for table in TABLES
)
NO_TRIGGERS = "".join(f"DROP TRIGGER IF EXISTS name_bumps_the_catalogue ON {table};" for table in TABLES)


class Migration(migrations.Migration):

    dependencies = [
        ("treatments", "0002_plain_words_and_questions_count_as_rules"),
    ]

    operations = [migrations.RunSQL(TRIGGERS, NO_TRIGGERS)]
