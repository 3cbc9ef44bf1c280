"""The programs under test: starting `martlet up` and knowing what became of it."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("MARTLET_BIN", ROOT / ".build" / "release"))
# The address of the namespace's network card: what a browser believes to be its way out.
HOST = "10.77.0.1"


class MartletUp:
    """One run of `martlet up`; a context manager that stops it and checks that it is gone. It only
    warns of overload: what else this machine does beside the tests shall refuse none of their
    calls."""

    def __init__(self, *arguments, http_host="127.0.0.1", http_port=8080, media_port=3478):
        self.http = f"{http_host}:{http_port}"
        self.url = f"http://{self.http}"
        self.media = (HOST, media_port)
        self.log_file = tempfile.NamedTemporaryFile(prefix="martlet-log-", suffix=".txt")
        self.process = subprocess.Popen(
            [
                *(str(PROGRAMS / "martlet"), "up", "--http", self.http),
                *("--media", f"{HOST}:{media_port}", "--overload", "warn", *arguments),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log_file,
            text=True,
            start_new_session=True,
        )

    def wait_until_ready(self):
        """Reads the one line that says so."""
        for line in self.process.stdout:
            if line.startswith("martlet is ready: "):
                assert line.strip() == f"martlet is ready: {self.url}"
                return self
        raise AssertionError(f"martlet up ended ({self.process.wait()}):\n{self.log()}")

    def log(self):
        """All log lines so far."""
        return pathlib.Path(self.log_file.name).read_text(errors="replace")

    def wait_for_log(self, pattern, seconds):
        """The first match of a pattern in the log, waited for."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.log())
            if match:
                return match
            if time.monotonic() > deadline:
                raise AssertionError(f"no log line matches {pattern!r}:\n{self.log()}")
            time.sleep(0.05)

    def children(self):
        """The programs it runs: name -> process ID."""
        found = {}
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            fields = process_fields(status)
            if fields.get("PPid") == str(self.process.pid) and not is_zombie(fields):
                command = (status.parent / "cmdline").read_bytes().split(b"\0")[0].decode()
                found[pathlib.Path(command).name] = int(status.parent.name)
        return found

    def stop(self, number=signal.SIGTERM, seconds=60):
        """Sends a signal to `martlet up` alone and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    def wait_for_end(self, seconds=60):
        """The exit status, waited for."""
        return self.process.wait(timeout=seconds)

    def __enter__(self):
        return self.wait_until_ready()

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        finally:
            self.process.stdout.close()
            if kind is not None:
                print(f"--- log of martlet up:\n{self.log()}---")


def process_fields(status_file):
    try:
        lines = status_file.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def is_zombie(fields):
    return fields.get("State", "").startswith("Z")


def martlet_processes():
    """Every live martlet program of this namespace, as `name pid`."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        fields = process_fields(status)
        if fields.get("Name", "").startswith("martlet") and not is_zombie(fields):
            found.append(f"{fields['Name'].strip()} {status.parent.name}")
    return found


def held_ports():
    """The ports of this namespace on which something listens: `8080/tcp`, `3478/udp`."""
    held = set()
    for table, listening in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening:
                port = int(fields[1].rsplit(":", 1)[1], 16)
                held.add(f"{port}/{table.rstrip('6')}")
    return held


def get_json(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)
