"""What one end of a call heard, on the wall clock, and when the machine was late."""

import dataclasses
import json
import pathlib

import numpy

import material
from material import RATE

PAGE_RATE = 48000
LATE_SECONDS = 0.02


class NothingHeard(Exception):
    """Not one piece of sound came."""


@dataclasses.dataclass
class Recording:
    """`samples` at 16 kHz; `walls[i]` is when the sample at index `places[i]` had come; `start` is
    when the material's first sample was said; `late` are (from, to) on the wall clock."""

    samples: numpy.ndarray
    places: numpy.ndarray
    walls: numpy.ndarray
    start: float
    late: list

    def wall_at(self, place):
        """When this sample came: with its piece, if it came in pieces."""
        index = numpy.searchsorted(self.places, place, side="right") - 1
        index = numpy.clip(index, 0, len(self.walls) - 1)
        return self.walls[index] + self.within * (place - self.places[index]) / RATE

    def place_at(self, wall):
        """The first sample that came at that moment or later."""
        index = min(int(numpy.searchsorted(self.walls, wall)), len(self.walls) - 1)
        return int(self.places[index])

    within = 0.0


class Steady(Recording):
    """Of a sound card: each sample came at a time of its own."""

    within = 1.0


def up(folder):
    """What the server's side heard of the page."""
    folder = pathlib.Path(folder)
    page = json.loads((folder / "page.json").read_text())
    heard = json.loads((folder / "heard.json").read_text())
    samples = material.samples_of((folder / "heard.s16").read_bytes())
    if not heard["pieces"]:
        raise NothingHeard
    counts = numpy.array([count for _, count in heard["pieces"]])
    places = (numpy.cumsum(counts) - counts) * RATE // heard["rate"]
    walls = numpy.array([wall for wall, _ in heard["pieces"]])
    start = page["startFrame"] / PAGE_RATE + page_offset(page)
    samples = material.resampled(samples, heard["rate"], RATE)
    return Recording(samples, places, walls, start, page_lateness(page))


def down(folder, start):
    """What the page heard; `start` is when the server began."""
    folder = pathlib.Path(folder)
    page = json.loads((folder / "page.json").read_text())
    heard = json.loads((folder / "heard.json").read_text())
    samples = material.samples_of((folder / "page.s16").read_bytes())
    frames = numpy.array([frame for frame, _ in page["marks"]])
    places = numpy.arange(len(frames)) * 1024 * RATE // PAGE_RATE
    walls = frames / PAGE_RATE + page_offset(page)
    late = [(at - by, at) for at, by in heard["lateness"] if by > LATE_SECONDS]
    samples = material.resampled(samples, PAGE_RATE, RATE)
    return Steady(samples, places, walls, start, page_lateness(page) + late)


def page_offset(page):
    """The wall clock when the page's sound clock was zero."""
    return float(numpy.median([wall / 1000 - frame / PAGE_RATE for frame, wall in page["marks"]]))


def page_lateness(page):
    """When the page's sound was not made in time."""
    offset = page_offset(page)
    late = []
    for frame, wall in page["marks"]:
        due = frame / PAGE_RATE + offset
        if wall / 1000 - due > LATE_SECONDS:
            late.append((due, wall / 1000))
    return late + [(start / 1000, end / 1000) for start, end in page["stalls"]]


def way_lateness(passed):
    """When what the forwarder carried left late."""
    limit = LATE_SECONDS * 1e6
    return [
        (one[6] - one[7] / 1e6, one[6]) for one in passed if one[7] > limit
    ]
