"""The drawn figures and their zones: where each body area of the catalogue lies. Data and the mirror, nothing else.

Coordinates are user units with the midline at x = 0; only one side is drawn, the other is its mirror image. A path has
absolute M, L, C and Z alone. Left and right of the figure is room for numbers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

FACE, FRONT, BACK = "face", "front", "back"

Point = tuple[float, float]
_COMMAND = re.compile(r"([MLCZ])([^MLCZ]*)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Shape:
    """The outline of one area, and the point of it that a number leads to (on the right half)."""

    path: str
    anchor: Point


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing; `half_width` and `height` make its viewBox, `short_height` when nothing below is needed."""

    key: str
    half_width: int
    height: int
    body: tuple[str, ...]
    lines: tuple[str, ...]
    shapes: dict[str, Shape]
    contour: str = ""
    short_height: int = 0

    def height_for(self, areas: Iterable[str]) -> int:
        """As much of the figure as these areas need."""
        lowest = max(y for area in areas for _x, y in points(self.shapes[area].path))
        return self.short_height if lowest < self.short_height else self.height


def points(path: str) -> list[Point]:
    """Every point of a path, control points too: the drawing lies inside their hull."""
    numbers = [float(number) for number in _NUMBER.findall(path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def pair(path: str) -> str:
    """The path and its mirror image."""
    return f"{path} {_mirrored(path)}"


def whole(half: str) -> str:
    """Close a half that begins and ends on the midline with its mirror image."""
    drawn = points(half)
    mirrored = [(-x, y) for x, y in reversed(drawn)]
    commands = [(letter, len(_NUMBER.findall(numbers)) // 2) for letter, numbers in _COMMAND.findall(half)][1:]
    back, at = [], 1
    for letter, count in reversed(commands):
        back.append(letter + " ".join(_pair_of(point) for point in mirrored[at : at + count]))
        at += count
    return f"{half} {' '.join(back)}Z"


def _mirrored(path: str) -> str:
    return _COMMAND.sub(lambda found: found[1] + " ".join(_pair_of((-x, y)) for x, y in points(found[2])), path)


def _pair_of(point: Point) -> str:
    return f"{point[0] + 0:g} {point[1]:g}"


_EYE = "M22 164C28 155 46 154 56 162C48 170 30 171 22 164Z"
_LID = "M17 165C22 147 53 145 62 162C53 177 26 177 17 165Z"
_ORBIT = "M19 147C33 137 57 139 69 150C77 160 74 171 64 178C48 185 28 183 18 174C13 167 13 155 19 147Z"

_HEAD = whole("M0 20C56 20 94 56 93 112C93 136 92 156 90 178C88 207 81 232 67 253C52 276 26 297 0 297")

_FACE = Figure(
    FACE,
    half_width=180,
    height=500,
    body=(
        pair("M88 150C96 143 103 149 102 161C101 177 96 194 88 199C84 192 84 160 88 150Z"),
        whole("M0 262L50 258C51 290 52 314 60 332C72 350 108 358 130 368C148 377 156 396 158 420L162 512L0 512"),
        _HEAD,
    ),
    lines=(
        pair("M20 144C32 133 52 133 66 143C52 138 34 139 20 144Z"),
        pair(_EYE),
        pair("M33 156.6C31 163 34 168.4 39 168.4C44 168.4 47 163 45 156.8"),
        "M-88 147C-87 126 -80 109 -67 96C-50 80 -26 75 0 75C26 75 50 80 67 96C80 109 87 126 88 147",
        pair("M18 197C23 201 25 210 20 215M5 221C9 217 14 217 17 219"),
        "M-15 263C-6 266 6 266 15 263",
        "M-34 247C-22 245 -8 248 0 249C8 248 22 245 34 247",
        pair("M14 377C40 367 84 364 120 371M95 158C98 164 97 176 92 186"),
    ),
    shapes={
        "scalp": Shape(
            whole("M0 22C55 22 92 57 91 112C91.5 124 91 136 90 147L88 147C87 126 80 109 67 96C50 80 26 75 0 75"),
            (52, 48),
        ),
        "forehead": Shape(
            whole(
                "M0 78C26 78 48 84 62 99C68 107 70 118 69 128C68 131 67 133 65 135C52 127 34 127 21 137"
                "C16 131 8 128 0 128"
            ),
            (34, 104),
        ),
        "temple": Shape(
            pair(
                "M72 105C81 116 86 132 87 152C87 158 87 163 86 167C82 169 78 169 76 168C78 158 76 150 71 143"
                "C74 137 74 130 74 122C74 116 73 110 72 105Z"
            ),
            (78, 140),
        ),
        "glabella": Shape(whole("M0 131C8 131 14 134 18 140C15 147 14 153 13 159C9 161 4 162 0 162"), (6, 145)),
        "periorbital": Shape(pair(f"{_ORBIT} {_LID}"), (67, 163)),
        "eyelid": Shape(pair(f"{_LID} {_EYE}"), (50, 154)),
        "nose": Shape(
            whole("M0 165C5 165 9 164 13 162C12 174 13 185 15 194C21 199 24 207 21 214C16 219 8 222 0 224"), (8, 196)
        ),
        "cheekbone": Shape(
            pair(
                "M25 185C38 191 58 188 68 180C74 175 78 172 84 171C87 173 88 176 87 181C87 187 86 192 84 197"
                "C68 205 46 205 28 197C25 193 24 189 25 185Z"
            ),
            (66, 192),
        ),
        "cheek": Shape(
            pair(
                "M28 201C46 209 68 209 84 201C83 212 80 223 75 232C68 243 58 250 48 254C47 245 44 236 38 229"
                "C31 222 27 216 26 210C25 206 26 203 28 201Z"
            ),
            (62, 224),
        ),
        "upper_lip": Shape(
            whole(
                "M0 227C9 226 18 223 24 218C30 224 36 232 38 240C37 242 36 243 34 244C25 240 16 234 9 234"
                "C5 234 2 236 0 237"
            ),
            (20, 230),
        ),
        "lip_vermilion": Shape(whole("M0 240C3 237 6 236 9 237C17 239 25 243 33 247C25 259 13 263 0 263"), (16, 255)),
        "perioral": Shape(
            whole("M0 266C15 266 29 260 37 249C38 247 40 245 41 243C45 247 46 252 43 257C36 265 20 270 0 270"),
            (39, 256),
        ),
        "chin": Shape(whole("M0 274C12 274 24 271 33 267C37 270 40 275 39 280C28 290 14 295 0 295"), (20, 284)),
        "jawline": Shape(
            pair(
                "M86 200C84 216 77 236 65 253C59 262 51 270 43 277C42 272 40 267 36 263C40 262 44 261 48 259"
                "C60 255 70 247 77 235C82 224 84 212 86 200Z"
            ),
            (62, 251),
        ),
        "submental": Shape(whole("M0 300C20 300 36 294 50 283C51 289 51 295 50 301C38 311 18 317 0 317"), (26, 305)),
        "neck": Shape(
            whole("M0 320C20 320 39 314 51 304C52 318 54 329 59 338C44 352 26 360 10 368C6 370 3 371 0 371"), (36, 338)
        ),
        "decolletage": Shape(
            whole("M0 380C28 377 72 371 114 378C124 390 128 406 126 424C110 464 50 482 0 482"), (70, 420)
        ),
    },
    contour=_HEAD,
    short_height=386,
)

_TRUNK = (
    "M0 72L14 72C14 84 15 90 19 94C30 101 48 101 58 110C58 122 52 134 49 144C48 164 40 178 38 198"
    "C40 220 49 236 51 256"
    "C54 290 46 326 41 352C40 366 41 378 42 392C43 420 34 452 30 480C32 490 36 500 32 507"
    "C26 512 14 511 11 506"
    "C10 498 12 490 13 480C15 456 12 430 12 408C12 394 14 382 14 368C11 336 6 300 3 272L0 266"
)
_ARM = (
    "M46 104C62 106 71 120 72 142C74 166 80 184 83 200C88 218 94 236 98 253C105 257 114 264 118 276"
    "C119 281 115 282 112 278L109 275C111 282 112 289 110 296C108 304 104 308 101 308"
    "C94 306 90 296 88 286C86 276 86 266 86 258C78 242 70 224 66 206C60 188 52 166 48 144Z"
)
_SKULL = whole("M0 12C18 12 28 26 27 44C26 62 16 80 0 80")
_EAR = pair("M27 40C31 38 32 46 30 52C29 57 27 58 26 57Z")

_FRONT = Figure(
    FRONT,
    half_width=170,
    height=530,
    body=(_EAR, whole(_TRUNK), pair(_ARM), _SKULL),
    lines=(pair("M4 103C16 99 34 100 48 106"),),
    shapes={
        "upper_arm_outer": Shape(
            pair(
                "M59 112C67 116 70 130 70.5 144C72 166 77 184 81 198L74.5 200C70 186 65 160 62 140"
                "C60 130 59 122 59 112Z"
            ),
            (67, 134),
        ),
        "upper_arm_inner": Shape(
            pair("M56 122C58 142 63 166 71.5 201L67 203C61 186 54 166 50.5 146C51 138 53 129 56 122Z"), (61, 170)
        ),
        "breast": Shape(pair("M4 150C14 143 34 142 45 148C48 162 44 178 28 180C13 181 5 170 4 150Z"), (30, 160)),
        "abdomen": Shape(
            whole("M0 184C14 188 26 187 35 184C34 192 34 200 35 206C38 224 36 244 28 254C20 261 8 264 0 264"), (20, 216)
        ),
        "flank": Shape(
            pair(
                "M39 184C38 192 39 200 40 206C44 224 49 238 50 256C46 261 40 261 33 256C40 244 42 226 39 206"
                "C38 198 38 192 39 184Z"
            ),
            (44, 240),
        ),
        "thigh": Shape(
            pair(
                "M6 278C14 271 22 264 30 260C38 265 45 265 50 262C52 292 45 326 40 350C32 354 22 354 15 350"
                "C12 330 8 300 6 278Z"
            ),
            (34, 304),
        ),
        "knee": Shape(
            pair("M15 355C22 358 33 358 39 355C39 366 40 376 40 385C33 389 22 389 15 385C15 374 15 364 15 355Z"),
            (30, 372),
        ),
        "palm": Shape(
            pair("M88 262C92 258 96 258 99 260C104 266 108 274 108 282C104 288 96 290 91 286C89 278 88 270 88 262Z"),
            (100, 275),
        ),
    },
)

_BACK = Figure(
    BACK,
    half_width=170,
    height=610,
    short_height=525,
    body=(
        _EAR,
        whole(_TRUNK),
        pair(_ARM),
        _SKULL,
        pair(
            "M22 540C32 538 38 546 37 558C36 570 34 578 32 590C30 600 18 602 15 592C12 580 14 570 12 558"
            "C11 548 14 542 22 540Z"
        ),
    ),
    lines=("M0 108L0 230", pair("M18 132C22 146 32 152 40 146")),
    shapes={
        "back": Shape(
            whole(
                "M0 104C20 104 38 106 50 112C51 124 48 136 46 146C45 164 38 180 36 196C37 206 39 216 42 226"
                "C28 232 12 234 0 234"
            ),
            (28, 150),
        ),
        "buttock": Shape(
            pair("M2 240C14 238 34 235 45 232C49 242 50 254 50 264C48 278 36 286 22 285C12 285 4 282 3 276Z"), (30, 262)
        ),
        "hand_dorsum": Shape(
            pair("M88 262C92 258 96 258 99 260C104 266 108 274 108 282C104 288 96 290 91 286C89 278 88 270 88 262Z"),
            (100, 275),
        ),
        "sole": Shape(
            pair(
                "M22 543C31 541 35 548 34 558C33 570 31 578 29 589C27 597 20 598 18 591C15 580 17 570 15 558"
                "C14 549 16 544 22 543Z"
            ),
            (26, 568),
        ),
    },
)

FIGURES = (_FACE, _FRONT, _BACK)
