"""Everything from the words of the command line to the report."""

import asyncio
import os
import pathlib
import sys
import tempfile

import inside
import options
from options import recogniser_python, say


def main(words):
    wanted = options.read(words)
    try:
        if not inside.is_inside():
            look_ahead(wanted)
            return inside.run_again(words)
        # Only here: what they import takes a second.
        import bench

        folder = pathlib.Path(wanted.keep or tempfile.mkdtemp(prefix="martlet-voice-"))
        folder.mkdir(parents=True, exist_ok=True)
        if wanted.listen:
            wanted.listen_folder = pathlib.Path(wanted.listen)
            wanted.listen_folder.mkdir(parents=True, exist_ok=True)
        rows, failures = asyncio.run(bench.Bench(wanted, folder).run())
        put_out(wanted, rows, failures, folder)
    except (RuntimeError, OSError) as error:
        say(error)
        return 1
    return 1 if failures else 0


def look_ahead(wanted):
    """Says now what would fail after an hour."""
    if any(name.startswith("martlet") for name in wanted.servers):
        for name in ("martlet", "martlet-relay", "martlet-transceiver"):
            if not os.access(wanted.programs / name, os.X_OK):
                raise RuntimeError(f"there is no {name} in {wanted.programs}; build it first")
    if wanted.plot:
        with open(wanted.plot, "ab"):
            """It can be written."""
    if wanted.wer and not recogniser_python().exists():
        raise RuntimeError("--wer: no recogniser; tools/bench/setup voice gets it")


def put_out(wanted, rows, failures, folder):
    import plot
    import report

    machine = machine_text()
    if wanted.json:
        described = {
            key: str(value) if isinstance(value, pathlib.Path) else value
            for key, value in vars(wanted).items()}
        sys.stdout.write(report.as_json(rows, machine, described, failures))
    else:
        sys.stdout.write(report.text(rows, machine))
        for failure in failures:
            sys.stdout.write(f"failed: {failure}\n")
    if wanted.plot:
        plot.draw(rows, machine, wanted.plot, folder)


def machine_text():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
                "unknown processor")
    kernel = pathlib.Path("/proc/sys/kernel/osrelease").read_text().strip()
    return f"{name}, {len(os.sched_getaffinity(0))} CPUs, kernel {kernel}"
