"""People, their history and consents, after the extensions and search functions that the tables need."""

import uuid

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import phonenumber_field.modelfields
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension, UnaccentExtension
from django.db import migrations, models

import patients.encryption

# unaccent() itself is only STABLE, because somebody could change its dictionary, and so may not stand in an index or a
# generated column. Every name is qualified: a restored dump runs with an empty search path.
FOLD = """
CREATE FUNCTION public.cadence_fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$
"""
SEARCH_TEXT = """
CREATE FUNCTION public.cadence_patient_search(given text, family text, email text, phone text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT public.cadence_fold(given || ' ' || family || ' ' || given || ' ' || email)
       || ' ' || regexp_replace(phone, '[^0-9]', '', 'g') $$
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        BtreeGistExtension(),
        TrigramExtension(),
        UnaccentExtension(),
        migrations.RunSQL(FOLD, "DROP FUNCTION public.cadence_fold(text)"),
        migrations.RunSQL(SEARCH_TEXT, "DROP FUNCTION public.cadence_patient_search(text, text, text, text)"),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("is_active", models.BooleanField(default=True, verbose_name="may sign in")),
                ("is_staff", models.BooleanField(default=False, verbose_name="may open the administration pages")),
                ("joined_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="joined")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.CreateModel(
            name="Allergy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "substance",
                    patients.encryption.EncryptedTextField(
                        blank=True, label="patients_allergy.substance", verbose_name="in the patient's words"
                    ),
                ),
                (
                    "criticality",
                    models.CharField(
                        choices=[("low", "mild"), ("high", "severe"), ("unknown", "severity not known")],
                        default="unknown",
                        max_length=8,
                        verbose_name="severity",
                    ),
                ),
                (
                    "verification",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "told by the patient"),
                            ("confirmed", "confirmed by a test"),
                            ("refuted", "ruled out"),
                        ],
                        default="unconfirmed",
                        max_length=12,
                        verbose_name="how known",
                    ),
                ),
                ("noted_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="noted")),
                (
                    "noted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "allergy",
                "verbose_name_plural": "allergies",
                "ordering": ("-noted_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="BodyArea",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.SlugField(max_length=40, unique=True, verbose_name="key")),
                ("label", models.CharField(max_length=120, verbose_name="name")),
                (
                    "group",
                    models.CharField(
                        choices=[
                            ("face", "Face"),
                            ("neck", "Neck"),
                            ("scalp", "Scalp"),
                            ("trunk", "Chest, belly and back"),
                            ("limb", "Arms, hands and legs"),
                        ],
                        max_length=20,
                        verbose_name="group",
                    ),
                ),
                ("skin_class", models.CharField(blank=True, max_length=20, verbose_name="skin thickness class")),
                ("epidermis_um", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="epidermis, µm")),
                ("epidermis_note", models.TextField(blank=True, verbose_name="note on skin thickness")),
                ("is_bony", models.BooleanField(default=False, verbose_name="lies over bone")),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
            ],
            options={
                "verbose_name": "body area",
                "verbose_name_plural": "body areas",
                "ordering": ("position", "key"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("epidermis_um__isnull", True), ("epidermis_um__gt", 0), _connector="OR"),
                        name="bodyarea_epidermis_is_positive",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Condition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.SlugField(max_length=60, unique=True, verbose_name="key")),
                ("label", models.CharField(max_length=120, verbose_name="name")),
                ("question", models.TextField(verbose_name="question")),
                (
                    "kind",
                    models.CharField(
                        choices=[("status", "is or is not"), ("event", "happened on a date")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[("anywhere", "anywhere"), ("treatment_area", "only in the treated area")],
                        max_length=20,
                        verbose_name="where it counts",
                    ),
                ),
                (
                    "answered_by",
                    models.CharField(
                        choices=[
                            ("question", "the patient's answer"),
                            ("birth_date", "the date of birth"),
                            ("skin_type", "the measured skin type"),
                            ("allergies", "the list of allergies"),
                        ],
                        default="question",
                        max_length=12,
                        verbose_name="answered by",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="asked")),
            ],
            options={
                "verbose_name": "question of the medical history",
                "verbose_name_plural": "questions of the medical history",
                "ordering": ("position", "key"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("question", ""), _negated=True), name="condition_asks_a_question"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConsentText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.SlugField(max_length=60, verbose_name="what it is for")),
                ("number", models.PositiveSmallIntegerField(verbose_name="version")),
                ("language", models.CharField(default="en", max_length=10, verbose_name="language")),
                ("title", models.CharField(max_length=160, verbose_name="title")),
                ("body", models.TextField(verbose_name="wording")),
                ("provenance", models.CharField(max_length=200, verbose_name="where the wording comes from")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="in use since")),
            ],
            options={
                "verbose_name": "consent text",
                "verbose_name_plural": "consent texts",
                "ordering": ("scope", "language", "-number"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("scope", "language", "number"), name="consenttext_version_is_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="consenttext_is_numbered_from_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "method",
                    models.CharField(
                        choices=[("paper", "signed on paper"), ("screen", "signed on screen")],
                        max_length=8,
                        verbose_name="how",
                    ),
                ),
                ("signed_at", models.DateTimeField(verbose_name="signed")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn")),
                (
                    "taken_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "text",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="patients.consenttext"
                    ),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "ordering": ("-signed_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="HistoryAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "answer",
                    models.CharField(
                        choices=[("yes", "Yes"), ("no", "No"), ("unknown", "Not known")],
                        max_length=8,
                        verbose_name="answer",
                    ),
                ),
                ("happened_on", models.DateField(blank=True, null=True, verbose_name="on")),
                (
                    "note",
                    patients.encryption.EncryptedTextField(
                        blank=True, label="patients_historyanswer.note", verbose_name="note"
                    ),
                ),
                (
                    "areas",
                    models.ManyToManyField(blank=True, related_name="+", to="patients.bodyarea", verbose_name="where"),
                ),
                (
                    "condition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="patients.condition"
                    ),
                ),
            ],
            options={
                "verbose_name": "answer",
                "verbose_name_plural": "answers",
            },
        ),
        migrations.CreateModel(
            name="HistoryReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("reviewed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="reviewed")),
                ("reviewed_on", models.DateField(verbose_name="reviewed on")),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "review of the medical history",
                "verbose_name_plural": "reviews of the medical history",
                "ordering": ("-reviewed_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="HistoryAnswerEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "answer",
                    models.CharField(
                        choices=[("yes", "Yes"), ("no", "No"), ("unknown", "Not known")],
                        max_length=8,
                        verbose_name="answer",
                    ),
                ),
                ("happened_on", models.DateField(blank=True, null=True, verbose_name="on")),
                (
                    "note",
                    patients.encryption.EncryptedTextField(
                        blank=True, label="patients_historyanswer.note", verbose_name="note"
                    ),
                ),
                (
                    "condition",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.condition",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.historyanswer",
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.historyreview",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="historyanswer",
            name="review",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="patients.historyreview"
            ),
        ),
        migrations.CreateModel(
            name="Measurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("weight_kg", "weight, kg"), ("skin_type", "Fitzpatrick skin type, 1 to 6")],
                        max_length=12,
                        verbose_name="what",
                    ),
                ),
                ("value", models.DecimalField(decimal_places=2, max_digits=6, verbose_name="value")),
                ("measured_on", models.DateField(verbose_name="measured on")),
                (
                    "measured_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "measurement",
                "verbose_name_plural": "measurements",
                "ordering": ("-measured_on", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="Medication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "name",
                    patients.encryption.EncryptedTextField(
                        label="patients_medication.name", verbose_name="medicine and dose"
                    ),
                ),
                ("since", models.DateField(blank=True, null=True, verbose_name="since")),
                ("until", models.DateField(blank=True, null=True, verbose_name="until")),
                (
                    "noted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "medicine",
                "verbose_name_plural": "medicines",
            },
        ),
        migrations.CreateModel(
            name="Patient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("given_name", models.CharField(max_length=80, verbose_name="first name")),
                ("family_name", models.CharField(max_length=80, verbose_name="last name")),
                ("birth_date", models.DateField(blank=True, null=True, verbose_name="date of birth")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "phone",
                    phonenumber_field.modelfields.PhoneNumberField(
                        blank=True, max_length=128, region=None, verbose_name="phone"
                    ),
                ),
                ("language", models.CharField(default="en", max_length=10, verbose_name="language")),
                (
                    "wants_messages",
                    models.BooleanField(default=True, verbose_name="sends reminders and check-ins by e-mail"),
                ),
                ("safety_revision", models.PositiveIntegerField(default=1, editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "given_key",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("given_name", function="cadence_fold"),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "family_key",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("family_name", function="cadence_fold"),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "search_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            "given_name", "family_name", "email", "phone", function="cadence_patient_search"
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="patients.patient",
                        verbose_name="merged into",
                    ),
                ),
            ],
            options={
                "verbose_name": "patient",
                "verbose_name_plural": "patients",
            },
        ),
        migrations.CreateModel(
            name="MedicationEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "name",
                    patients.encryption.EncryptedTextField(
                        label="patients_medication.name", verbose_name="medicine and dose"
                    ),
                ),
                ("since", models.DateField(blank=True, null=True, verbose_name="since")),
                ("until", models.DateField(blank=True, null=True, verbose_name="until")),
                (
                    "noted_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.medication",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="medication",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="medications", to="patients.patient"
            ),
        ),
        migrations.CreateModel(
            name="MeasurementEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("weight_kg", "weight, kg"), ("skin_type", "Fitzpatrick skin type, 1 to 6")],
                        max_length=12,
                        verbose_name="what",
                    ),
                ),
                ("value", models.DecimalField(decimal_places=2, max_digits=6, verbose_name="value")),
                ("measured_on", models.DateField(verbose_name="measured on")),
                (
                    "measured_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.measurement",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="measurement",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="measurements", to="patients.patient"
            ),
        ),
        migrations.CreateModel(
            name="HistoryReviewEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("reviewed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="reviewed")),
                ("reviewed_on", models.DateField(verbose_name="reviewed on")),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.historyreview",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="historyreview",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="history_reviews", to="patients.patient"
            ),
        ),
        migrations.CreateModel(
            name="ConsentEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "method",
                    models.CharField(
                        choices=[("paper", "signed on paper"), ("screen", "signed on screen")],
                        max_length=8,
                        verbose_name="how",
                    ),
                ),
                ("signed_at", models.DateTimeField(verbose_name="signed")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn")),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.consent",
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "text",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.consenttext",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="consent",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="patients.patient"
            ),
        ),
        migrations.CreateModel(
            name="AllergyEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "substance",
                    patients.encryption.EncryptedTextField(
                        blank=True, label="patients_allergy.substance", verbose_name="in the patient's words"
                    ),
                ),
                (
                    "criticality",
                    models.CharField(
                        choices=[("low", "mild"), ("high", "severe"), ("unknown", "severity not known")],
                        default="unknown",
                        max_length=8,
                        verbose_name="severity",
                    ),
                ),
                (
                    "verification",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "told by the patient"),
                            ("confirmed", "confirmed by a test"),
                            ("refuted", "ruled out"),
                        ],
                        default="unconfirmed",
                        max_length=12,
                        verbose_name="how known",
                    ),
                ),
                ("noted_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="noted")),
                (
                    "noted_by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.allergy",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="allergy",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="allergies", to="patients.patient"
            ),
        ),
        migrations.CreateModel(
            name="AccessLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "act",
                    models.CharField(
                        choices=[("opened", "opened"), ("searched", "found by search"), ("exported", "exported")],
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                ("page", models.CharField(max_length=60, verbose_name="page")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
            ],
            options={
                "verbose_name": "access",
                "verbose_name_plural": "access log",
            },
        ),
        migrations.CreateModel(
            name="PatientEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("given_name", models.CharField(max_length=80, verbose_name="first name")),
                ("family_name", models.CharField(max_length=80, verbose_name="last name")),
                ("birth_date", models.DateField(blank=True, null=True, verbose_name="date of birth")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                (
                    "phone",
                    phonenumber_field.modelfields.PhoneNumberField(
                        blank=True, max_length=128, region=None, verbose_name="phone"
                    ),
                ),
                ("language", models.CharField(default="en", max_length=10, verbose_name="language")),
                (
                    "wants_messages",
                    models.BooleanField(default=True, verbose_name="sends reminders and check-ins by e-mail"),
                ),
                ("safety_revision", models.PositiveIntegerField(default=1, editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="patients.patient",
                        verbose_name="merged into",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="patients.patient",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PortalAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("may_see", models.BooleanField(default=True, verbose_name="may see")),
                ("may_book", models.BooleanField(default=True, verbose_name="may book")),
                ("since", models.DateTimeField(auto_now_add=True, verbose_name="since")),
                ("until", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="portal_access", to="patients.patient"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="portal_access",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "portal access",
                "verbose_name_plural": "portal access",
            },
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("verb", models.CharField(max_length=60, verbose_name="action")),
                ("body_hash", models.CharField(max_length=64, verbose_name="hash of what was sent")),
                ("result", models.CharField(max_length=400, verbose_name="result")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "submission",
                "verbose_name_plural": "submissions",
            },
        ),
        migrations.CreateModel(
            name="SubstanceTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.SlugField(max_length=40, unique=True, verbose_name="key")),
                ("label", models.CharField(max_length=80, verbose_name="name")),
            ],
            options={
                "verbose_name": "substance",
                "verbose_name_plural": "substances",
                "ordering": ("label",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("label", ""), _negated=True), name="substancetag_has_a_label"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="allergy",
            name="tags",
            field=models.ManyToManyField(related_name="+", to="patients.substancetag", verbose_name="substances"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                name="user_email_is_unique",
                violation_error_message="Somebody already signs in with this e-mail address.",
            ),
        ),
        migrations.AddConstraint(
            model_name="historyanswer",
            constraint=models.UniqueConstraint(
                fields=("review", "condition"), name="historyanswer_is_given_once_per_review"
            ),
        ),
        migrations.AddConstraint(
            model_name="historyanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("happened_on", None), ("answer", "yes"), _connector="OR"),
                name="historyanswer_date_needs_a_yes",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historyanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_historyanswerevent" ("answer", "condition_id", "happened_on", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "review_id") VALUES (NEW."answer", NEW."condition_id", NEW."happened_on", NEW."id", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_id", NEW."review_id"); RETURN NULL;',
                    hash="d3c9d5b9aa39da648eb0f5ae8b438ab0798c90a5",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d86bd",
                    table="patients_historyanswer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historyanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "patients_historyanswerevent" ("answer", "condition_id", "happened_on", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "review_id") VALUES (NEW."answer", NEW."condition_id", NEW."happened_on", NEW."id", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_id", NEW."review_id"); RETURN NULL;',
                    hash="1938e879fc1dbb1294d19703d7edc4efaf0adf6a",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6a01c",
                    table="patients_historyanswer",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass("given_key", name="text_pattern_ops"),
                name="patient_given_prefix",
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass("family_key", name="text_pattern_ops"),
                name="patient_family_prefix",
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["birth_date"], name="patient_birth_date"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("search_text", name="gin_trgm_ops"),
                name="patient_search_trigrams",
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("given_name", ""), _negated=True), models.Q(("family_name", ""), _negated=True)
                ),
                name="patient_has_a_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into", None), models.Q(("merged_into", models.F("id")), _negated=True), _connector="OR"
                ),
                name="patient_is_not_merged_into_itself",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="patient",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_patientevent" ("birth_date", "created_at", "email", "family_name", "given_name", "id", "language", "merged_into_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "public_id", "safety_revision", "version", "wants_messages") VALUES (NEW."birth_date", NEW."created_at", NEW."email", NEW."family_name", NEW."given_name", NEW."id", NEW."language", NEW."merged_into_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."phone", NEW."public_id", NEW."safety_revision", NEW."version", NEW."wants_messages"); RETURN NULL;',
                    hash="4c6f5f3b47a655049b2f7e661a7f8c4d13ac4cb6",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_62165",
                    table="patients_patient",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="patient",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."birth_date" IS DISTINCT FROM (NEW."birth_date") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."family_name" IS DISTINCT FROM (NEW."family_name") OR OLD."given_name" IS DISTINCT FROM (NEW."given_name") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."merged_into_id" IS DISTINCT FROM (NEW."merged_into_id") OR OLD."phone" IS DISTINCT FROM (NEW."phone") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."safety_revision" IS DISTINCT FROM (NEW."safety_revision") OR OLD."version" IS DISTINCT FROM (NEW."version") OR OLD."wants_messages" IS DISTINCT FROM (NEW."wants_messages"))',
                    func='INSERT INTO "patients_patientevent" ("birth_date", "created_at", "email", "family_name", "given_name", "id", "language", "merged_into_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "public_id", "safety_revision", "version", "wants_messages") VALUES (NEW."birth_date", NEW."created_at", NEW."email", NEW."family_name", NEW."given_name", NEW."id", NEW."language", NEW."merged_into_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."phone", NEW."public_id", NEW."safety_revision", NEW."version", NEW."wants_messages"); RETURN NULL;',
                    hash="7f8e9dff83341bb59cb0a7628eed0b04559c138f",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_546ce",
                    table="patients_patient",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="medication",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("since", None), ("until", None), ("until__gte", models.F("since")), _connector="OR"
                ),
                name="medication_ends_after_start",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="medication",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_medicationevent" ("id", "name", "noted_by_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "since", "until") VALUES (NEW."id", NEW."name", NEW."noted_by_id", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_id", NEW."since", NEW."until"); RETURN NULL;',
                    hash="585f1fccd9cdfcc9bfbcc36f52e0bf690bf04cad",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_47d9a",
                    table="patients_medication",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="medication",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "patients_medicationevent" ("id", "name", "noted_by_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "since", "until") VALUES (NEW."id", NEW."name", NEW."noted_by_id", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_id", NEW."since", NEW."until"); RETURN NULL;',
                    hash="4003c78a62f93375a57abcc70e816743935b17db",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_64339",
                    table="patients_medication",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="measurement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "weight_kg"), ("value__gte", 20), ("value__lte", 400)),
                    models.Q(("kind", "skin_type"), ("value__in", [1, 2, 3, 4, 5, 6])),
                    _connector="OR",
                ),
                name="measurement_is_within_its_range",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="measurement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_measurementevent" ("id", "kind", "measured_by_id", "measured_on", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "value") VALUES (NEW."id", NEW."kind", NEW."measured_by_id", NEW."measured_on", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_id", NEW."value"); RETURN NULL;',
                    hash="5b326f00171dd1a75a9fad2140781b0843d5dc5f",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_ac3bc",
                    table="patients_measurement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="measurement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "patients_measurementevent" ("id", "kind", "measured_by_id", "measured_on", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "value") VALUES (NEW."id", NEW."kind", NEW."measured_by_id", NEW."measured_on", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_id", NEW."value"); RETURN NULL;',
                    hash="991d8847603ef17257119383959a3a169cbb0a82",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_1bcce",
                    table="patients_measurement",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="historyreview",
            constraint=models.CheckConstraint(
                condition=models.Q(("reviewed_on__gte", "1900-01-01")), name="historyreview_date_is_plausible"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historyreview",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_historyreviewevent" ("id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "reviewed_at", "reviewed_by_id", "reviewed_on") VALUES (NEW."id", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_id", NEW."reviewed_at", NEW."reviewed_by_id", NEW."reviewed_on"); RETURN NULL;',
                    hash="0274ceef0301316f01a628520e0f32a603d26d33",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_af1c8",
                    table="patients_historyreview",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historyreview",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "patients_historyreviewevent" ("id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "reviewed_at", "reviewed_by_id", "reviewed_on") VALUES (NEW."id", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_id", NEW."reviewed_at", NEW."reviewed_by_id", NEW."reviewed_on"); RETURN NULL;',
                    hash="8c862f91b9c8f6cb1a46eaa4cd4c2b31edd96bf6",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_18847",
                    table="patients_historyreview",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("withdrawn_at", None), ("withdrawn_at__gte", models.F("signed_at")), _connector="OR"
                ),
                name="consent_is_withdrawn_after_signing",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at", None)),
                fields=("patient", "text"),
                name="consent_is_signed_once_while_valid",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_consentevent" ("id", "method", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "signed_at", "taken_by_id", "text_id", "withdrawn_at") VALUES (NEW."id", NEW."method", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_id", NEW."signed_at", NEW."taken_by_id", NEW."text_id", NEW."withdrawn_at"); RETURN NULL;',
                    hash="5e6994a241cb5d405e795b5b16eacdc4ba049eb4",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f3c10",
                    table="patients_consent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "patients_consentevent" ("id", "method", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "signed_at", "taken_by_id", "text_id", "withdrawn_at") VALUES (NEW."id", NEW."method", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_id", NEW."signed_at", NEW."taken_by_id", NEW."text_id", NEW."withdrawn_at"); RETURN NULL;',
                    hash="97c67c209c01e5f79f844743e3cc5a438ff74d6a",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_06fdd",
                    table="patients_consent",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="accesslog",
            index=models.Index(fields=["patient", "-at"], name="accesslog_by_patient"),
        ),
        migrations.AddConstraint(
            model_name="accesslog",
            constraint=models.CheckConstraint(
                condition=models.Q(("page", ""), _negated=True), name="accesslog_names_the_page"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="accesslog",
            trigger=pgtrigger.compiler.Trigger(
                name="accesslog_is_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a1919c0cdcd3c14a7e4a777b251dd569755b1a13",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_accesslog_is_append_only_585d1",
                    table="patients_accesslog",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)),
                fields=("user", "patient"),
                name="portalaccess_is_unique_while_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(("until", None), ("until__gte", models.F("since")), _connector="OR"),
                name="portalaccess_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("body_hash__regex", "^[0-9a-f]{64}$")), name="submission_hash_is_sha256"
            ),
        ),
        migrations.AddConstraint(
            model_name="allergy",
            constraint=models.CheckConstraint(
                condition=models.Q(("verification__in", ["unconfirmed", "confirmed", "refuted"])),
                name="allergy_verification_is_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="allergy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "patients_allergyevent" ("criticality", "id", "noted_at", "noted_by_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "substance", "verification") VALUES (NEW."criticality", NEW."id", NEW."noted_at", NEW."noted_by_id", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_id", NEW."substance", NEW."verification"); RETURN NULL;',
                    hash="6dd4e1873883b9105105a04728b9011557f00bca",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_09063",
                    table="patients_allergy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="allergy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "patients_allergyevent" ("criticality", "id", "noted_at", "noted_by_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_id", "substance", "verification") VALUES (NEW."criticality", NEW."id", NEW."noted_at", NEW."noted_by_id", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_id", NEW."substance", NEW."verification"); RETURN NULL;',
                    hash="ae10eb4bbdb51158bfef9d7add1c48aca0ce1d3a",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6c37b",
                    table="patients_allergy",
                    when="AFTER",
                ),
            ),
        ),
    ]
