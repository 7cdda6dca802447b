"""What a patient wishes of the visits of a course, as plain values. Empty is not wished."""

from dataclasses import dataclass
from datetime import date, time

from clinic.models import Wishes

ANY, PREFER, SAME = Wishes.Who.ANY.value, Wishes.Who.PREFER.value, Wishes.Who.SAME.value
WEEKDAY, TIME, PRACTITIONER, CHANGE, LOCATION, LATE = "weekday", "time", "practitioner", "change", "location", "late"


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
