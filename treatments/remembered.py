"""What was loaded from one catalogue, kept in the memory of the process until the catalogue is another one. Pure."""

from collections.abc import Callable, Hashable
from typing import TypeVar

Thing = TypeVar("Thing")


class Shelf:
    """Holds what was loaded under one stamp."""

    def __init__(self, stamp: tuple | None) -> None:
        self.stamp = stamp
        self._things: dict[Hashable, object] = {}

    def get(self, key: Hashable, load: Callable[[], Thing]) -> Thing:
        """Return what the key was loaded as; without a stamp nothing is kept."""
        if self.stamp is None:
            return load()
        if key not in self._things:
            self._things[key] = load()
        return self._things[key]


class _Newest:
    shelf = Shelf(None)


def shelf_of(stamp: tuple | None) -> Shelf:
    """The shelf of this stamp, which must have been read before what is put on it is loaded.

    Whatever changes the catalogue changes the stamp in the same transaction, so what is on the shelf is never older
    than its stamp. Only one shelf is kept; a thread that still uses another one keeps it to itself.
    """
    shelf = _Newest.shelf
    if shelf.stamp != stamp:
        shelf = _Newest.shelf = Shelf(stamp)
    return shelf
