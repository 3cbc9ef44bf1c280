"""What the ends note while they hear and speak. Standard library alone: the GStreamer bot, which
runs with Debian's Python, uses it too."""

import json
import pathlib
import time

PIECE_SECONDS = 0.02


class Heard:
    """The sound that came, and when each piece of it did (wall clock, seconds)."""

    def __init__(self, rate):
        self.rate = rate
        self.pieces = []
        self.data = bytearray()

    def take(self, data):
        self.pieces.append((time.time(), len(data) // 2))
        self.data += data

    def write(self, folder, name, **more):
        folder = pathlib.Path(folder)
        (folder / f"{name}.s16").write_bytes(self.data)
        described = {"rate": self.rate, "pieces": self.pieces, **more}
        (folder / f"{name}.json").write_text(json.dumps(described))


class Pace:
    """When each piece of 20 ms is due, from `start` on, and how late it was given."""

    def __init__(self, start):
        self.start = start
        self.number = 0
        self.lateness = []

    @property
    def wait(self):
        """Seconds until the next piece."""
        return max(0.0, self.start + self.number * PIECE_SECONDS - time.time())

    def given(self):
        late = time.time() - self.start - self.number * PIECE_SECONDS
        if late > 0.005:
            self.lateness.append((time.time(), late))
        self.number += 1
