"""From a recording to figures."""

import dataclasses
import warnings

import numpy
import pesq
import pystoi

import alignment
import changes
from alignment import HOP
from material import RATE

MARGIN = RATE // 4
FADE = RATE // 100


@dataclasses.dataclass
class Score:
    """PESQ-WB of each utterance (None: thrown away) and the rest of one direction of one call."""

    pesq: list
    places: list  # of each utterance in the recording: (first, end) or None
    stoi: float | None
    delays: list  # (seconds since the material began, milliseconds)
    cut: float  # all in milliseconds
    inserted: float
    made_up: float
    windows: int
    unrecognised: int
    thrown_away: int


def score(material, recording):
    samples = material.samples
    found = alignment.matches(samples, recording)
    late = alignment.late_windows(len(samples), recording)
    good = [match for match in found if not late[match.place // HOP]]
    beside = alignment.aligned(samples, recording, found)
    keep = kept(late, len(samples))
    places = [place_of(recording, found, one, late) for one in material.utterances]
    changed = changes.changed(material, recording, found, late)
    return Score(
        pesq=[
            pesq_of(samples, recording, utterance, place, keep)
            for utterance, place in zip(material.utterances, places, strict=True)
        ],
        places=places,
        stoi=stoi_of(samples * keep, beside * keep),
        delays=alignment.delays(recording, good),
        windows=len(good),
        unrecognised=sum(match.lag is None for match in good),
        thrown_away=sum(bool(late[match.place // HOP]) for match in found),
        **changed,
    )


def kept(late, count):
    """1 where the sound counts, 0 where it is thrown away, with soft edges."""
    keep = numpy.repeat(~late, HOP)[:count].astype(float)
    return numpy.convolve(keep, numpy.ones(FADE) / FADE, mode="same")


def place_of(recording, found, utterance, late):
    """(first, end) in the recording, with a margin; None when more than half was thrown away. A
    sentence that is not to be found is where it should be by the wall clock."""
    first, end = utterance.start - MARGIN, utterance.end + MARGIN
    if late[utterance.start // HOP : utterance.end // HOP + 1].mean() > 0.5:
        return None
    lags = [m.lag for m in found if m.lag is not None and first <= m.place < utterance.end]
    if not lags:
        walls = (recording.start + place / RATE for place in (first, end))
        return tuple(map(recording.place_at, walls))
    return first + lags[0], end + max(lags[-1], lags[0])


def pesq_of(samples, recording, utterance, place, keep):
    """PESQ-WB; None where the sentence was thrown away."""
    if place is None:
        return None
    first, end = max(0, utterance.start - MARGIN), utterance.end + MARGIN
    ours = recording.samples[max(0, place[0]) : max(0, place[1])]
    # What is thrown away is silent in both.
    mask = keep[first:end]
    reference = samples[first:end] * mask
    ours = ours * numpy.pad(mask, (0, max(0, len(ours) - len(mask))), mode="edge")[: len(ours)]
    try:
        return float(pesq.pesq(RATE, reference, ours, "wb"))
    except (pesq.NoUtterancesError, pesq.BufferTooShortError, ValueError):
        return 1.0


def stoi_of(samples, beside):
    with warnings.catch_warnings():
        # It warns when there is too little to go by, and gives 1e-5.
        warnings.simplefilter("ignore")
        return float(pystoi.stoi(samples, beside, RATE))
