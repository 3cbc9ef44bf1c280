"""The forwarder between clients and servers (way.c), and what it noted."""

import asyncio
import collections
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

RTP = 1
NO_ROOM, LOST = -2, -1

Passed = collections.namedtuple(
    "Passed", "came call direction kind number bytes left late_microseconds")


def build(folder):
    """The program's path; built anew when its source is newer."""
    program, source = pathlib.Path(folder) / "way", HERE / "way.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            raise RuntimeError("there is no C compiler on the PATH; tools/bench/setup gets one")
        subprocess.run([compiler, "-O2", "-std=gnu2x", "-o", program, source], check=True)
    return program


class Way:
    """One run of it, for so many calls."""

    def __init__(self, program, address, calls, plan_text, folder):
        self.program, self.address, self.calls = program, address, calls
        self.plan = pathlib.Path(folder) / "plan"
        self.log = pathlib.Path(folder) / "way.log"
        self.plan.write_text(plan_text)

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            str(self.program), self.address, str(self.calls), str(self.plan), str(self.log),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # It wants its turn before what it carries; this is no real-time priority.
        os.setpriority(os.PRIO_PROCESS, self.process.pid, -20)
        ports = list(map(int, (await self.process.stdout.readline()).split()))
        self.fronts, self.backs = ports[0::2], ports[1::2]
        return self

    def target(self, call, address, port):
        self.process.stdin.write(f"target {call} {address} {port}\n".encode())

    async def begin(self):
        """From here on the plan holds."""
        self.process.stdin.write(b"begin\n")
        await self.process.stdout.readline()

    async def end(self):
        """Ends it; gives what passed, `came` and `left` in seconds of the wall clock."""
        self.process.stdin.close()
        await self.process.wait()
        lines = self.log.read_text().splitlines()
        self.begun = int(lines[0].split()[1]) / 1e6
        return [passed(line) for line in lines[1:]]

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


def passed(line):
    fields = list(map(int, line.split()))
    fields[0] /= 1e6
    fields[6] /= 1e6
    return Passed(*fields)
