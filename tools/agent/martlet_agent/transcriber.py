"""One turn's way to text, while it is being spoken.

At each short pause what was said so far is recognised, on the bet that the turn ends there: when it
does, the text is ready with the turn's end. Long turns are cut at pauses into segments, each
recognised once and for all while the person speaks on.
"""

import asyncio
import threading

import numpy

from .audio import RATE, Samples
from .recogniser import Hypothesis, Recogniser

SEGMENT_SECONDS = 8.0
"""A pause after this much ends a segment."""
SEGMENT_SECONDS_MAX = 14.0
"""Without any pause a segment ends here, in the middle of a word if it must."""


class Transcriber:
    """Takes the turn's audio as it comes; not more than one recognition of its runs at a time."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._tail: list[Samples] = []
        self._tail_samples = 0
        self._sealed: list[asyncio.Task[list[Hypothesis]]] = []
        self._guess: asyncio.Task[list[Hypothesis]] | None = None
        self._unwanted = threading.Event()
        self._spoken_since_guess = False
        self._tail_has_speech = False
        self.samples = 0

    def hear(self, sound: Samples, is_speech: bool) -> None:
        self._tail.append(sound)
        self._tail_samples += len(sound)
        self.samples += len(sound)
        self._spoken_since_guess |= is_speech
        self._tail_has_speech |= is_speech
        if self._tail_samples >= SEGMENT_SECONDS_MAX * RATE:
            self._cut()

    def pause(self) -> None:
        """The person is silent for a moment."""
        if not self._tail_has_speech:
            return
        guess = self._fresh_guess()
        if self._tail_samples >= SEGMENT_SECONDS * RATE:
            self._seal(guess)

    async def finish(self) -> list[Hypothesis]:
        """The texts of the whole turn, best first; more than one only for a short turn.

        Where there was no speech there are none: the model would make some up.
        """
        if self._tail_has_speech:
            is_good = self._guess is not None and not self._spoken_since_guess
            self._seal(self._guess if is_good else self._fresh_guess())
        if not self._sealed:
            return []
        parts = [await segment for segment in self._sealed]
        if len(parts) == 1:
            return parts[0]
        text = " ".join(part[0].text for part in parts if part)
        return [Hypothesis(text, sum(part[0].score for part in parts if part))]

    def abandon(self) -> None:
        """Nobody wants the turn: what runs stops at its next step."""
        self._unwanted.set()
        for task in (*self._sealed, *filter(None, [self._guess])):
            task.cancel()

    def _fresh_guess(self) -> asyncio.Task[list[Hypothesis]]:
        """Recognises the tail as it is now, in place of an older guess that ends too early."""
        if self._guess is not None:
            self._unwanted.set()
            self._guess.cancel()
        self._unwanted = threading.Event()
        self._spoken_since_guess = False
        audio = numpy.concatenate(self._tail)
        self._guess = asyncio.create_task(self._recogniser.hypotheses(audio, self._unwanted))
        return self._guess

    def _cut(self) -> None:
        """In the middle of a word if it must be; silence is only forgotten."""
        if self._tail_has_speech:
            self._seal(self._fresh_guess())
        self._tail = []
        self._tail_samples = 0

    def _seal(self, segment: asyncio.Task[list[Hypothesis]]) -> None:
        self._sealed.append(segment)
        self._guess = None
        self._unwanted = threading.Event()
        self._tail = []
        self._tail_samples = 0
        self._tail_has_speech = False
