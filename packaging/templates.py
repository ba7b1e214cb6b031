"""The files in `templates/`, filled with the facts. `@name@` is replaced; one that nobody knows is a mistake."""

import re
from pathlib import Path

from facts import AUTHORS, DESCRIPTION, LICENSE, NAME, VERSION

FOLDER = Path(__file__).resolve().parent / "templates"


def filled(name, **values):
    """The template of that name with these values and those that every package has."""
    known = {"name": NAME, "version": VERSION, "description": DESCRIPTION, "license": LICENSE, "authors": AUTHORS, **values}
    return re.sub(r"@(\w+)@", lambda found: str(known[found.group(1)]), (FOLDER / name).read_text())
