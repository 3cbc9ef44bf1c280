"""Our SCTP against Pion's (Debian's packages), over plain UDP on loopback: no ICE, no DTLS."""

import asyncio
import pathlib

import pytest

import go_program
from scenes import in_some_scene
from sctp_peers import OurPeer, crc32c, lines_of

SOURCE = pathlib.Path(__file__).parent / "pion_sctp" / "main.go"


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return go_program.build(SOURCE, tmp_path_factory.mktemp("pion"))


class PionPair:
    """Pion's end and ours as two processes; use `async with`."""

    def __init__(self, program, pion_options, our_options):
        self.command = [str(program), *pion_options]
        self.our_options = our_options

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=pipe, stdout=pipe
        )
        self.pion = lines_of(self.process)
        port = int((await self.pion.line("port")).split()[1])
        self.ours = await OurPeer(port, *self.our_options).__aenter__()
        self.process.stdin.write(f"{self.ours.port}\n".encode())
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.pion.ended()
        await self.ours.__aexit__()


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 400))


CASES = {
    "small": (["-count", "300", "-size", "300"], []),
    "unordered": (["-count", "300", "-size", "3000", "-unordered"], []),
    "large": (["-count", "8", "-size", "262144"], []),
    "loss": (["-count", "300", "-size", "3000"], ["--loss", "5"]),
    "unordered with loss": (["-count", "300", "-size", "3000", "-unordered"], ["--loss", "5"]),
    "large with loss": (["-count", "4", "-size", "262144"], ["--loss", "3"]),
    "overtaken": (["-count", "300", "-size", "3000"], ["--late", "20"]),
    "unordered and overtaken": (
        ["-count", "300", "-size", "3000", "-unordered"],
        ["--late", "20"],
    ),
    "large and overtaken": (["-count", "4", "-size", "262144"], ["--late", "20"]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("both_start", [False, True])
@in_some_scene
def test_a_channel_of_theirs(program, case, both_start):
    """Pion opens and sends, ours sends back, Pion compares."""

    async def body():
        pion_options, our_options = CASES[case]
        our_options = ["--odd", "--echo", *our_options, *(["--start"] if both_start else [])]
        async with PionPair(program, pion_options, our_options) as pair:
            line = await pair.ours.line("opened")
            assert line.startswith("opened 0 peer ") and line.endswith(" from pion/p")
            assert await pair.pion.line("good", or_else="failed", seconds=200) == "good"
            await pair.ours.line("closed 0")

    run(body())


@pytest.mark.parametrize("loss", [[], ["--loss", "5"], ["--late", "20"]])
@in_some_scene
def test_channels_of_ours(program, loss):
    """Ours sends INIT, opens, and hears every byte again."""

    async def body():
        options = ["--odd", "--start", *loss]
        async with PionPair(program, ["-server", "-echo"], options) as pair:
            await pair.ours.line("up")
            pair.ours.say("open one")
            pair.ours.say("open two unordered")
            await pair.ours.line("opened", count=2)
            assert len([await pair.pion.line("opened", count=count) for count in (1, 2)]) == 2
            sizes = [1, 1000, 1132, 1133, 30000, 262144]
            for size in sizes:
                pair.ours.say(f"binary 1 {size}")
            await pair.ours.line("message 1", count=len(sizes))
            bodies = [bytes((n * 7 + (n >> 8)) & 0xFF for n in range(size)) for size in sizes]
            assert pair.ours.matching("message 1") == [
                f"message 1 binary {len(body)} {crc32c(body):x}" for body in bodies
            ]
            pair.ours.say("text 3 hello there")
            assert await pair.ours.line("message 3") == (
                f"message 3 text 11 {crc32c(b'hello there'):x}"
            )
            pair.ours.say("close 1")
            await pair.pion.line("closed 1")
            await pair.ours.line("closed 1")
            pair.ours.say("text 3 still there")
            await pair.ours.line("message 3", count=2)

    run(body())
