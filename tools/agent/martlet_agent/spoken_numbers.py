"""Numbers as people say them: words to values, and values to words."""

import re

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth",
}  # fmt: skip
VALUES = {word: value for value, word in enumerate(UNITS)} | {
    word: (place + 2) * 10 for place, word in enumerate(TENS)
}


def in_words(value: int) -> str:
    """0 to 999,999."""
    if value < 20:
        return UNITS[value]
    if value < 100:
        tens, unit = divmod(value, 10)
        return TENS[tens - 2] + (f"-{UNITS[unit]}" if unit else "")
    size, name = (100, "hundred") if value < 1000 else (1000, "thousand")
    count, rest = divmod(value, size)
    return f"{in_words(count)} {name}" + (f" {in_words(rest)}" if rest else "")


def ordinal(value: int) -> str:
    """1 to 99."""
    *front, last = in_words(value).split("-")
    return "-".join([*front, ORDINALS.get(last, last + "th")])


def found_in(text: str) -> list[int]:
    """The numbers below a million that a text names, in digits or in words, in its order."""
    found: list[int] = []
    value: int | None = None
    for word in [*re.findall(r"\d{1,6}|[a-z]+", text.lower()), ""]:
        continued = _continued(value, word)
        if continued is None and value is not None and word != "and":
            found.append(value)
            value = None
        if continued is not None:
            value = continued
        elif word in VALUES:
            value = VALUES[word]
        elif word.isdigit():
            found.append(int(word))
    return found


def _continued(value: int | None, word: str) -> int | None:
    """The value that a word makes of the number before it, if it belongs to that number."""
    if word in ("hundred", "thousand"):
        size = 100 if word == "hundred" else 1000
        return min((1 if value is None else value) * size, 999_999)
    if value is None or word not in VALUES:
        return None
    place = 10 if VALUES[word] < 10 else 100
    fits = value and value % place == 0 and VALUES[word] < 100
    return value + VALUES[word] if fits and not (place == 10 and value % 100 == 10) else None
