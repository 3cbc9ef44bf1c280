"""The audio formats of the Realtime API and their way to and from the 16 kHz that the models take.

Samples are float32 in -1...1 on the inside; a format is what goes over the wire.
"""

from dataclasses import dataclass
from functools import cache

import numpy
import soxr

Samples = numpy.typing.NDArray[numpy.float32]

RATE = 16_000
"""Samples per second of everything inside."""
STEP = 256
"""Samples between two looks for a voice: 16 ms."""
PCM_RATES = (24_000, 16_000, 8_000)


@dataclass(frozen=True)
class AudioFormat:
    """A wire format: `audio/pcm` at one of PCM_RATES, or G.711 at 8 kHz."""

    kind: str = "audio/pcm"
    rate: int = 24_000

    @property
    def sample_bytes(self) -> int:
        return 2 if self.kind == "audio/pcm" else 1

    def milliseconds(self, length_bytes: int) -> float:
        return length_bytes * 1000 / (self.sample_bytes * self.rate)

    def decoded(self, data: bytes) -> Samples:
        """Whole samples only; the caller has checked the length."""
        if self.kind == "audio/pcm":
            linear = numpy.frombuffer(data, "<i2")
        else:
            linear = _g711_levels(self.kind)[numpy.frombuffer(data, numpy.uint8)]
        return linear.astype(numpy.float32) / 32768

    def encoded(self, samples: Samples) -> bytes:
        linear = numpy.clip(samples * 32768, -32768, 32767).astype("<i2")
        if self.kind == "audio/pcm":
            return linear.tobytes()
        return _g711_codes(self.kind)[linear.astype(numpy.int32) + 32768].tobytes()

    def as_json(self) -> dict[str, object]:
        if self.kind == "audio/pcm":
            return {"type": self.kind, "rate": self.rate}
        return {"type": self.kind}


@cache
def _g711_levels(kind: str) -> numpy.ndarray:
    """The 16-bit level of each of the 256 codes (ITU-T G.711)."""
    codes = numpy.arange(256, dtype=numpy.int32)
    if kind == "audio/pcmu":
        bits = ~codes & 0xFF
        size = (((bits & 0x0F) << 3) + 0x84 << ((bits & 0x70) >> 4)) - 0x84
        return numpy.where(bits & 0x80, -size, size).astype(numpy.int16)
    bits = codes ^ 0x55
    exponent, mantissa = (bits & 0x70) >> 4, (bits & 0x0F) << 4
    size = numpy.where(
        exponent == 0, mantissa + 8, (mantissa + 0x108) << numpy.maximum(exponent - 1, 0)
    )
    return numpy.where(bits & 0x80, size, -size).astype(numpy.int16)


@cache
def _g711_codes(kind: str) -> numpy.ndarray:
    """The code whose level is nearest, for each of the 65,536 linear values from -32,768 up."""
    levels = _g711_levels(kind).astype(numpy.int32)
    order = numpy.argsort(levels, kind="stable")
    edges = (levels[order][1:] + levels[order][:-1]) / 2
    nearest = numpy.searchsorted(edges, numpy.arange(-32768, 32768))
    return order[nearest].astype(numpy.uint8)


class Resampler:
    """A stream of samples from one rate to another.

    From 24 kHz a good one holds back up to 38 ms of sound, and a quick one nothing: it mirrors what
    is above the lower rate's range, which does not matter to who only looks for a voice.
    """

    def __init__(self, source_rate: int, target_rate: int, is_quick: bool = False) -> None:
        quality = "QQ" if is_quick else "MQ"
        self._stream = (
            None
            if source_rate == target_rate
            else soxr.ResampleStream(source_rate, target_rate, 1, "float32", quality)
        )

    def push(self, samples: Samples, last: bool = False) -> Samples:
        """What is ready by now; with `last`, the rest too."""
        if self._stream is None:
            return samples
        return self._stream.resample_chunk(samples, last)
