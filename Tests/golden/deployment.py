"""The programs under test, started where nobody else is: with ports that the kernel chooses, and on
loopback addresses of this process alone where a port has to be known beforehand."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("MARTLET_BIN", ROOT / ".build" / "debug"))
LIMIT_SECONDS = 60


def own_address(number):
    """One of 127.0.0.0/8 that no other process takes at the same time, and none of the system's."""
    pid = os.getpid()
    return f"127.{64 + 16 * number + (pid >> 16) % 16}.{pid >> 8 & 255}.{pid & 255}"


class Program:
    """A running program and its log; a context manager that ends it."""

    def __init__(self, folder, name, *arguments, title=None):
        self.log_file = pathlib.Path(folder) / f"{title or name}.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / name, *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, pattern, times=1):
        """The first match of the pattern in the log, once it is there so often."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while len(found := list(re.finditer(pattern, self.log()))) < times:
            assert self.process.poll() is None, f"it has ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.log()}"
            time.sleep(0.01)
        return found[0]

    def tell(self, number):
        self.process.send_signal(number)

    def end(self):
        self.tell(signal.SIGTERM)
        return self.process.wait(LIMIT_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def folder_with_keys():
    """A folder of its own, with a key file `keys`."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-golden-"))
    try:
        subprocess.run(
            [PROGRAMS / "martlet", "keys", "--file", folder / "keys"], check=True,
            stdout=subprocess.DEVNULL)
        yield folder
    finally:
        shutil.rmtree(folder)


def transceiver(folder, *more, title="transceiver"):
    """One that has said where it is: (program, its HTTP port)."""
    program = Program(
        folder, "martlet-transceiver", "--keys", folder / "keys", "--http", "127.0.0.1:0",
        "--overload", "warn", *(() if "--trunk" in more else ("--trunk", "127.0.0.1:0")), *more,
        title=title)
    return program, int(program.wait_for(r'is ready: http://[^ ]*?:(\d+)[ "]')[1])
