"""The shape of a visit: how long the patient is present and what is held when. Pure, over rows of segments.

A segment holds a practitioner, an assistant, a room of a kind, a device of a kind, or none of them. Segments that
follow one another and hold the same thing are one need; a segment between that does not hold it sets it free, so a
practitioner can see somebody else while the numbing works.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

PRACTITIONER = "practitioner"
ASSISTANT = "assistant"
ROOM = "room"
DEVICE = "device"
NUMBING = "numbing"
TURNAROUND = "turnaround"


class SegmentRow(Protocol):
    position: int
    kind: str
    base_minutes: int
    minutes_per_area: int
    holds_practitioner: bool
    needs_assistant: bool
    room_kind: str
    device_kind: str


@dataclass(frozen=True, slots=True)
class Need:
    """Minutes after the start. The last `turnaround_minutes` before the end come after the patient's use of it."""

    what: str
    kind: str
    start_minutes: int
    end_minutes: int
    turnaround_minutes: int = 0

    @property
    def in_use_until(self) -> int:
        return self.end_minutes - self.turnaround_minutes


@dataclass(frozen=True, slots=True)
class VisitShape:
    """`minutes`: the patient is present; turnaround after that is in the needs only."""

    minutes: int
    needs: tuple[Need, ...]


def shape_of(segments: Iterable[SegmentRow], areas: int) -> VisitShape:
    """The minutes and needs of a visit that treats so many areas."""
    present = clock = 0
    needs: dict[tuple[str, str], list[Need]] = {}
    for segment in sorted(segments, key=lambda row: row.position):
        ends = clock + segment.base_minutes + segment.minutes_per_area * areas
        is_turnaround = segment.kind == TURNAROUND
        for held in _held(segment) if ends > clock else ():
            _hold(needs.setdefault(held, []), Need(*held, clock, ends, ends - clock if is_turnaround else 0))
        clock = ends
        present = present if is_turnaround else ends
    return VisitShape(present, tuple(need for key in sorted(needs) for need in needs[key]))


def _held(segment: SegmentRow) -> Iterator[tuple[str, str]]:
    if segment.holds_practitioner:
        yield PRACTITIONER, ""
    if segment.needs_assistant:
        yield ASSISTANT, ""
    if segment.room_kind:
        yield ROOM, segment.room_kind
    if segment.device_kind:
        yield DEVICE, segment.device_kind


def _hold(spans: list[Need], need: Need) -> None:
    """Lengthens the last span where it ends, or begins another; turnaround in the middle is use like any other."""
    if not spans or spans[-1].end_minutes != need.start_minutes:
        spans.append(need)
        return
    before = spans.pop()
    turnaround = need.turnaround_minutes
    if turnaround == need.end_minutes - need.start_minutes:
        turnaround += before.turnaround_minutes
    spans.append(Need(need.what, need.kind, before.start_minutes, need.end_minutes, turnaround))
