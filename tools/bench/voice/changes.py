"""What became of the sound on its way: what is missing, put in, made up."""

import dataclasses

import numpy

from alignment import HOP, WINDOW
from material import RATE

FRAME = RATE // 50
STEP_MIN = RATE * 5 // 1000
# Speech is at -26 dBFS; in a pause the codecs leave less than -60.
SOUND_DBFS, NOTHING_DBFS = -42, -65


def changed(material, recording, found, late):
    """What became of the sound, in milliseconds, where the machine was in time. A step between
    neighbouring windows of a sentence says how much is missing or was put in between them; in a
    pause that is only a longer or a shorter pause. What is made up is sound in the recording that
    is none of the material's."""
    cut = inserted = 0.0
    covered = numpy.zeros(len(recording.samples), bool)
    cover_late(covered, found, late)
    last = None
    for match in calmed(found):
        place = match.place + match.lag
        covered[max(0, place) : place + WINDOW] = True
        step = match.lag - last.lag if last else 0
        is_late = late[match.place // HOP] or (last and late[last.place // HOP])
        if abs(step) >= STEP_MIN and is_in_one_sentence(material, last.place, match.place):
            cut += 0 if is_late else max(0, -step)
            inserted += 0 if is_late else max(0, step)
            if step > 0 and not is_late:
                # The two windows overlap; what is between their own sounds is nobody's.
                middle = last.place + last.lag + (match.place - last.place + WINDOW) // 2
                covered[max(0, middle - HOP // 2) : middle - HOP // 2 + step] = False
        last = match
    good = [match for match in found if not late[match.place // HOP]]
    return {
        "cut": 1000 / RATE * cut + silenced(material.samples, recording, good),
        "inserted": 1000 / RATE * inserted,
        "made_up": made_up(recording, found, covered),
    }


def cover_late(covered, found, late):
    """What came while the machine was late is nobody's fault, found or not."""
    lag = next((match.lag for match in found if match.lag is not None), 0)
    lags = {match.place: match.lag for match in found if match.lag is not None}
    for hop, is_late in enumerate(late):
        lag = lags.get(hop * HOP, lag)
        if is_late:
            place = hop * HOP + lag
            covered[max(0, place - HOP) : max(0, place + WINDOW + HOP)] = True


def calmed(found):
    """The windows that were found, each where the middle one of its five neighbours is: a vowel is
    now and then found one pitch period off."""
    found = [match for match in found if match.lag is not None]
    lags = numpy.array([match.lag for match in found])
    return [
        dataclasses.replace(match, lag=int(numpy.median(lags[max(0, i - 2) : i + 3])))
        for i, match in enumerate(found)
    ]


def is_in_one_sentence(material, first, second):
    return any(
        utterance.start - WINDOW <= first and second < utterance.end
        for utterance in material.utterances)


def level(sound):
    """dBFS of each frame of 20 ms."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * numpy.log10((frames**2).mean(axis=1) + 1e-12)


def silenced(samples, recording, found):
    """Milliseconds of the material's sound where the recording has silence."""
    count = 0
    for match in found:
        if match.lag is not None and match.place + match.lag >= 0:
            place = match.place + match.lag
            heard = level(recording.samples[place : place + HOP])
            said = level(samples[match.place : match.place + HOP])[: len(heard)]
            count += int(((said > SOUND_DBFS) & (heard < NOTHING_DBFS)).sum())
    return 20.0 * count


def made_up(recording, found, covered):
    places = [match.place + match.lag for match in found if match.lag is not None]
    if not places:
        return 0.0
    first, end = max(0, places[0]), places[-1] + WINDOW
    loud = level(recording.samples[first:end]) > SOUND_DBFS
    own = covered[first:end][: len(loud) * FRAME].reshape(-1, FRAME).mean(axis=1) < 0.5
    return 20.0 * int((loud & own).sum())
