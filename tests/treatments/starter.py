"""Broken copies of the starter files, and what the loader says about them."""

import json

import pytest

from treatments import catalogue
from treatments.starter_files import BrokenStarter


def edit(folder, file, key, /, *, part=None, **changes):
    """Change one record of a starter file; the name of a nested value is written as `limits__max_mg`."""
    path = folder / f"{file}.json"
    content = json.loads(path.read_text())
    record = next(row for row in (content[part] if part else content) if row["key"] == key)
    for name, value in changes.items():
        *outer, last = name.split("__")
        place = record
        for step in outer:
            place = place[int(step) if step.isdigit() else step]
        place[int(last) if isinstance(place, list) else last] = value
    path.write_text(json.dumps(content))


def faults(folder):
    with pytest.raises(BrokenStarter) as caught:
        catalogue.checked(folder)
    return str(caught.value).splitlines()
