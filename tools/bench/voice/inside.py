"""The bench's own place: a network namespace, and a turn on the CPU before other work."""

import os
import pathlib
import signal
import subprocess
import sys

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
    process = subprocess.Popen(
        [str(ROOT / "Tests/clients/in-namespace"), sys.executable,
         str(pathlib.Path(__file__).parent), *words],
        env={**os.environ, MARK: "1"},
        # A session of its own has a share of the CPU of its own, which is what `favour` raises.
        start_new_session=True)
    favour(process.pid)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.killpg(process.pid, number))
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.kill()


def favour(pid):
    try:
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        pathlib.Path(f"/proc/{pid}/autogroup").write_text(str(NICE))
    except OSError:
        pass
