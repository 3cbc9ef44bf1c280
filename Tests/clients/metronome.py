"""How late the machine wakes who wants to be woken: what a test of times has to allow it."""

import statistics
import subprocess
import sys
import threading
import time

STEP_SECONDS = 0.005
# Voice wants its turn every 20 ms, and what plays it out waits for twice that.
VOICE_MILLISECONDS = 40


class VoiceClock:
    """A process of its own that counts how often the machine is later than voice can bear: what
    happened to a program under test in that time may be the machine's doing. A context manager."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        self.report, _ = self.process.communicate("", timeout=60)
        self.lapses = int(self.report)
        print(f"the machine was more than {VOICE_MILLISECONDS} ms late {self.lapses} times")


def count_lapses():
    print("begun", flush=True)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    lapses = 0
    while not ended.is_set():
        before = time.monotonic()
        time.sleep(STEP_SECONDS)
        lapses += time.monotonic() - before - STEP_SECONDS > VOICE_MILLISECONDS / 1000
    print(lapses)


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

    @property
    def lapsed(self):
        """Milliseconds by which it was later than voice can bear, in all."""
        return sum(late for _, late in self.beats if late > VOICE_MILLISECONDS)

    @property
    def latest(self):
        """Milliseconds, at worst."""
        return max((late for _, late in self.beats), default=0)

    def late(self, begin, end):
        """The mean, in milliseconds, between two moments (milliseconds since 1970)."""
        return statistics.fmean([late for at, late in self.beats if begin < at < end] or [0])


if __name__ == "__main__":
    count_lapses()
