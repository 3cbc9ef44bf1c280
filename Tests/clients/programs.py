"""The programs one by one, as they run on machines of their own."""

import re
import subprocess
import tempfile
import time

from martlet import PROGRAMS


class Program:
    """One program with its log; killed at the end if it has not ended by itself."""

    def __init__(self, name, *arguments):
        self.log_file = tempfile.NamedTemporaryFile(prefix=f"{name}-", suffix=".txt", mode="r")
        self.process = subprocess.Popen(
            [str(PROGRAMS / name), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.log_file.name, "w", encoding="utf-8"))

    def log(self):
        with open(self.log_file.name, encoding="utf-8") as log:
            return log.read()

    def wait_for(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.log())):
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.log()}"
            time.sleep(0.02)
        return match

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def make_keys(folder):
    """A deployment's key file in `folder`."""
    file = folder / "martlet.keys"
    subprocess.run([str(PROGRAMS / "martlet"), "keys", "--file", str(file)], check=True)
    return str(file)
