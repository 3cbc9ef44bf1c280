"""What an operator does wrong is said: at once where it can be known, else with the first call."""

import contextlib
import json
import os
import pty
import re
import signal
import stat
import subprocess
import time
import urllib.request

import pytest

from martlet import PROGRAMS
from programs import Program, make_keys

LISTEN = "127.0.0.1:13498"
TRUNK = "127.0.0.1:14260"
HTTP = "127.0.0.1:18098"


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path)


def transceiver(keys, *more):
    return Program(
        "martlet-transceiver", "--keys", keys, "--http", HTTP, "--candidate", LISTEN, "--trunk",
        TRUNK, *more)


def relay(keys, *more):
    options = ["--keys", keys, "--listen", LISTEN]
    if "--transceiver" not in more:
        options += ["--transceiver", f"1.0={TRUNK}"]
    return Program("martlet-relay", *options, *more)


@contextlib.contextmanager
def a_caller():
    """Somebody who tries to call as long as the context lasts."""
    load = subprocess.Popen(
        [str(PROGRAMS / "martlet"), "load", "--url", f"http://{HTTP}", "--calls", "2", "--seconds",
         "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield load
    finally:
        load.kill()
        load.wait()


def other_keys(folder, part):
    """A key file that differs from the deployment's in `part` alone."""
    file = folder / "other.keys"
    contents = json.loads((folder / "martlet.keys").read_text())
    (folder / "more").mkdir()
    contents[part] = json.loads(open(make_keys(folder / "more"), encoding="utf-8").read())[part]
    file.touch(0o600)
    file.write_text(json.dumps(contents))
    return str(file)


def wait_for(program, event, **fields):
    """The warning `event` with these fields, and always a cause and a remedy."""
    # With its end: it may be read while it is being written.
    line = program.wait_for(f".* warning .*: {re.escape(event)} .*\n")[0]
    for name, value in fields.items():
        assert f"{name}={value}" in line or f'{name}="{value}"' in line, line
    assert " likely_cause=" in line and " remedy=" in line
    assert re.search(r" since_last=[1-9]\d* in_all=[1-9]", line)


def test_two_key_files(tmp_path, keys):
    with transceiver(keys) as calls, relay(other_keys(tmp_path, "tokens")) as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            wait_for(way, "routing tokens do not open with our keys", counter="client_token_forged")
            wait_for(
                calls, "calls begin, and no relay has ever sent anything",
                detail=f"--trunk {TRUNK} (which only a relay of this machine can reach)")


def test_another_trunk_key(tmp_path, keys):
    with transceiver(keys) as calls, relay(other_keys(tmp_path, "trunk")) as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            wait_for(calls, "trunk datagrams have a tag that does not hold", counter="forged")
            wait_for(way, "transceivers have never answered", detail=f"1.0={TRUNK}")


def test_a_node_that_the_relay_does_not_know(keys):
    with transceiver(keys) as calls, relay(keys, "--transceiver", f"2.0={TRUNK}") as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            wait_for(
                way, "routing tokens name a transceiver that we do not know",
                detail="transceiver 1.0")


def test_another_cluster(keys):
    with transceiver(keys, "--cluster", "7") as calls, relay(keys) as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            wait_for(way, "routing tokens name another cluster", detail="cluster 7")


def test_a_wrong_port_and_mixed_up_shards(keys):
    wrong = "127.0.0.1:14269"
    with transceiver(keys) as calls, relay(keys, "--transceiver", f"1.0={wrong}") as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            wait_for(way, "transceivers have never answered", detail=f"1.0={wrong}")
            wait_for(calls, "calls begin, and no relay has ever sent anything")
    entries = ("--transceiver", f"1.0={wrong}", "--transceiver", f"1.1={TRUNK}")
    with transceiver(keys, "--shards", "2") as calls, relay(keys, *entries) as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            wait_for(calls, "trunk datagrams are meant for another transceiver")


def test_calls_that_come_up_are_no_complaint(keys):
    with transceiver(keys) as calls, relay(keys) as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        with a_caller():
            calls.wait_for("call-connected")
            time.sleep(7)
        assert calls.end(signal.SIGTERM) == way.end(signal.SIGTERM) == 0
        # A machine that does much else may have one about its load.
        wrong = r" counter=(unanswered_|client_|trunk_|frame_|forged|misdirected|malformed)"
        assert not re.search(wrong, calls.log() + way.log())


def refused(name, *arguments, limit=None):
    """What a program says that does not start, within a time in which it cannot have waited."""
    words = [str(PROGRAMS / name), *arguments]
    if limit:
        words = ["bash", "-c", f'ulimit -n {limit}; exec "$@"', "bash", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2), done
    return done.stderr


RELAY = ("--listen", "127.0.0.1:0", "--transceiver", "1.0=127.0.0.1:4000")
TRANSCEIVER = ("--http", "127.0.0.1:0", "--trunk", "127.0.0.1:0")
BOTH = pytest.mark.parametrize("name, options", [
    ("martlet-relay", RELAY), ("martlet-transceiver", TRANSCEIVER)])


def test_a_trunk_left_on_loopback(keys):
    text = refused("martlet-relay", "--keys", keys, "--transceiver", "1.0=192.0.2.5:4000")
    assert "--trunk 127.0.0.1:0 is a loopback address" in text and "192.0.2.5:4000" in text
    with Program(
        "martlet-transceiver", "--keys", keys, "--http", "127.0.0.1:0", "--candidate",
        "192.0.2.7:3478",
    ) as calls:
        calls.wait_for('no --trunk is given: only a relay on this machine reaches 127.0.0.1:4000')


@pytest.mark.parametrize("access", ["--no-auth", "--api-keys"])
def test_an_open_api_with_media_on_loopback(access, keys, tmp_path):
    file = tmp_path / "api.keys"
    file.touch(0o600)
    file.write_text("sk-0123456789abcdefghi\n")
    words = [access] if access == "--no-auth" else [access, str(file)]
    with Program(
        "martlet-transceiver", "--keys", keys, "--http", "0.0.0.0:0", "--trunk", "127.0.0.1:0",
        *words,
    ) as calls:
        calls.wait_for("for other machines, but they are told to send their voice to 127.0.0.1")


@BOTH
def test_a_fifo_as_key_file(name, options, tmp_path):
    fifo = tmp_path / "keys"
    os.mkfifo(fifo, 0o600)
    assert "it is a FIFO, and a regular file is needed" in refused(
        name, "--keys", str(fifo), *options)


@BOTH
def test_keys_from_another_program(name, options, keys):
    command = [
        "bash", "-c", 'exec "$0" --keys <(cat "$1") --ready-fd 3 "${@:2}" 3>&1',
        str(PROGRAMS / name), keys, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert b"is ready" in program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=60) == 0


def test_too_few_open_files(keys):
    text = refused("martlet-transceiver", "--keys", keys, *TRANSCEIVER, limit=64)
    assert re.search(r"the limit of open files is 64, and \d+ are needed for 1024 HTTP", text)
    assert "ulimit -n" in text
    text = refused("martlet-relay", "--keys", keys, *RELAY, "--workers", "16", limit=64)
    assert re.search(r"the limit of open files is 64, and \d+ are needed for 16 workers", text)


@BOTH
@pytest.mark.parametrize("kind", ["device", "FIFO", "directory", "symbolic link"])
def test_a_figures_file_that_is_none(name, options, kind, keys, tmp_path):
    path = tmp_path / "stats"
    if kind == "device":
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    before = path.lstat()
    text = refused(name, "--keys", keys, *options, "--stats", str(path))
    assert f"{path} is a {kind}; only a regular file" in text
    assert path.lstat() == before and not (tmp_path / "elsewhere").exists()


def test_other_files_that_are_none(keys, tmp_path):
    text = refused("martlet", "bench", "relay", "--plot", str(tmp_path))
    assert f"--plot: {tmp_path} is a directory" in text
    fifo = tmp_path / "authorities"
    os.mkfifo(fifo)
    text = refused(
        "martlet-transceiver", "--keys", keys, *TRANSCEIVER, "--backend", "realtime",
        "--backend-url", "wss://127.0.0.1:1/", "--backend-ca-file", str(fifo))
    assert f"cannot read {fifo}: it is a FIFO" in text


@BOTH
def test_hang_up_is_ignored(name, options, keys):
    with Program(name, "--keys", keys, *options) as program:
        program.wait_for("is ready")
        program.process.send_signal(signal.SIGHUP)
        program.wait_for("SIGHUP is ignored")
        assert program.end(signal.SIGTERM) == 0


UP = ("up", "--http", "127.0.0.1:18099", "--media", "127.0.0.1:13499")


def test_martlet_up_as_a_service_ignores_hang_up():
    program = subprocess.Popen(
        [str(PROGRAMS / "martlet"), *UP], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True)
    with program:
        for line in program.stdout:
            if "martlet is ready" in line:
                program.send_signal(signal.SIGHUP)
            if "SIGHUP is ignored" in line:
                program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=60) == 0


@pytest.mark.parametrize("through", [(), ("nohup",)])
def test_martlet_up_ends_with_its_terminal_unless_nohup_says_otherwise(through, tmp_path):
    program = str(PROGRAMS / "martlet")
    words = [*through, program, *UP]
    child, terminal = pty.fork()
    if child == 0:
        # As a terminal starts it, also where these tests themselves run under nohup.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(tmp_path)  # nohup writes its file there
        os.execvp(words[0], words)
    wait_until_healthy("http://127.0.0.1:18099")
    # The descriptor is the terminal: with it the window is closed.
    os.close(terminal)
    if through:
        deadline = time.monotonic() + 60
        while "SIGHUP is ignored" not in (tmp_path / "nohup.out").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        wait_until_healthy("http://127.0.0.1:18099")
        os.kill(child, signal.SIGTERM)
    assert exit_status(child) == 0


def exit_status(child):
    """Of a child that is to end by now; of one that does not, that of being killed."""
    deadline = time.monotonic() + 60
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.02)


def wait_until_healthy(url):
    deadline = time.monotonic() + 60
    while True:
        try:
            assert urllib.request.urlopen(f"{url}/healthz", timeout=30).status == 200
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
