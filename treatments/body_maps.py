"""Areas on the body as a picture, with the list that says the same. Pure: zones come in, places and numbers go out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from treatments.body_zones import BACK, FACE, FIGURES, FRONT, Figure, Shape

CHIP_RADIUS = 12
CHIP_FROM_EDGE = 34
APART = 44
PLAIN, LIGHT, MEDIUM, DEEP, DEEPEST = range(5)
_DEEPEST_OF = ((LIGHT, Decimal("0.3")), (MEDIUM, Decimal("0.75")), (DEEP, Decimal("1.5")))


@dataclass(frozen=True, slots=True)
class Zone:
    """One area with the figure that is said about it; the stronger, the denser it is shaded (0 to 4)."""

    area_key: str
    area_label: str
    figure: str = ""
    strength: int = MEDIUM


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; `number` is its number in the picture, None where the picture cannot show it.

    `box` is the checkbox of a form that asks for areas.
    """

    zone: Zone
    number: int | None
    box: object = None

    @property
    def is_chosen(self) -> bool:
        return bool(self.box and self.box.data["selected"])


@dataclass(frozen=True, slots=True)
class Placed:
    """One zone in a drawing: its outline, its number in the margin, and the line between them."""

    row: Row
    path: str
    anchor_x: int
    anchor_y: int
    chip_x: int
    chip_y: int

    @property
    def line_x(self) -> int:
        return self.chip_x - CHIP_RADIUS if self.is_right else self.chip_x + CHIP_RADIUS

    @property
    def edge_x(self) -> int:
        """Where the words under the number end, on the right, or begin, on the left."""
        return self.chip_x + (CHIP_FROM_EDGE - 2 if self.is_right else 2 - CHIP_FROM_EDGE)

    @property
    def is_right(self) -> bool:
        return self.chip_x > 0

    @property
    def figure_y(self) -> int:
        return self.chip_y + CHIP_RADIUS + 12


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure with its zones."""

    figure: Figure
    title: str
    height: int
    zones: list[Placed]

    @property
    def view_box(self) -> str:
        return f"{-self.figure.half_width} 0 {2 * self.figure.half_width} {self.height}"

    @property
    def summary(self) -> str:
        said = (f"{each.row.number} {each.row.zone.area_label} {each.row.zone.figure}".strip() for each in self.zones)
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class BodyMap:
    """Everything `treatments/_body_map.html` shows; `key` begins the ids of its parts on the page."""

    key: str
    drawings: list[Drawing]
    rows: list[Row]

    @property
    def is_graded(self) -> bool:
        """Does the shading say something? It does when not all zones are shaded alike."""
        return len({each.row.zone.strength for drawing in self.drawings for each in drawing.zones}) > 1


def body_map(zones: Iterable[Zone], *, key: str = "areas") -> BodyMap:
    """Number the zones from head to foot and place them; an area that no figure shows is in the list alone."""
    return _laid_out([(zone, None) for zone in zones], key)


def choice(field: Iterable, *, key: str = "areas") -> BodyMap:
    """The same for a form's checkboxes of areas (a bound field whose values are area keys)."""
    boxes = list(field)
    zones = [Zone(str(box.data["value"]), str(box.data["label"])) for box in boxes]
    return _laid_out(list(zip(zones, boxes, strict=True)), key)


def strength(deepest_mm: Decimal | None) -> int:
    """How densely to shade an area that is treated down to that depth."""
    if deepest_mm is None:
        return PLAIN
    return next((level for level, most in _DEEPEST_OF if deepest_mm <= most), DEEPEST)


def figure_title(key: str) -> str:
    return {
        FACE: _("Face, neck and upper chest"),
        FRONT: _("Body from the front"),
        BACK: _("Body from the back, with the soles"),
    }[key]


def _laid_out(given: list[tuple[Zone, object]], key: str) -> BodyMap:
    shown, number, drawings = [], 0, []
    for figure in FIGURES:
        found = [(zone, box) for zone, box in given if zone.area_key in figure.shapes]
        found.sort(key=lambda pair: _height_of(figure.shapes[pair[0].area_key]))
        rows = [Row(zone, number + index, box) for index, (zone, box) in enumerate(found, start=1)]
        number += len(rows)
        shown += rows
        if rows:
            height = figure.height_for(row.zone.area_key for row in rows)
            drawings.append(Drawing(figure, figure_title(figure.key), height, _placed(figure, rows, height)))
    drawn = {row.zone.area_key for row in shown}
    shown += [Row(zone, None, box) for zone, box in given if zone.area_key not in drawn]
    return BodyMap(key, drawings, shown)


def _height_of(shape: Shape) -> float:
    return shape.anchor[1]


def _placed(figure: Figure, rows: Sequence[Row], height: int) -> list[Placed]:
    """From top to bottom in turn to the right and to the left, so that lines do not cross and numbers stay apart."""
    placed = {}
    for side, of_side in ((1, rows[::2]), (-1, rows[1::2])):
        anchors = [figure.shapes[row.zone.area_key].anchor for row in of_side]
        for row, (x, y), chip_y in zip(of_side, anchors, _spread([y for _x, y in anchors], height), strict=True):
            chip_x = side * (figure.half_width - CHIP_FROM_EDGE)
            placed[row.number] = Placed(
                row, figure.shapes[row.zone.area_key].path, round(side * x), round(y), chip_x, chip_y
            )
    return [placed[row.number] for row in rows]


def _spread(heights: Sequence[float], height: int) -> list[int]:
    """Places near the wanted heights, in their order, far enough apart and all inside the picture."""
    lowest, places = CHIP_RADIUS + 2, []
    for wanted in heights:
        places.append(max(round(wanted), lowest))
        lowest = places[-1] + APART
    highest = height - APART + CHIP_RADIUS
    for index in reversed(range(len(places))):
        places[index] = min(places[index], highest)
        highest = places[index] - APART
    return places
