"""A desk that also treats: a published protocol of three sessions, one area, and a practitioner who may do it."""

from datetime import UTC, date, datetime

from patients.models import BodyArea
from tests.factories import NOW, Desk, number, patient, practitioner, room, service, user
from tests.factories_treatments import area
from treatments import series as treatment_series
from treatments.models import (
    AreaLimit,
    DepthStep,
    Indication,
    Phase,
    Protocol,
    ProtocolVersion,
    Technique,
    TreatmentSeries,
    VersionSegment,
)

TODAY = date(2026, 3, 2)


class TreatmentDesk(Desk):
    def __init__(self, **place):
        super().__init__(**place)
        room(self.location, "treatment")
        self.technique = Technique.objects.create(
            key=f"needling-{next(number)}", label="Needling", modality="microneedling", confidence="proposed"
        )
        self.area = BodyArea.objects.create(key=f"cheek-{next(number)}", label="Cheek", group="face")
        AreaLimit.objects.create(
            area=self.area, technique=self.technique, depth_min_mm="0.5", depth_max_mm="1.5", depth_cap_mm="2.0",
            confidence="proposed",
        )  # fmt: skip
        self.needler = practitioner(self.location, "Dr Needle", techniques=[self.technique])
        self.treatment = service("treatment", 30, "treatment", name="Needling visit", modality="microneedling")
        self.version = self.publish()

    def publish(self):
        indication = Indication.objects.create(key=f"scars-{next(number)}", label="Scars", confidence="proposed")
        protocol = Protocol.objects.create(
            key=f"protocol-{next(number)}",
            name="Needling for scars",
            modality="microneedling",
            indication=indication,
            service=self.treatment,
        )
        version = ProtocolVersion.objects.create(
            protocol=protocol,
            number=1,
            sessions_min=2,
            sessions_typical=3,
            sessions_max=4,
            min_age_years=18,
            consent_scope="microneedling",
        )
        Phase.objects.create(
            version=version, position=1, name="Course", sessions=3,
            interval_min_days=28, interval_ideal_days=30, interval_max_days=42,
        )  # fmt: skip
        DepthStep.objects.create(
            version=version, area=self.area, technique=self.technique, depth_min_mm="0.5", depth_max_mm="1.0"
        )
        self.add_segments(version)
        clinician, moment = user("clinical lead"), datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
        version.state, version.checked_by = "published", clinician
        version.checked_at = version.published_at = moment
        version.save()
        return version

    def add_segments(self, version):
        VersionSegment.objects.create(
            version=version, position=1, kind="hands_on", base_minutes=45, holds_practitioner=True,
            room_kind="treatment",
        )  # fmt: skip

    def colleague(self, name):
        """Somebody else who may give the treatment."""
        return practitioner(self.location, name, techniques=[self.technique])

    def start(self, who=None) -> TreatmentSeries:
        return treatment_series.start(
            who or patient(), self.version, areas=[self.area], sessions_planned=3,
            first_possible_on=TODAY, today=TODAY, by=self.by,
        )  # fmt: skip

    def book_session(self, series, number, at):
        session = series.sessions.get(number=number)
        return self.book(at, series.patient, now=NOW, service=self.treatment, session=session)


class TwoAreasDesk(TreatmentDesk):
    """Its protocol treats the cheek and the chin: 30 minutes and 15 for each area."""

    def add_segments(self, version):
        self.chin = BodyArea.objects.create(key="chin", label="Chin", group="face")
        depths = {"depth_min_mm": "0.5", "depth_max_mm": "1.0"}
        DepthStep.objects.create(version=version, area=self.chin, technique=self.technique, **depths)
        limits = {"area": self.chin, "technique": self.technique, "depth_cap_mm": "2.0", "confidence": "proposed"}
        AreaLimit.objects.create(**limits, **depths)
        VersionSegment.objects.create(
            version=version, position=1, kind="hands_on", base_minutes=30, minutes_per_area=15,
            holds_practitioner=True, room_kind="treatment",
        )  # fmt: skip


def on_other_skin(series):
    """The series, which treats another area than the others of the desk from now on."""
    series.series_areas.update(area=area("neck"))
    return series
