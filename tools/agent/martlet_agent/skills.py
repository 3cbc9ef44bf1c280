"""What the agent can do: from the words that it heard to the words that it says.

Pure: time and the call's facts come in.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass

from . import spoken_numbers as numbers
from .recogniser import Hypothesis

BIAS = 1.5
"""How much less likely a hypothesis may be and still be preferred, because it asks for something
that the agent knows. In units of the natural logarithm."""
COUNT_MAX = 200
GREETING = "Hello. Ask me for the time, or say: count from one to ten."
ABILITIES = (
    "I can tell the time and the date, count, repeat what you say, "
    "and tell how long we have been talking."
)
NOT_HEARD = "Sorry, I did not catch that."


@dataclass(frozen=True)
class Facts:
    """What a skill may know about the moment and the call."""

    now: datetime.datetime
    call_seconds: float
    heard_before: str = ""


def chosen(hypotheses: list[Hypothesis]) -> str:
    """The likeliest text, or a runner-up close behind it that the agent understands."""
    if not hypotheses:
        return ""
    best = max(hypotheses, key=lambda entry: entry.score)
    for entry in sorted(hypotheses, key=lambda entry: -entry.score):
        if entry.score >= best.score - BIAS and _skill(entry.text) is not None:
            return entry.text
    return best.text


def answer(text: str, facts: Facts) -> str:
    """What to say to somebody who said this."""
    if not re.search(r"\w", text):
        return NOT_HEARD
    found = _skill(text)
    if found is None:
        return f"I heard: {text}"
    skill, match = found
    return skill(match, facts)


def spoken_time(now: datetime.datetime) -> str:
    """`twelve forty-seven in the afternoon`, `five minutes past nine in the morning`."""
    hour = numbers.in_words((now.hour - 1) % 12 + 1)
    part = "morning" if now.hour < 12 else "afternoon" if now.hour < 18 else "evening"
    if now.minute == 0:
        return f"{hour} o'clock in the {part}"
    if now.minute < 10:
        return f"{_counted(now.minute, 'minute')} past {hour} in the {part}"
    return f"{hour} {numbers.in_words(now.minute)} in the {part}"


def spoken_duration(seconds: float) -> str:
    """`two minutes and one second`."""
    minutes, rest = divmod(int(seconds), 60)
    parts = [_counted(minutes, "minute")] if minutes else []
    if rest or not minutes:
        parts.append(_counted(rest, "second"))
    return " and ".join(parts)


def _counted(count: int, thing: str) -> str:
    return f"{numbers.in_words(count)} {thing}{'' if count == 1 else 's'}"


def _time(_: re.Match[str], facts: Facts) -> str:
    return f"It is {spoken_time(facts.now)}."


def _date(_: re.Match[str], facts: Facts) -> str:
    return f"Today is {facts.now:%A}, {facts.now:%B} the {numbers.ordinal(facts.now.day)}."


def _count(match: re.Match[str], _: Facts) -> str:
    named = numbers.found_in(match.group("range"))
    first, last = (named[0], named[1]) if len(named) > 1 else (1, named[0] if named else 10)
    if abs(last - first) >= COUNT_MAX:
        return f"That is too far. I count at most {numbers.in_words(COUNT_MAX)} numbers."
    step = 1 if first <= last else -1
    counted = ", ".join(numbers.in_words(value) for value in range(first, last + step, step))
    return f"{counted.capitalize()}."


def _repeat(match: re.Match[str], _: Facts) -> str:
    said = match.group("said").strip(" ,.:;")
    return f"{said[:1].upper()}{said[1:]}." if said else "What shall I repeat?"


def _call_length(_: re.Match[str], facts: Facts) -> str:
    return f"We have been talking for {spoken_duration(facts.call_seconds)}."


def _heard(_: re.Match[str], facts: Facts) -> str:
    if not facts.heard_before:
        return "You have not said anything before that."
    return f"You said: {facts.heard_before}"


def _says(text: str) -> Callable[[re.Match[str], Facts], str]:
    return lambda _match, _facts: text


# The first that matches is taken, so what quotes other words stands at the front.
SKILLS: list[tuple[re.Pattern[str], Callable[[re.Match[str], Facts], str]]] = [
    (re.compile(pattern, re.IGNORECASE), skill)
    for pattern, skill in (
        (r"\b(?:repeat|say)(?: after me)?\b[ ,.:;]+(?P<said>\S.*)", _repeat),
        (r"\bwhat (?:did|have) (?:i|you) (?:just )?(?:say|said|hear|heard)\b", _heard),
        (r"\bhow long\b|\blength of (?:the|this) call\b", _call_length),
        (r"\bcount(?:s|ed)?\b(?P<range>.*)", _count),
        (r"\bwhat can you do\b|\bhelp\b", _says(ABILITIES)),
        (r"\btime\b|\bclock\b", _time),
        (r"\b(?:date|today|to-day|what day)\b", _date),
        (
            r"^\W*(?:please )?(?:stop|wait|quiet|be quiet|okay|ok|thanks|thank you)\b",
            _says("Okay."),
        ),
        (r"\b(?:good ?bye|good-bye|bye)\b", _says("Goodbye. It was nice to talk to you.")),
        (r"^\W*(?:hello|hi|hey|good (?:morning|afternoon|evening))\b", _says(GREETING)),
    )
]


def _skill(text: str) -> tuple[Callable[[re.Match[str], Facts], str], re.Match[str]] | None:
    for pattern, skill in SKILLS:
        match = pattern.search(text)
        if match:
            return skill, match
    return None
