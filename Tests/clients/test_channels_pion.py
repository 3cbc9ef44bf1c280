"""Events by the data channel with Pion's whole stack (Debian's packages)."""

import json
import pathlib
import queue
import subprocess
import threading

import pytest

import go_program
import peer
from test_channels import VOICE, session_update

SOURCE = pathlib.Path(__file__).parent / "pion_call" / "main.go"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return go_program.build(SOURCE, tmp_path_factory.mktemp("pion-call"))


class PionCall:
    """A call in progress; a context manager."""

    def __init__(self, program, url, order):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [str(program), f"{url}/v1/realtime/calls?backend=echo", order],
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def next(self, seconds=peer.LIMIT_SECONDS):
        """The next line that the tone of a call does not cause."""
        while True:
            line = self.lines.get(timeout=seconds)
            if not line.startswith("{") or not json.loads(line)["type"].startswith(VOICE):
                return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(peer.LIMIT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.mark.parametrize("order", ["ordered", "unordered"])
def test_pion_has_its_session_updated(order, program, up):
    with PionCall(program, up.url, order) as call:
        # Two goroutines of Pion tell these two.
        created, opened = sorted([call.next(), call.next()], reverse=True)
        assert opened == "open"
        assert json.loads(created)["type"] == "session.created"
        call.say(session_update("Sing."))
        updated = json.loads(call.next())
        assert updated["type"] == "session.updated"
        assert updated["session"]["instructions"] == "Sing."
        # Pion states no limit, so 65,536 bytes are the most that it may be told (RFC 8841).
        call.say(session_update("a" * 60_000))
        large = json.loads(call.next())
        assert large["session"]["instructions"] == "a" * 60_000
        call.say(session_update("b" * 65_300))
        refusal = json.loads(call.next())
        assert refusal["error"]["code"] == "event_too_long", refusal
        assert "65536" in refusal["error"]["message"]
