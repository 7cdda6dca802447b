"""The visits of a proposal as its patient looks through other times, before any answer is given.

What is chosen stands in the address until it is accepted: looking changes nothing, and going back is the browser's.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from clinic import proposals
from clinic.models import Proposal, ProposedVisit
from clinic.proposal_forms import LookForm


@dataclass(frozen=True)
class Other:
    """A start that could be taken instead, and the address of the page with it chosen."""

    starts_at: datetime
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Line:
    """One visit: its proposed start or the one chosen instead, and where to look for others or take that back."""

    place: int
    row: ProposedVisit
    starts_at: datetime
    look: str
    is_open: bool
    is_gone: bool
    others: tuple[Other, ...]
    back: str

    @property
    def is_picked(self) -> bool:
        return self.starts_at != self.row.starts_at


def lines(proposal: Proposal, form: LookForm, now: datetime) -> list[Line]:
    """Every visit with its start; other starts of the one that is looked at."""
    form.is_valid()
    chosen = form.chosen
    gone = proposals.gone(proposal, chosen, now) if chosen else set()
    others = proposals.others(proposal, form.open_visit, now, chosen=chosen) if form.open_visit else []
    rows = list(enumerate(form.visits, start=1))
    kept = {f"start_{place}": chosen[row.pk].isoformat() for place, row in rows if row.pk in chosen}
    found = [_line(form, place, kept, gone, others if form.open_visit == row.pk else ()) for place, row in rows]
    return sorted(found, key=lambda line: (line.row.starts_at, line.place))


def _line(
    form: LookForm, place: int, kept: Mapping[str, str], gone: Collection[int], others: Iterable[datetime]
) -> Line:  # fmt: skip
    """`kept` is what the address says of the choices so far."""
    row, chosen, mine = form.visits[place - 1], form.chosen, f"start_{place}"
    return Line(
        place=place,
        row=row,
        starts_at=chosen.get(row.pk, row.starts_at),
        look=_address(kept | {"visit": place}, place),
        is_open=form.open_visit == row.pk,
        is_gone=row.pk in gone,
        others=tuple(
            Other(start, _address(kept | {mine: start.isoformat()}, place), start == chosen.get(row.pk))
            for start in others
        ),
        back=_address({name: value for name, value in kept.items() if name != mine}, place),
    )


def _address(chosen: Mapping[str, object], place: int) -> str:
    """The same page, at the visit."""
    return f"?{urlencode(chosen)}#visit-{place}"
