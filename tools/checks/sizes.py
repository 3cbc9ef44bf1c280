"""The sizes of files, functions and lines."""

import re

from .tree import lines_of

LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

SWIFT_FUNCTION = re.compile(
    r"^(\s*)(?:@\S+\s+)*(?:[a-z]+(?:\(\w+\))?\s+)*(?:func\b|init[?(<]|deinit\b)"
)
# Comments, texts and characters of C, which may hold any brace.
C_NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)
# A directive with the lines that it goes on in.
C_DIRECTIVE = re.compile(r"^[ ]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
C_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)|\[\[.*?\]\]", re.DOTALL)
# What stands before the body of a function: a name and its parameters, whatever is before the name.
C_HEAD = re.compile(r"\w\s*\(.*\)\s*$", re.DOTALL)


def files_are_not_long(tree):
    for path in tree.files:
        count = len(lines_of(path))
        if count > LINES_MAX and path.name != "LICENSE":
            yield f"{tree.place(path)}: {count} lines, at most {LINES_MAX}"


def functions_are_not_long(tree):
    for path in tree.with_suffix(".swift", ".c", ".h"):
        functions = swift_functions if path.suffix == ".swift" else c_functions
        for number, count in functions(path):
            if count > FUNCTION_LINES_MAX:
                yield f"{tree.place(path, number)}: {count} lines, at most {FUNCTION_LINES_MAX}"


def lines_are_not_long(tree):
    for path in tree.files:
        if path.suffix == ".md":
            continue
        for number, line in enumerate(lines_of(path), 1):
            if len(line) > COLUMNS_MAX:
                yield f"{tree.place(path, number)}: {len(line)} columns, at most {COLUMNS_MAX}"


def swift_functions(path):
    """The first line and the length of each function: the code is formatted, so a function ends
    with a brace as far in as it began."""
    lines = lines_of(path)
    for index, line in enumerate(lines):
        match = SWIFT_FUNCTION.match(line)
        if not match or re.search(r"\{.*\}\s*$", line):
            continue
        for last in range(index, len(lines)):
            if lines[last].rstrip() == match.group(1) + "}":
                yield index + 1, last - index + 1
                break


def c_functions(path):
    """The first line and the length of each function, wherever its type and its braces stand."""
    text = path.read_text(errors="replace")
    for pattern in (C_NOT_CODE, C_DIRECTIVE):
        text = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    depth, begun, first = 0, 0, None
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        if match.group() == "{":
            if depth == 0 and is_function_head(text[begun:at]):
                first = begun + len(text[begun:at]) - len(text[begun:at].lstrip())
            depth += 1
        elif match.group() == "}":
            # One at the margin ends everything: branches of #if may have opened a brace twice.
            depth = 0 if at == 0 or text[at - 1] == "\n" else max(depth - 1, 0)
            if depth == 0 and first is not None:
                begins = text.count("\n", 0, first) + 1
                yield begins, text.count("\n", first, at) + 1
                first = None
        if depth == 0:
            begun = at + 1


def is_function_head(text):
    text = C_ATTRIBUTE.sub("", text)
    return bool(C_HEAD.search(text)) and "=" not in text


RULES = [files_are_not_long, functions_are_not_long, lines_are_not_long]
