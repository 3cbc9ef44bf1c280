"""The bench's own place: a network namespace, and a turn on the CPU before other work."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
MARK = "MARTLET_VOICE_BENCH_INSIDE"
# As tools/test runs its calls: voice wants its turn also beside other work. No real-time priority.
NICE = -15


def is_inside():
    return os.environ.get(MARK) == "1"


def run_again(words):
    """The same command inside; gives its exit status."""
    if os.getuid() != 0:
        raise RuntimeError("a network namespace needs root: run it with sudo")
    command = [
        str(ROOT / "Tests/clients/in-namespace"), sys.executable,
        str(pathlib.Path(__file__).parent), *words,
    ]
    with tempfile.TemporaryDirectory(prefix="martlet-voice-") as folder:
        # A session of its own has a share of the CPU of its own, which is what `favour` raises.
        process = subprocess.Popen(
            command, env={**os.environ, MARK: "1", "TMPDIR": folder}, start_new_session=True)
        favour(process.pid)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # The namespace and all that is in it ends with the group's first process.
            signal.signal(number, lambda *_: os.killpg(process.pid, signal.SIGKILL))
        return process.wait()


def favour(pid):
    try:
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        pathlib.Path(f"/proc/{pid}/autogroup").write_text(str(NICE))
    except OSError:
        pass
