"""What the programs print: help, errors, log lines, and the names in their JSON."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading
import time

from deployment import (
    LIMIT_SECONDS, PROGRAMS, Program, folder_with_keys, own_address, transceiver)
from http_capture import structure
from http_wire import exchange, request

HELPS = [
    ("martlet",), ("martlet", "up"), ("martlet", "load"), ("martlet", "bench"),
    ("martlet", "bench", "relay"), ("martlet", "bench", "transceiver"),
    ("martlet", "bench", "voice"), ("martlet", "keys"), ("martlet", "token"),
    ("martlet", "token", "seal"), ("martlet", "token", "open"), ("martlet-relay",),
    ("martlet-transceiver",),
]

RELAY = ("martlet-relay", "--keys", "KEYS", "--listen", "127.0.0.1:0")
TRANSCEIVER = ("martlet-transceiver", "--keys", "KEYS", "--http", "127.0.0.1:0")
KNOWN = ("--transceiver", "1.0=127.0.0.1:4000")
# Each ends at once, and says why.
MISTAKES = [
    ("martlet",), ("martlet", "dance"), ("martlet", "bench", "dance"),
    ("martlet", "token", "dance"),
    ("martlet", "up", "--htpt", "1"), ("martlet", "up", "--http"), ("martlet", "up", "word"),
    ("martlet", "up", "--http", "nowhere"), ("martlet", "up", "--workers", "0"),
    ("martlet", "up", "--backend", "oracle"), ("martlet", "up", "--backend", "realtime"),
    ("martlet", "up", "--ice-server", "turn:turn.example.org,user,top-secret"),
    ("martlet", "up", "--config", "FOLDER/nothing"),
    ("martlet", "load", "--calls", "none"), ("martlet", "load", "--url", "ftp://x"),
    ("martlet", "keys"), ("martlet", "keys", "--file", "KEYS"),
    ("martlet", "token", "open"), ("martlet", "token", "open", "--keys", "KEYS", "rubbish"),
    ("martlet", "token", "open", "--keys", "FOLDER/nothing", "x"),
    ("martlet", "token", "seal", "--keys", "KEYS", "--node", "70000"),
    ("martlet", "bench", "relay", "--clients", "-1"), ("martlet", "bench", "relay", "--quik"),
    ("martlet-relay",), ("martlet-relay", "--keys", "KEYS"), RELAY,
    (*RELAY, *KNOWN, "--listen", "127.0.0.1"), (*RELAY, *KNOWN, "--listen", "127.0.0.1:99999"),
    (*RELAY, "--transceiver", "127.0.0.1:4000"), (*RELAY, *KNOWN, *KNOWN),
    (*RELAY, *KNOWN, "--workers", "1000"), (*RELAY, *KNOWN, "--steering", "dance"),
    (*RELAY, *KNOWN, "--routes", "0"), (*RELAY, *KNOWN, "--bundle-bytes", "10"),
    (*RELAY, *KNOWN, "--json"), (*RELAY, *KNOWN, "--log", "xml"),
    (*RELAY, *KNOWN, "--stats", "/dev/null"), (*RELAY, *KNOWN, "--config", "KEYS"),
    (*RELAY, "--transceiver", "1.0=192.0.2.5:4000"),
    ("martlet-transceiver",), (*TRANSCEIVER, "--listen", "x"), (*TRANSCEIVER, "--shards", "0"),
    (*TRANSCEIVER, "--shards", "1000"), (*TRANSCEIVER, "--node", "x"),
    (*TRANSCEIVER, "--candidate", "0.0.0.0:1"), (*TRANSCEIVER, "--candidate", "127.0.0.1:0"),
    (*TRANSCEIVER, "--backend", "oracle"), (*TRANSCEIVER, "--backend", "realtime"),
    (*TRANSCEIVER, "--backend", "audiosocket", "--backend-url", "ws://127.0.0.1:9/"),
    (*TRANSCEIVER, "--backend", "realtime", "--backend-url", "tcp://127.0.0.1:9"),
    (*TRANSCEIVER, "--backend-rate", "44100"), (*TRANSCEIVER, "--voice-bitrate", "1"),
    (*TRANSCEIVER, "--api-keys", "FOLDER/nothing"), (*TRANSCEIVER, "--peer", "2=ftp://x"),
    (*TRANSCEIVER, "--peer", "1=http://127.0.0.1:1"), (*TRANSCEIVER, "--overload-late", "500"),
    (*TRANSCEIVER, "--http-name", "no name"), (*TRANSCEIVER, "--calls", "0"),
    (*TRANSCEIVER, "--ice-server", "http://x"), (*TRANSCEIVER, "--ice-server-file", "KEYS"),
    ("martlet-transceiver", "--keys", "KEYS", "--http", "0.0.0.0:0"),
    ("martlet-transceiver", "--keys", "FOLDER/nothing"),
]


def said(words, folder=None):
    """The exit status and all that a command prints."""
    given = [str(word).replace("KEYS", f"{folder}/keys").replace("FOLDER", str(folder))
             for word in words[1:]]
    done = subprocess.run(
        [PROGRAMS / words[0], *given], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS, check=False, text=True)
    text = done.stdout
    if folder:
        text = text.replace(f"{folder}/keys", "KEYS").replace(str(folder), "FOLDER")
    text = re.sub(r"^\d{4}-\d\d-\d\dT\S+Z ", "TIME ", text, flags=re.MULTILINE)
    text = text.replace(str(PROGRAMS), "PROGRAMS")
    return f"== {' '.join(words)}\n{text.rstrip()}\nexit status {done.returncode}\n"


# What a machine that does something else beside adds to a log.
LOAD_LINES = re.compile(r'(: |"event":")shard-(overloaded|keeps-up-again)\b')


def normal(line):
    """A log line with the values that are of this run alone replaced by their kind."""
    line = re.sub(r"\S*Z (\w+) ([a-z-]+): ", r"\1 \2: ", line, count=1)
    line = re.sub(r'"time":"[^"]*"', '"time":"TIME"', line)
    line = re.sub(r"\brtc_[A-Za-z0-9_+-]+", "CALL", line)
    line = re.sub(r"\[[0-9a-f:]+\](:\d+)?|\b\d+\.\d+\.\d+\.[0-9x]+(:\d+)?\b", "ADDRESS", line)
    line = re.sub(r'\b(counters"?[=:])"[^"]*"', r'\1"COUNTERS"', line)
    line = re.sub(r'(?<=[=:"])(?<!status=)(?<!"status":)-?\d+(\.\d+)?(?=[\s,}]|"[,}]|$)', "N", line)
    return re.sub(r"\bpid \d+", "pid N", line)


def log_lines(log, keeps_order=True):
    """Where several threads or programs write, which is first is chance: then each line once."""
    lines = [normal(line) for line in log.splitlines() if not LOAD_LINES.search(line)]
    return lines if keeps_order else sorted(set(lines))


class Tap:
    """Passes one connection on and keeps what the server said."""

    def __init__(self, port):
        self.heard = b""
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self.pump, args=(near, far), daemon=True).start()
        self.pump(far, near, keeps=True)

    def pump(self, source, sink, keeps=False):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                if keeps:
                    self.heard += piece
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def figures(self, calls):
        """Those of the call that it was asked for, once everything in it has begun."""
        calls.wait_for("call-events-opened")
        place = re.search(rb"(?i)location: (\S+)", self.heard)[1].decode()
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            answer = exchange(self.target, request("GET", f"{place}/stats"))
            figures = json.loads(answer.partition(b"\r\n\r\n")[2])
            if figures.get("encoding") and figures.get("channels"):
                return figures
            assert time.monotonic() < deadline and "error" not in figures, figures


def one_call(folder, *options, title="transceiver"):
    """A deployment that somebody calls: the logs of both programs, what their --stats say, and the
    call's figures."""
    address = own_address(0)
    trunk = ("--trunk", f"{address}:4000", "--candidate", f"{address}:3478")
    stats = {name: folder / f"{name}.json" for name in ("relay", "transceiver")}
    calls, port = transceiver(
        folder, *trunk, "--stats", stats["transceiver"], *options, title=title)
    way = Program(
        folder, "martlet-relay", "--keys", folder / "keys", "--listen", f"{address}:3478",
        "--trunk", f"{address}:0", *KNOWN[:1], f"1.0={address}:4000", "--steering", "kernel",
        "--stats", stats["relay"], *(option for option in options if option in ("--log", "json")))
    figures = {}
    with calls, way:
        way.wait_for("is ready")
        answers = "realtime" not in options
        tap = Tap(port)
        load = subprocess.Popen(
            [PROGRAMS / "martlet", "load", "--url", f"http://127.0.0.1:{tap.port}", "--calls", "1",
             "--seconds", "3" if answers else "30", "--backend", "default",
             *(("--events",) if answers else ())],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if answers:
                figures = tap.figures(calls)
            calls.wait_for("call-ended")
        finally:
            load.kill()
            load.wait()
        exchange(port, request("GET", "/nowhere"))
        for program in (calls, way):
            program.tell(signal.SIGHUP)
            program.wait_for("SIGHUP is ignored")
            program.tell(signal.SIGUSR1)
        calls.wait_for(r"shard-report\W")
        way.wait_for(r"(: |\")report\W")
        assert calls.end() == 0 and way.end() == 0
        logs = [("martlet-transceiver", calls.log()), ("martlet-relay", way.log())]
    text = "".join(
        f"== {' '.join([name, *options])}\n" + "".join(
            f"{line}\n" for line in log_lines(log, keeps_order=answers)) for name, log in logs)
    return text, {name: json.loads(file.read_text()) for name, file in stats.items()}, figures


def up(folder):
    """`martlet up` from its start to its end."""
    address = own_address(1)
    with Program(
        folder, "martlet", "up", "--http", f"{address}:8080", "--media", f"{address}:3478",
        "--steering", "kernel",
    ) as program:
        program.wait_for("martlet is ready: ")
        assert program.end() == 0
        return "".join(f"{line}\n" for line in log_lines(program.log(), keeps_order=False))


def explained(folder):
    """The names in the JSON of --explain; the values are this machine's."""
    done = subprocess.run(
        [PROGRAMS / "martlet-relay", "--keys", folder / "keys", "--listen", "127.0.0.1:0",
         *KNOWN, "--steering", "kernel", "--explain", "--json"],
        check=True, capture_output=True, timeout=LIMIT_SECONDS)
    return names_in(json.loads(done.stdout))


def names_in(value):
    """Without their kinds: what rights a program has, and what it has not measured, is null."""
    names = [line.split(" ")[0] for line in structure(value)]
    return "".join(f"{name}\n" for name in names)


def capture():
    """name of the file -> its text"""
    texts = {"help.txt": "\n".join(said((*words, "--help")) for words in HELPS)}
    texts["help.txt"] += "\n" + said(("martlet", "version"))
    with folder_with_keys() as folder:
        texts["mistakes.txt"] = "\n".join(said(words, folder) for words in MISTAKES)
        texts["log.txt"], stats, figures = one_call(folder)
        texts["figures.txt"] = names_in(figures)
        for name, value in stats.items():
            texts[f"stats-{name}.txt"] = names_in(value)
        texts["log-json.txt"], _, _ = one_call(folder, "--log", "json", title="json")
        texts["log-service.txt"], _, _ = one_call(
            folder, "--backend", "realtime", "--backend-url", "ws://127.0.0.1:9/", title="service")
        texts["log-up.txt"] = up(folder)
        texts["explain.txt"] = explained(folder)
    return {f"programs/{name}": text for name, text in texts.items()}
