"""Files of Tests/golden: behaviour as it was when somebody last wrote it down."""

import difflib
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent


def compare(name, text, write=False):
    """What a run says that the file does not, as a diff; empty when they agree. Or writes it."""
    file = FOLDER / name
    if write:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return ""
    kept = file.read_text(encoding="utf-8") if file.exists() else ""
    if kept == text:
        return ""
    lines = list(difflib.unified_diff(
        kept.splitlines(), text.splitlines(), f"Tests/golden/{name}", "this run", lineterm="", n=2))
    if len(lines) > 80:
        lines = [*lines[:80], f"... and {len(lines) - 80} more lines"]
    return "\n".join([*lines, "If that is meant: tools/golden --write, and say so in the commit."])
