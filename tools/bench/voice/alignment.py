"""Where in a recording each tenth of a second of the material is."""

import dataclasses

import numpy
import scipy.signal

from material import RATE

HOP = RATE // 10
WINDOW = 4 * HOP
# Under this likeness (the normalised cross-correlation) sound is not recognised.
LIKENESS_MIN = 0.5
NEAR_LIKENESS = 0.8
NEAR = RATE * 60 // 1000
# A place elsewhere has to be so much likelier than one beside the last.
ELSEWHERE = 0.05
EARLY_SECONDS, LATE_SECONDS = 0.15, 2.0
SILENCE_DBFS = -50


@dataclasses.dataclass(frozen=True)
class Match:
    """A window of the material that begins at `place`; it is heard `lag` samples further on in the
    recording (None: it is not to be found there)."""

    place: int
    lag: int | None
    likeness: float


def likeness(window, sound):
    """The normalised cross-correlation of the window with each place of the sound."""
    size = len(window)
    product = scipy.signal.correlate(sound, window, mode="valid", method="fft")
    sums = numpy.concatenate([[0.0], numpy.cumsum(sound**2)])
    power = numpy.maximum(sums[size:] - sums[:-size], 1e-9)
    return product / numpy.sqrt(power * max((window**2).sum(), 1e-9))


def is_silent(sound):
    return len(sound) == 0 or 10 * numpy.log10((sound**2).mean() + 1e-12) < SILENCE_DBFS


def matches(samples, recording):
    """A Match for each tenth of a second at which the material is not silent for the next 0.4 s."""
    found, last = [], None
    for place in range(0, len(samples) - WINDOW + 1, HOP):
        window = samples[place : place + WINDOW]
        if is_silent(window):
            continue
        match = near(window, place, recording, last) or anywhere(window, place, recording, last)
        if match.lag is not None:
            last = match.lag
        found.append(match)
    return found


def best(window, place, recording, first, end):
    """(lag, likeness of each lag) for the windows that begin in first..<end."""
    first, end = max(0, first), min(end, len(recording.samples) - WINDOW + 1)
    if end <= first:
        return None, numpy.zeros(0)
    likely = likeness(window, recording.samples[first : end + WINDOW - 1])
    return first - place, likely


def near(window, place, recording, last):
    """Most windows are where the one before was."""
    if last is None:
        return None
    base, likely = best(window, place, recording, place + last - NEAR, place + last + NEAR + 1)
    if base is None or likely.max() < NEAR_LIKENESS:
        return None
    top = int(likely.argmax())
    return Match(place, base + top, float(likely[top]))


def anywhere(window, place, recording, last):
    """By the wall clock it cannot have come before it was said."""
    said = recording.start + place / RATE
    first = recording.place_at(said - EARLY_SECONDS)
    end = recording.place_at(said + LATE_SECONDS)
    base, likely = best(window, place, recording, first, end)
    if base is None:
        return Match(place, None, 0.0)
    weighed = likely.copy()
    if last is not None:
        low = max(0, last - NEAR - base)
        weighed[low : max(low, last + NEAR - base)] += ELSEWHERE
    top = int(weighed.argmax())
    if likely[top] < LIKENESS_MIN:
        return Match(place, None, float(likely[top]))
    return Match(place, base + top, float(likely[top]))


def aligned(samples, recording, found):
    """The recording beside the material: each tenth of a second from where it was found."""
    out = numpy.zeros(len(samples))
    lags = {match.place: match.lag for match in found if match.lag is not None}
    if not lags:
        return out
    lag = lags[min(lags)]
    for place in range(0, len(samples), HOP):
        lag = lags.get(place, lag)
        piece = recording.samples[max(0, place + lag) : max(0, place + lag + HOP)]
        piece = piece[: len(samples) - place]
        out[place : place + len(piece)] = piece
    return out


def late_windows(count, recording):
    """Of each tenth of a second of the material: whether its window of 0.4 s, or its way, met a
    moment at which the machine was late."""
    late = numpy.zeros(count // HOP + 1, bool)
    for start, end in recording.late:
        first = (start - recording.start) * RATE - WINDOW - RATE // 10
        last = (end - recording.start) * RATE + RATE // 10
        late[max(0, int(first // HOP)) : max(0, int(last // HOP) + 1)] = True
    return late


def delays(recording, found):
    """Of each window: from the moment its middle was said until that had come."""
    result = []
    for match in found:
        if match.lag is not None:
            middle = match.place + WINDOW // 2
            said = recording.start + middle / RATE
            late = recording.wall_at(middle + match.lag) - said
            result.append((middle / RATE, 1000 * float(late)))
    return result
