"""An option of the search as the start that a person sees, with what it takes and what it misses."""

from datetime import timedelta

from clinic.scheduling.course_rows import moment_of
from clinic.scheduling.ground import Ground
from clinic.scheduling.plans import Chosen
from clinic.scheduling.search import Option
from clinic.scheduling.wishing import CHANGE, LATE
from treatments.windows import Window


def as_chosen(ground: Ground, option: Option, window: Window, person: int | None) -> Chosen:
    """An option with what it takes, what it costs next to a visit with that person, and what it misses."""
    place = ground.places[option.place]
    starts_at = moment_of(option.start)
    day = ground.day_of(option)
    prices = ground.prices
    misses = ground.misses(place, option.start, option.person)
    cost = abs((day - window.ideal).days) + option.cost
    if person is not None and option.person is not None and person != option.person:
        misses.append(CHANGE)
        cost += prices.change
    if window.is_late(day):
        misses.append(LATE)
        late_days = (day - min(window.latest, window.expires_on or window.latest)).days
        cost += prices.late + late_days * prices.each_late_day
    return Chosen(
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=place.request.shape.minutes),
        day=day,
        location_id=option.place,
        practitioner_id=option.person,
        is_late=window.is_late(day),
        cost=cost,
        misses=tuple(misses),
        place=place,
    )
