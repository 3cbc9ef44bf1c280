"""What a newcomer reads: the map of the modules, and the comments of what modules offer."""

import re

from .tree import lines_of

PACKAGE_ITEM = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*package\s+(?:[a-z]+(?:\(\w+\))?\s+)*?"
    r"(?:actor|class|enum|func|init|let|protocol|struct|subscript|typealias|var)\b"
)
# How many `package` items of a module have no doc comment yet. No number may grow; what falls is
# written down here, and what reaches 0 goes. A module that is not here has none.
UNDOCUMENTED_MAX = {
    "Backends": 52,
    "CallClient": 27,
    "Complaints": 3,
    "Crypto": 10,
    "Deployment": 36,
    "Dtls": 20,
    "Ice": 4,
    "Json": 14,
    "Launcher": 17,
    "Load": 10,
    "Log": 3,
    "Machine": 7,
    "Paths": 2,
    "Realtime": 32,
    "Rtp": 21,
    "Runtime": 15,
    "Sctp": 25,
    "Sdp": 9,
    "ServiceClient": 10,
    "Session": 29,
    "Settings": 3,
    "Signalling": 33,
    "Srtp": 2,
    "Token": 22,
    "TransceiverRuntime": 3,
    "Trunk": 6,
    "Voice": 33,
    "Wire": 43,
}


def the_readme_maps_every_module(tree):
    readme = tree.root / "README.md"
    text = readme.read_text() if readme.exists() else ""
    for name, (room, _) in tree.targets.items():
        if room is not None and not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            yield f"README.md does not say what {name} is"


def package_items_are_documented(tree):
    found = {}
    for path in tree.swift_sources():
        places = found.setdefault(tree.room_and_module(path)[1], [])
        places += [tree.place(path, number) for number in undocumented(path)]
    for module in sorted(found.keys() | UNDOCUMENTED_MAX.keys()):
        places, allowed = found.get(module, []), UNDOCUMENTED_MAX.get(module, 0)
        if len(places) > allowed:
            yield (
                f"{module}: {len(places)} `package` items without a doc comment, at most {allowed}:"
                f" {', '.join(places)}"
            )
        elif len(places) < allowed:
            yield (
                f"{module}: only {len(places)} `package` items without a doc comment are left:"
                f" write that in tools/checks/documents.py, where {allowed} stands"
            )


def undocumented(path):
    """The lines of the `package` items without a doc comment above them and their attributes."""
    lines = lines_of(path)
    for index, line in enumerate(lines):
        if not PACKAGE_ITEM.match(line):
            continue
        above = index - 1
        while above >= 0 and lines[above].strip().startswith("@"):
            above -= 1
        if above < 0 or not re.match(r"\s*///|.*\*/\s*$", lines[above]):
            yield index + 1


RULES = [the_readme_maps_every_module, package_items_are_documented]
