"""Known tones: making them, and finding out what came back."""

import array
import fractions
import math

import aiortc
import av

RATE = 48000
FRAME_SAMPLES = RATE // 50


class ToneTrack(aiortc.mediastreams.AudioStreamTrack):
    """A microphone in front of which somebody whistles one tone."""

    def __init__(self, hertz, level_dbfs=-12.0):
        super().__init__()
        self.step = 2 * math.pi * hertz / RATE
        # 0 dBFS is the level of a full-scale sine, so the amplitude is the level itself.
        self.amplitude = 32767 * 10 ** (level_dbfs / 20)
        self.position = 0
        self.silent = False

    async def recv(self):
        await super().recv()  # keeps the pace of 20 ms
        amplitude = 0 if self.silent else self.amplitude
        # Two channels, as aiortc sends them: it would lower a single one by 3 dB to make two.
        samples = array.array("h")
        for index in range(FRAME_SAMPLES):
            sample = round(amplitude * math.sin(self.step * (self.position + index)))
            samples.extend((sample, sample))
        frame = av.AudioFrame(format="s16", layout="stereo", samples=FRAME_SAMPLES)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = RATE
        frame.pts = self.position
        frame.time_base = fractions.Fraction(1, RATE)
        self.position += FRAME_SAMPLES
        return frame


def samples_of(frame):
    """The left channel of a packed 16-bit frame."""
    samples = array.array("h", bytes(frame.planes[0]))
    channels = len(frame.layout.channels)
    return samples[: frame.samples * channels : channels]


class Tone:
    """What a stretch of sound is: its level, its main frequency, and how much of it that is."""

    def __init__(self, samples):
        self.level_dbfs = level(samples)
        self.hertz = frequency(samples)
        self.purity = power_at(samples, self.hertz) / max(power(samples), 1e-9)

    def __repr__(self):
        return f"{self.hertz:.1f} Hz, {self.level_dbfs:.1f} dBFS, {100 * self.purity:.0f} % pure"


def power(samples):
    return sum(sample * sample for sample in samples) / max(len(samples), 1)


def level(samples):
    """dB below a full-scale sine."""
    return 10 * math.log10(max(power(samples), 1e-9) / (32767**2 / 2))


def frequency(samples):
    """From the distance between the first and the last upward crossing of zero."""
    crossings = [
        index + samples[index] / (samples[index] - samples[index + 1])
        for index in range(len(samples) - 1)
        if samples[index] < 0 <= samples[index + 1]
    ]
    if len(crossings) < 2:
        return 0.0
    return RATE * (len(crossings) - 1) / (crossings[-1] - crossings[0])


def power_at(samples, hertz):
    """The power of the sine of this frequency within the samples (Goertzel's algorithm).

    Taken over windows of 20 ms, so that a slow drift of the phase does not count against it.
    """
    window = FRAME_SAMPLES
    total, count = 0.0, 0
    for start in range(0, len(samples) - window + 1, window):
        angle = 2 * math.pi * hertz / RATE
        factor = 2 * math.cos(angle)
        last, before = 0.0, 0.0
        for sample in samples[start : start + window]:
            last, before = sample + factor * last - before, last
        energy = last * last + before * before - factor * last * before
        total += 2 * energy / window**2
        count += 1
    return total / max(count, 1)
