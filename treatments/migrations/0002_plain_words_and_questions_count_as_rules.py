"""The words of the desk in labels; and a changed question of the medical history counts as a changed rule.

The table of questions lies in the lowest app, which knows nothing of the catalogue: its trigger is made from here.
"""

from django.db import migrations, models


TRIGGER = """
    CREATE FUNCTION treatments_question_bumps_the_catalogue() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO treatments_cataloguerevision AS revision (id, number) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET number = revision.number + 1;
        RETURN NULL;
    END $$;
    CREATE TRIGGER question_bumps_the_catalogue AFTER INSERT OR UPDATE OR DELETE ON patients_condition
    FOR EACH STATEMENT EXECUTE FUNCTION treatments_question_bumps_the_catalogue();
"""
NO_TRIGGER = """
    DROP TRIGGER IF EXISTS question_bumps_the_catalogue ON patients_condition;
    DROP FUNCTION IF EXISTS treatments_question_bumps_the_catalogue();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('treatments', '0001_catalogue_protocols_series'),
    ]

    operations = [
        migrations.AlterField(
            model_name='cliniciandecision',
            name='finding_code',
            field=models.CharField(max_length=120, verbose_name='safety check'),
        ),
        migrations.AlterField(
            model_name='cliniciandecisionevent',
            name='finding_code',
            field=models.CharField(max_length=120, verbose_name='safety check'),
        ),
        migrations.AlterField(
            model_name='servicesegment',
            name='holds_practitioner',
            field=models.BooleanField(default=False, verbose_name='needs the practitioner'),
        ),
        migrations.AlterField(
            model_name='versionsegment',
            name='holds_practitioner',
            field=models.BooleanField(default=False, verbose_name='needs the practitioner'),
        ),
        migrations.AlterField(
            model_name='versionsegmentevent',
            name='holds_practitioner',
            field=models.BooleanField(default=False, verbose_name='needs the practitioner'),
        ),
        migrations.AlterModelOptions(
            name='contraindication',
            options={'ordering': ('condition__position', 'modality', 'ingredient__name'), 'verbose_name': 'reason not to treat', 'verbose_name_plural': 'reasons not to treat'},
        ),
        migrations.AlterModelOptions(
            name='servicesegment',
            options={'ordering': ('position',), 'verbose_name': 'part of a visit', 'verbose_name_plural': 'parts of visits'},
        ),
        migrations.AlterField(
            model_name='contraindication',
            name='action',
            field=models.CharField(choices=[('block', 'do not treat'), ('defer', 'wait'), ('block_unless_override', 'do not treat unless the clinical lead decides'), ('clinician_review', 'a clinician decides'), ('doctor_letter', 'letter of the treating doctor'), ('no_anaesthetic', 'without this anaesthetic'), ('prophylaxis', 'preventive medicine first'), ('avoid_spot', 'leave the spot out'), ('advise', 'good to know')], max_length=24, verbose_name='action'),
        ),
        migrations.AlterField(
            model_name='contraindication',
            name='modality',
            field=models.CharField(choices=[('microneedling', 'Microneedling'), ('mesotherapy', 'Mesotherapy')], max_length=16, verbose_name='kind of treatment'),
        ),
        migrations.AlterField(
            model_name='ingredient',
            name='pregnancy_flag',
            field=models.CharField(choices=[('contraindicated', 'do not use'), ('avoid', 'avoid'), ('insufficient_data', 'not enough data')], max_length=20, verbose_name='in pregnancy'),
        ),
        migrations.AlterField(
            model_name='protocol',
            name='modality',
            field=models.CharField(choices=[('microneedling', 'Microneedling'), ('mesotherapy', 'Mesotherapy')], max_length=16, verbose_name='kind of treatment'),
        ),
        migrations.AlterField(
            model_name='protocolevent',
            name='modality',
            field=models.CharField(choices=[('microneedling', 'Microneedling'), ('mesotherapy', 'Mesotherapy')], max_length=16, verbose_name='kind of treatment'),
        ),
        migrations.AlterField(
            model_name='service',
            name='modality',
            field=models.CharField(blank=True, choices=[('microneedling', 'Microneedling'), ('mesotherapy', 'Mesotherapy')], max_length=16, verbose_name='kind of treatment'),
        ),
        migrations.AlterField(
            model_name='technique',
            name='modality',
            field=models.CharField(choices=[('microneedling', 'Microneedling'), ('mesotherapy', 'Mesotherapy')], max_length=16, verbose_name='kind of treatment'),
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
