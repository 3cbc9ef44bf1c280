"""A port that somebody has: every program refuses it, and names the owner."""

import socket

import pytest

from programs import Program, make_keys

TRANSCEIVER = "martlet-transceiver"


def start(keys, name, *arguments):
    return Program(name, "--keys", keys, *arguments)


def refusal(keys, name, *arguments):
    """What a program says that does not start."""
    with start(keys, name, *arguments) as program:
        assert program.process.wait(timeout=60) == 1
        return program.log()


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path)


def test_a_second_transceiver_names_the_first(keys):
    with start(keys, TRANSCEIVER, "--trunk", "127.0.0.1:4300", "--http", "127.0.0.1:8300") as first:
        first.wait_for("is ready")
        text = refusal(keys, TRANSCEIVER, "--trunk", "127.0.0.1:4300", "--http", "127.0.0.1:8301")
        owner = f"by {TRANSCEIVER}, process {first.process.pid}"
        assert f"cannot bind 127.0.0.1:4300/udp: Address already in use ({owner})" in text
        text = refusal(keys, TRANSCEIVER, "--trunk", "127.0.0.1:4301", "--http", "127.0.0.1:8300")
        owner = f"by {TRANSCEIVER} (pid {first.process.pid})"
        assert f"cannot listen on 127.0.0.1:8300: Address already in use, {owner}" in text


def test_a_second_relay_names_the_first(keys):
    options = ["--listen", "127.0.0.1:3900", "--transceiver", "1.0=127.0.0.1:4302"]
    with start(keys, "martlet-relay", *options) as first:
        first.wait_for("is ready")
        text = refusal(keys, "martlet-relay", *options)
        owner = f"by martlet-relay, process {first.process.pid}"
        assert f"cannot bind 127.0.0.1:3900/udp: Address already in use ({owner})" in text


def test_a_shared_port_of_another_program(keys):
    """One that anybody of this user may join."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        text = refusal(
            keys, "martlet-relay", "--listen", f"127.0.0.1:{port}",
            *("--transceiver", "1.0=127.0.0.1:4303"))
        assert "Address already in use (by python" in text
