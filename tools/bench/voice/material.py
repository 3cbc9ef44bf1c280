"""What is said: five sentences each by two synthesisers and five of a real reader.

Made on this machine, kept in a folder of the build, in no repository: espeak-ng and flite speak;
the reader is from the test data of PyPI's pocketsphinx (LibriVox, in the public domain), which
tools/bench/setup voice fetches."""

import dataclasses
import pathlib
import re
import subprocess
import wave

import numpy
import scipy.signal

RATE = 16000
LEAD_SECONDS = 1.0
PAUSE_SECONDS = 0.7
LEVEL_DBFS = -26.0

READER = "sense_and_sensibility_01_austen_64kb-{}"
SENTENCES = [
    ("reader", "0880"),
    ("espeak", "The next train to the city is waiting on the other side of the station."),
    ("flite", "The weather will be sunny in the morning and cloudy in the evening."),
    ("reader", "0930"),
    ("espeak", "Could you tell me when the library opens tomorrow morning?"),
    ("flite", "There are three meetings in your calendar for tomorrow afternoon."),
    ("reader", "0890"),
    ("espeak", "Please remind me to write to my sister before the weekend."),
    ("flite", "The restaurant is open every day of the week except on Sunday."),
    ("reader", "0870"),
    ("espeak", "I would like to book a table for four people in the garden."),
    ("flite", "Your order has been sent and will arrive on Thursday."),
    ("reader", "0920"),
    ("espeak", "How long does it take to drive from the hotel to the market?"),
    ("flite", "I have found two flights that leave early on Friday morning."),
]


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One sentence and where it stands in the material, in samples."""

    text: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Material:
    """Sound of -1 to 1 at 16 kHz, one channel."""

    samples: numpy.ndarray
    utterances: tuple

    @property
    def seconds(self):
        return len(self.samples) / RATE


def make(folder, seconds=None):
    """All of it, or the first sentences that fit into so many seconds."""
    folder = pathlib.Path(folder)
    pieces = [numpy.zeros(int(LEAD_SECONDS * RATE))]
    place, utterances = len(pieces[0]), []
    pause = numpy.zeros(int(PAUSE_SECONDS * RATE))
    for voice, what in SENTENCES:
        sound, text = spoken(folder, voice, what)
        if seconds and utterances and place + len(sound) > seconds * RATE:
            continue
        utterances.append(Utterance(text, place, place + len(sound)))
        pieces += [sound, pause]
        place += len(sound) + len(pause)
    return Material(numpy.concatenate(pieces), tuple(utterances))


def spoken(folder, voice, what):
    """(sound, text) of one sentence, as loud as all others."""
    if voice == "reader":
        path = folder / (READER.format(what) + ".wav")
        if not path.exists():
            raise RuntimeError(f"{path} is missing; tools/bench/setup voice fetches it")
        text = path.with_suffix(".txt").read_text()
    else:
        path, text = folder / f"{voice}-{re.sub('[^a-z]', '', what.lower())[:24]}.wav", what
        if not path.exists():
            synthesise(voice, what, path)
    return levelled(trimmed(read_wav(path))), text.strip()


def synthesise(voice, text, path):
    command = {
        "espeak": ["espeak-ng", "-v", "en-gb", "-s", "150", "-w", str(path), text],
        "flite": ["flite", "-voice", "slt", "-t", text, "-o", str(path)],
    }[voice]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read_wav(path):
    """One channel at 16 kHz."""
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    return resampled(samples[::channels], rate, RATE)


def resampled(samples, rate, wanted):
    if rate == wanted:
        return samples
    common = numpy.gcd(rate, wanted)
    return scipy.signal.resample_poly(samples, wanted // common, rate // common)


def trimmed(sound):
    """Without the silence before and behind."""
    loud = numpy.flatnonzero(numpy.abs(sound) > 0.01 * numpy.abs(sound).max())
    margin = RATE // 50
    return sound[max(0, loud[0] - margin) : loud[-1] + margin]


def levelled(sound):
    """At the level of its active part: frames of 20 ms within 30 dB of the loudest."""
    frames = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    power = (frames**2).mean(axis=1)
    active = power[power > power.max() / 1000].mean()
    scaled = sound * 10 ** (LEVEL_DBFS / 20) / numpy.sqrt(active)
    return scaled / max(1.0, numpy.abs(scaled).max() / 0.99)


def write_wav(path, samples, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm(samples))


def pcm(samples):
    """16 bits, little-endian."""
    return (numpy.clip(samples, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()


def samples_of(data):
    return numpy.frombuffer(data, "<i2") / 32768
