"""What a patient wishes of the visits of a course, as plain values. Empty is not wished."""

from dataclasses import dataclass, replace
from datetime import date, time

from clinic.models import Wishes
from patients.prepared import Prepared
from treatments.models import TreatmentSeries

ANY, PREFER, SAME = Wishes.Who.ANY.value, Wishes.Who.PREFER.value, Wishes.Who.SAME.value
WEEKDAY, TIME, PRACTITIONER, CHANGE, LOCATION, LATE = "weekday", "time", "practitioner", "change", "location", "late"

_COLUMNS = {
    "weekdays": "smallint[]", "earliest_time": "time", "latest_time": "time", "who": "text",
    "practitioner_id": "bigint", "location_id": "bigint", "not_on": "date[]",
}  # fmt: skip
# Prepared, because others wait for the locks meanwhile.
_KEEP = Prepared(
    "keep_wishes",
    f"INSERT INTO clinic_wishes (series_id, {', '.join(_COLUMNS)})"  # noqa: S608 (the text is our own)
    f" VALUES (%(series)s, {', '.join(f'%({name})s' for name in _COLUMNS)}) ON CONFLICT (series_id) DO UPDATE"
    f" SET {', '.join(f'{name} = EXCLUDED.{name}' for name in _COLUMNS)} RETURNING id",
    series="bigint", **_COLUMNS,
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """ISO weekdays, wall times at the location between which a visit should begin, with whom, where, and days off.

    `who` is any, prefer (rather this person) or same (only this person). Visits are never on the days of `not_on`; all
    else but "same" gives way at a price. Without a location the patient's usual one is meant.
    """

    weekdays: frozenset[int] = frozenset()
    earliest: time | None = None
    latest: time | None = None
    who: str = ANY
    practitioner_id: int | None = None
    location_id: int | None = None
    not_on: frozenset[date] = frozenset()

    @classmethod
    def of(cls, row: Wishes | None) -> "Wish":
        """What was wished when the course was planned before; nothing without a row."""
        if row is None:
            return cls()
        return cls(
            weekdays=frozenset(row.weekdays),
            earliest=row.earliest_time,
            latest=row.latest_time,
            who=row.who,
            practitioner_id=row.practitioner_id,
            location_id=row.location_id,
            not_on=frozenset(row.not_on),
        )

    def with_person(self, practitioner_id: int | None, *, only: bool) -> "Wish":
        """The same with another answer to "with whom?": nobody named means anybody."""
        who = ANY if practitioner_id is None else SAME if only else PREFER
        return replace(self, who=who, practitioner_id=practitioner_id)

    @property
    def fields(self) -> dict[str, object]:
        """The same as the fields of a row."""
        return {
            "weekdays": sorted(self.weekdays),
            "earliest_time": self.earliest,
            "latest_time": self.latest,
            "who": self.who,
            "practitioner_id": self.practitioner_id,
            "location_id": self.location_id,
            "not_on": sorted(self.not_on),
        }

    @property
    def has_times(self) -> bool:
        return self.earliest is not None or self.latest is not None

    def is_at_a_good_time(self, wall: time) -> bool:
        """Whether a visit that begins at this wall time is within the wished times, both ends included."""
        return (self.earliest is None or wall >= self.earliest) and (self.latest is None or wall <= self.latest)

    def is_on_a_good_day(self, day: date) -> bool:
        return not self.weekdays or day.isoweekday() in self.weekdays

    def is_with(self, person: int | None) -> bool:
        """Whether the person is the wished one; visits that need nobody are with anybody."""
        return self.who == ANY or person is None or person == self.practitioner_id


def keep(wish: Wish, series: TreatmentSeries) -> None:
    """Keep the wishes with the series in place of earlier ones; part of the caller's transaction."""
    _KEEP.rows({"series": series.pk, **wish.fields})
