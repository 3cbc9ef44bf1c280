"""What no line and no name may hold."""

import re

from .tree import lines_of

# Banned words, where they are banned, and what to do instead.
BANNED = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", "", "finish it or write an issue"),
    (r"\bimport Foundation\b", "Sources", "nothing here needs it; it doubles the programs"),
    (r"\btry!|\bas!", "Sources", "handle the error; our own mistake is a precondition"),
    (r"-Ounchecked", "", "preconditions stay on"),
    (r"\b(usleep|nanosleep|sleep)\(", "Sources", "wait for the event, not for a time"),
]
# The two files that must say the banned words.
BANS = ["tools/checks/words.py", "tools/checks/planted.py"]


def lines_end_clean(tree):
    for path in tree.files:
        text = path.read_text(errors="replace")
        if text and not text.endswith("\n"):
            yield f"{tree.place(path)}: no line end at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip() or "\t" in line:
                yield f"{tree.place(path, number)}: blank at the end, or a tab"


def nothing_is_banned(tree):
    for path in tree.files:
        if tree.name(path) in BANS:
            continue
        for number, line in enumerate(lines_of(path), 1):
            for pattern, folder, instead in BANNED:
                if tree.name(path).startswith(folder) and re.search(pattern, line):
                    yield f"{tree.place(path, number)}: {line.strip()!r}: {instead}"


def names_say_something(tree):
    for path in tree.files:
        if re.match(r"(?i)(utils?|helpers?|misc|common|placeholder)\b", path.stem):
            yield f"{tree.place(path)}: the name does not say what is in it"


RULES = [lines_end_clean, nothing_is_banned, names_say_something]
