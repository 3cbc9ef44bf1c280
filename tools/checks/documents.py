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
    "CallClient": 26,
    "ServiceClient": 6,
    "Session": 29,
    "Signalling": 31,
    "TransceiverRuntime": 2,
}


def the_readme_maps_every_module(tree):
    readme = tree.root / "README.md"
    text = readme.read_text() if readme.exists() else ""
    for name, (room, _) in tree.targets.items():
        if room is not None and not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            yield f"README.md does not say what {name} is"


def package_items_are_documented(tree):
    found = {}
    protocols = requirements(tree)
    for path in tree.swift_sources():
        places = found.setdefault(tree.room_and_module(path)[1], [])
        places += [tree.place(path, number) for number in undocumented(path, protocols)]
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


# What the standard library's protocols want, whose documents are its own.
LIBRARY = {
    "CustomStringConvertible": {"description"}, "CustomReflectable": {"customMirror"},
    "Hashable": {"hash", "=="}, "Equatable": {"=="}, "Comparable": {"<"},
    "RandomNumberGenerator": {"next"},
}
PROTOCOL = re.compile(r"^(?:package |public )?protocol (\w+)(?:\s*:\s*([\w, &]+?))?\s*\{")
CONFORMANCE = re.compile(r"^[^/]*\b(?:actor|class|enum|extension|struct)\s+[\w.]+\s*:\s*([^{]*)\{")
MEMBER = re.compile(r"\b(?:func|let|var)\s+(?:`?(\w+)`?|([=<>!]+))")


def requirements(tree):
    """Protocol -> the names of what it wants, with what its parents want."""
    own, parents = {name: set(wanted) for name, wanted in LIBRARY.items()}, {}
    for path in tree.swift_sources():
        name = None
        for line in lines_of(path):
            if begin := PROTOCOL.match(line):
                name = begin[1]
                own[name], parents[name] = set(), re.findall(r"\w+", begin[2] or "")
            elif line.startswith("}"):
                name = None
            elif name and (member := MEMBER.search(line.split("//")[0])):
                own[name].add(member[1] or member[2])
    for name in parents:
        waiting = list(parents[name])
        while waiting:
            parent = waiting.pop()
            own[name] |= own.get(parent, set())
            waiting += parents.get(parent, [])
    return own


def is_attribute(line):
    """Whether a line holds attributes alone: with an item on it, it is that item's."""
    return re.match(r"\s*@", line) and not PACKAGE_ITEM.match(line)


def undocumented(path, protocols):
    """The lines of the `package` items without a doc comment above them and their attributes. What
    a protocol wants that is conformed to in this file is documented there."""
    lines = lines_of(path)
    wanted = set()
    for line in lines:
        if conformance := CONFORMANCE.match(line):
            for name in re.findall(r"\w+", conformance[1]):
                wanted |= protocols.get(name, set())
    for index, line in enumerate(lines):
        if not PACKAGE_ITEM.match(line):
            continue
        member = MEMBER.search(line)
        if member and (member[1] or member[2]) in wanted:
            continue
        above = index - 1
        while above >= 0 and is_attribute(lines[above]):
            above -= 1
        if above < 0 or not re.match(r"\s*///|.*\*/\s*$", lines[above]):
            yield index + 1


RULES = [the_readme_maps_every_module, package_items_are_documented]
