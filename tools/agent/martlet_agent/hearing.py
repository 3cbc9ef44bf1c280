"""One call's ear: bytes of the input format to turns with their transcribers."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy

from .audio import RATE, STEP, AudioFormat, Resampler, Samples
from .events import Problem
from .recogniser import Recogniser
from .settings import TurnDetection
from .transcriber import Transcriber
from .voice_activity import (
    STEP_MILLISECONDS,
    Change,
    TurnDetector,
    TurnRules,
    VoiceActivity,
)

TURN_SECONDS_MAX = 120
"""A longer turn is ended (when the agent finds the turns) or refused (when the client does)."""
COMMIT_MILLISECONDS_MIN = 100
SLICE_SAMPLES = RATE
"""What is worked through at a time, before others get their turn."""


@dataclass(frozen=True)
class SpeechStarted:
    """Somebody began to speak, this long after the call's first sample."""

    milliseconds: int


@dataclass(frozen=True)
class SpeechStopped:
    """The turn's end, found by silence. Its transcriber belongs to the taker."""

    milliseconds: int
    turn: Transcriber


@dataclass(frozen=True)
class Slice:
    """A stretch of sound at 16 kHz: for the look-out, which must not wait, and for the turn, whose
    good sound comes a little later."""

    quick: Samples
    good: Samples


class Hearing:
    """Keeps the turn that is being spoken, and what came right before it."""

    def __init__(self, recogniser: Recogniser, activity: VoiceActivity, form: AudioFormat) -> None:
        self._recogniser = recogniser
        self._activity = activity
        self._use(form)
        self._forget_rest()
        self._turns: TurnDetection | None = None
        self._detector = TurnDetector(TurnRules())
        self._recent: deque[Samples] = deque()
        self._turn: Transcriber | None = None
        self._steps = 0

    def set_format(self, form: AudioFormat) -> None:
        if form != self._form:
            self._use(form)

    def _use(self, form: AudioFormat) -> None:
        self._form = form
        self._quick = Resampler(form.rate, RATE, is_quick=True)
        self._good = Resampler(form.rate, RATE)

    def _forget_rest(self) -> None:
        """What has not made a whole step yet, and good sound that waits for its step."""
        self._rest = numpy.zeros(0, numpy.float32)
        self._waiting = numpy.zeros(0, numpy.float32)

    def set_turns(self, turns: TurnDetection | None) -> None:
        """A turn that is open stays open when only the rules changed."""
        if (turns is None) != (self._turns is None):
            self.clear()
        self._turns = turns
        self._detector.rules = turns.rules if turns else TurnRules()

    def slices(self, data: bytes) -> Iterator[Slice]:
        """The appended audio at 16 kHz, in pieces to give to `hear` one after the other."""
        if len(data) % self._form.sample_bytes:
            raise Problem("invalid_value", "audio must be whole 16-bit samples", "audio")
        step = SLICE_SAMPLES * self._form.sample_bytes
        for start in range(0, len(data), step):
            samples = self._form.decoded(data[start : start + step])
            yield Slice(self._quick.push(samples), self._good.push(samples))

    def hear(self, piece: Slice) -> Iterator[SpeechStarted | SpeechStopped]:
        """Works through one slice; yields when a turn begins or ends."""
        samples = numpy.concatenate((self._rest, piece.quick))
        self._waiting = numpy.concatenate((self._waiting, piece.good))
        whole = len(samples) // STEP * STEP
        self._rest = samples[whole:]
        for start in range(0, whole, STEP):
            sound, self._waiting = self._waiting[:STEP], self._waiting[STEP:]
            yield from self._hear_step(samples[start : start + STEP], sound)

    def commit(self) -> Transcriber:
        """The client ends the turn."""
        turn = self._turn
        if turn is None or turn.samples * 1000 < COMMIT_MILLISECONDS_MIN * RATE:
            raise Problem(
                "input_audio_buffer_commit_empty",
                f"the buffer has less than {COMMIT_MILLISECONDS_MIN} ms of audio to commit",
            )
        self._turn = None
        self._detector.reset()
        return turn

    def clear(self) -> None:
        if self._turn is not None:
            self._turn.abandon()
        self._turn = None
        self._recent.clear()
        self._forget_rest()
        self._detector.reset()

    def _hear_step(self, step: Samples, sound: Samples) -> Iterator[SpeechStarted | SpeechStopped]:
        self._steps += 1
        change = self._detector.push(self._activity.probability(step))
        if self._turns is None:
            self._keep_for_commit(sound, change)
            return
        if change is Change.STARTED:
            self._turn = Transcriber(self._recogniser)
            early = len(self._recent) + 1
            for before in self._recent:
                self._turn.hear(before, True)
            self._recent.clear()
            yield SpeechStarted(max(0, (self._steps - early) * STEP_MILLISECONDS))
        if self._turn is None:
            self._remember(sound)
            return
        yield from self._add(self._turn, sound, change)

    def _add(
        self, turn: Transcriber, sound: Samples, change: Change | None
    ) -> Iterator[SpeechStopped]:
        turn.hear(sound, self._detector.is_loud)
        if change is Change.PAUSED:
            turn.pause()
        too_long = turn.samples >= TURN_SECONDS_MAX * RATE
        if change is Change.STOPPED or too_long:
            self._turn = None
            self._detector.reset()
            yield SpeechStopped(self._steps * STEP_MILLISECONDS, turn)

    def _keep_for_commit(self, sound: Samples, change: Change | None) -> None:
        if self._turn is None:
            self._turn = Transcriber(self._recogniser)
        if self._turn.samples >= TURN_SECONDS_MAX * RATE:
            raise Problem(
                "input_audio_buffer_full",
                f"the buffer holds {TURN_SECONDS_MAX} s: commit or clear it",
            )
        self._turn.hear(sound, self._detector.is_loud)
        if change is Change.PAUSED:
            self._turn.pause()

    def _remember(self, sound: Samples) -> None:
        """The steps before a turn that belong to it: the ones that showed it, and the prefix."""
        self._recent.append(sound)
        rules = self._detector.rules
        while len(self._recent) * STEP_MILLISECONDS > rules.prefix_milliseconds + 64:
            self._recent.popleft()
