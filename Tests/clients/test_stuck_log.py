"""Whoever reads the log may stop: calls go on, and the programs end when they are told to."""

import fcntl
import json
import os
import signal
import subprocess
import time
import urllib.request

from martlet import PROGRAMS
from programs import make_keys

CALLS = 8
SECONDS = 5
F_SETPIPE_SZ = 1031


class StuckReader:
    """A program whose standard error is a pipe that nobody reads until `read` does."""

    def __init__(self, name, *arguments, stdout=subprocess.PIPE):
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        ready, ready_writer = os.pipe()
        more = () if name == "martlet" else ("--ready-fd", str(ready_writer))
        self.process = subprocess.Popen(
            [str(PROGRAMS / name), *arguments, *more], stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=writer, pass_fds=(ready_writer,), start_new_session=True)
        os.close(writer)
        os.close(ready_writer)
        line = os.read(ready, 4096) if more else b"".join(self.until_ready())
        assert b"is ready" in line, (line, self.process.poll())
        os.close(ready)

    def until_ready(self):
        """The lines of its standard output up to the one that says so."""
        for line in self.process.stdout:
            yield line
            if b"is ready" in line:
                return

    def fill(self):
        """Asks for more lines than the pipe and the program's own room hold."""
        deadline = time.monotonic() + 60
        while not self.is_full():
            assert time.monotonic() < deadline
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(0.002)

    def is_full(self):
        """Whether the pipe holds so much that a write to it waits."""
        waiting = bytearray(4)
        fcntl.ioctl(self.reader, 0x541B, waiting)  # FIONREAD
        return int.from_bytes(waiting, "little") > 3_000

    def read(self):
        """Everything that is written until the program's end."""
        with os.fdopen(self.reader, "rb") as reader:
            return reader.read().decode()

    def end(self):
        """Its exit status, after SIGTERM and within a time that waits for no reader."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def calls_go_on(url):
    """Makes calls, whose packets must come back. Whether the tone in them was whole on a machine
    that does much else says nothing of the log."""
    done = subprocess.run(
        [str(PROGRAMS / "martlet"), "load", "--url", url, "--calls", str(CALLS), "--seconds",
         str(SECONDS), "--json"], capture_output=True, text=True, timeout=120, check=False)
    print(done.stdout, done.stderr)
    report = json.loads(done.stdout)
    assert report["errors"] == {}
    assert all(failure.startswith("the tone ") for failure in report["failures"])
    assert report["packets_returned"] > 0.6 * report["packets_sent"] > 0
    assert urllib.request.urlopen(f"{url}/healthz", timeout=30).status == 200


def test_calls_go_on_while_nobody_reads_the_logs(tmp_path):
    keys = make_keys(tmp_path)
    http = "127.0.0.1:18096"
    with StuckReader(
        "martlet-transceiver", "--keys", keys, "--trunk", "127.0.0.1:14250", "--candidate",
        "127.0.0.1:13496", "--http", http,
    ) as calls, StuckReader(
        "martlet-relay", "--keys", keys, "--listen", "127.0.0.1:13496", "--transceiver",
        "1.0=127.0.0.1:14250",
    ) as way:
        calls.fill()
        way.fill()
        calls_go_on(f"http://{http}")
        assert calls.is_full() and way.is_full()
        assert calls.end() == 0
        assert way.end() == 0
        # What was in the pipe: whole lines, in order.
        for program in (calls, way):
            lines = program.read().splitlines()
            assert len(lines) > 3
            whole = lines[:-1]
            assert all(" info martlet-" in line or " warning martlet-" in line for line in whole)


def lost_lines(figures):
    return figures.exists() and json.loads(figures.read_text())["log_lines_lost"]


def test_what_was_lost_is_said_once_somebody_reads_again(tmp_path):
    figures = tmp_path / "figures.json"
    with StuckReader(
        "martlet-transceiver", "--keys", make_keys(tmp_path), "--http", "127.0.0.1:0", "--trunk",
        "127.0.0.1:0", "--stats", str(figures),
    ) as stuck:
        deadline = time.monotonic() + 120
        while not lost_lines(figures):
            assert time.monotonic() < deadline
            stuck.process.send_signal(signal.SIGUSR1)
            time.sleep(0.0002)
        stuck.process.send_signal(signal.SIGTERM)
        text = stuck.read()
        assert stuck.process.wait(timeout=60) == 0
    assert "lines lost because the reader of standard error is slow" in text


def test_martlet_up_ends_though_nobody_reads_its_log():
    with StuckReader("martlet", "up", "--http", "127.0.0.1:18097", "--media",
                     "127.0.0.1:13497") as stuck:
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(stuck.process.pid)], capture_output=True, text=True,
            check=True).stdout.split()
        assert len(children) == 2
        deadline = time.monotonic() + 60
        while not stuck.is_full():
            assert time.monotonic() < deadline
            os.kill(int(children[0]), signal.SIGUSR1)
            time.sleep(0.002)
        calls_go_on("http://127.0.0.1:18097")
        stuck.process.send_signal(signal.SIGHUP)  # it has no terminal: a line more
        assert stuck.end() == 0
        for child in children:
            assert not os.path.exists(f"/proc/{child}")
