"""How late the machine wakes who wants to be woken: what a test of times has to allow it."""

import statistics
import threading
import time

STEP_SECONDS = 0.005


class Metronome:
    """A context manager that wakes each 5 ms, or as soon after it as the machine lets it."""

    def __enter__(self):
        self.beats = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def run(self):
        while not self.stopped.is_set():
            before = time.monotonic()
            time.sleep(STEP_SECONDS)
            late = time.monotonic() - before - STEP_SECONDS
            self.beats.append((1000 * time.time(), 1000 * late))

    def late(self, begin, end):
        """The mean, in milliseconds, between two moments (milliseconds since 1970)."""
        return statistics.fmean([late for at, late in self.beats if begin < at < end] or [0])
