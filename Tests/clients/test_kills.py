"""Whatever is killed, at any moment: no process stays, no port stays held, and the log says it."""

import asyncio
import http.client
import os
import pathlib
import signal
import tempfile
import time

import pytest

import peer
from browsers import Browser
from martlet import MartletUp, held_ports, martlet_processes
from reports import ReportServer
from test_calls import wait_for

PORTS = {"8090/tcp", "3490/udp"}


@pytest.fixture
def own():
    """A run of the test's own, beside the shared one."""
    before = set(martlet_processes())
    run = MartletUp("--shards", "2", "--workers", "2", http_port=8090, media_port=3490)
    run.before = before
    yield run
    if run.process.poll() is None:
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
    run.process.stdout.close()


def assert_all_gone(run):
    deadline = time.monotonic() + peer.LIMIT_SECONDS
    while set(martlet_processes()) - run.before or PORTS & held_ports():
        left = set(martlet_processes()) - run.before
        assert time.monotonic() < deadline, f"{left} {held_ports()}\n{run.log()}"
        time.sleep(0.02)


async def calling(run, seconds):
    """Makes calls one after the other, as people do, until the time is over, whoever answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            async with peer.Call(run.url) as call:
                await call.start()
                await asyncio.sleep(max(0, min(1, end - time.monotonic())))
        except (OSError, http.client.HTTPException, AssertionError):
            await asyncio.sleep(0.05)


def test_the_keys_of_a_run_have_no_file(monkeypatch):
    """So nothing stays of them, in whichever moment the run is killed."""
    tempfile.gettempdir()  # the test's own files go where they always do
    monkeypatch.setenv("TMPDIR", "/nowhere")
    with MartletUp(http_port=8090, media_port=3490) as run:
        for name, process in run.children().items():
            words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            path = words[words.index(b"--keys") + 1].decode()
            assert path.startswith("/proc/self/fd/"), (name, path)
            # It can be read once: by the program, at its start.
            left = pathlib.Path(path.replace("self", str(process)))
            assert os.readlink(left) == "/memfd:martlet (deleted)"
            assert left.stat().st_mode & 0o777 == 0o600
            wait_for(lambda: left.read_bytes() == b"", f"{name} still holds the keys in a file")


# From before the programs are ready, over the handshake, into the call.
MOMENTS = [0.0, 0.05, 0.2, 0.5, 1.2]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("program", ["martlet-transceiver", "martlet-relay"])
def test_a_killed_program_ends_the_run(program, moment, own):
    async def kill():
        task = asyncio.ensure_future(calling(own, moment + 0.5))
        while program not in own.children():
            await asyncio.sleep(0.002)
        await asyncio.sleep(moment)
        victim = own.children()[program]
        os.kill(victim, signal.SIGKILL)
        await task
        return victim

    victim = asyncio.run(kill())
    assert own.wait_for_end() == 1
    assert f"{program} (pid {victim}) was killed by signal 9 (KILL)" in own.log()
    assert_all_gone(own)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killing_martlet_up_ends_its_programs(moment, own):
    async def kill():
        task = asyncio.ensure_future(calling(own, moment + 0.5))
        await asyncio.sleep(moment)
        own.process.kill()
        await task

    asyncio.run(kill())
    assert own.wait_for_end() == -signal.SIGKILL
    assert_all_gone(own)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_the_run_well(number, own):
    own.wait_until_ready()
    asyncio.run(calling(own, 1))
    assert own.stop(number) == 0
    assert "stopped" in own.log()
    assert_all_gone(own)


def test_a_stop_during_a_call_says_why_the_call_ended(own):
    own.wait_until_ready()

    async def call():
        async with peer.Call(own.url) as call:
            await call.start()
            await call.wait_connected()
            assert await asyncio.to_thread(own.stop) == 0

    asyncio.run(call())
    assert "reason=shutting-down" in own.log()
    assert_all_gone(own)


def test_a_killed_browser_is_missed(own, sound):
    """Its call ends when consent has been missing for 30 s (RFC 7675), and the log says so."""
    own.wait_until_ready()
    with ReportServer() as server:
        query = f"autostart=1&tone=440&seconds=60&backend=echo&report={server.url}/report"
        with Browser("chromium", f"{own.url}/?{query}", sound) as browser:
            own.wait_for_log("call-connected", 2 * peer.LIMIT_SECONDS)
            browser.kill()
    own.wait_for_log("call-ended .*reason=consent-lost", 2 * peer.LIMIT_SECONDS)
    assert own.stop() == 0
    assert_all_gone(own)


def test_a_taken_port_is_named(own):
    own.wait_until_ready()
    second = MartletUp(http_port=8090, media_port=3491)
    assert second.wait_for_end() == 1
    assert "port 8090/tcp is taken by martlet-transceiver (pid " in second.log()
    third = MartletUp(http_port=8091, media_port=3490)
    assert third.wait_for_end() == 1
    assert "port 3490/udp is taken by martlet-relay (pid " in third.log()
    for run in (second, third):
        run.process.stdout.close()
    assert own.stop() == 0
