"""Two transceivers of one cluster: whichever is asked, the owner of the call answers."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
import time
import urllib.request

import openai
import pytest
from websockets.exceptions import ConnectionClosed

import peer
from martlet import PROGRAMS
from test_sdk import offer

KEY = "sk-martlet-test-0123456789"
PORTS = {number: 8110 + number for number in range(1, 6)}


class Node:
    """One transceiver; a context manager that stops it."""

    def __init__(self, number, folder, *options):
        self.number = number
        self.url = f"http://127.0.0.1:{PORTS[number]}"
        self.log = open(folder / f"node-{number}.log", "w")
        self.process = subprocess.Popen(
            [
                *(str(PROGRAMS / "martlet-transceiver"), "--keys", str(folder / "keys")),
                *("--api-keys", str(folder / "api-keys"), "--node", str(number)),
                *("--http", self.url.removeprefix("http://"), "--trunk", "127.0.0.1:0"),
                *("--overload", "warn"), *options,
            ],
            stdin=subprocess.DEVNULL, stderr=self.log,
        )

    def __enter__(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=60).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0
        self.log.close()

    def client(self):
        return openai.OpenAI(
            api_key=KEY, base_url=self.url + "/v1", max_retries=0, timeout=60
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("cluster")
    subprocess.run([str(PROGRAMS / "martlet"), "keys", "--file", str(made / "keys")], check=True)
    (made / "api-keys").touch(mode=0o600)
    (made / "api-keys").write_text(KEY)
    return made


@pytest.fixture(scope="module")
def nodes(folder):
    """Node 3 is known to node 1, and is not there."""
    addresses = {
        number: f"--peer={number}=http://127.0.0.1:{PORTS[number]}" for number in (1, 2, 3)
    }
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(Node(1, folder, addresses[2], addresses[3]))
        two = stack.enter_context(Node(2, folder, addresses[1]))
        yield one, two


def begin(node):
    with node.client() as client:
        made = client.realtime.calls.with_raw_response.create(
            sdp=offer(), session={"type": "realtime", "instructions": "Of the owner."}
        )
    return made.headers["Location"].rsplit("/", 1)[1], made.headers["ETag"]


def hang_up(client, call):
    """Hangs up, and waits until the owner says so: its shard ends the call a moment later."""
    client.realtime.calls.hangup(call)
    deadline = time.monotonic() + peer.LIMIT_SECONDS
    with pytest.raises(openai.NotFoundError) as caught:
        while time.monotonic() < deadline:
            client.realtime.calls.hangup(call)
            time.sleep(0.05)
    assert caught.value.code == "call_not_found"


@pytest.mark.parametrize("owner", [0, 1])
def test_http_reaches_the_owner(nodes, owner):
    call, tag = begin(nodes[owner])
    other = nodes[1 - owner]
    url = f"{other.url}/v1/realtime/calls/{call}"
    status, headers, text = peer.post(url + "/stats", "", method="GET", key=KEY)
    assert status == 200
    assert json.loads(text)["route"]["transceiver_node"] == nodes[owner].number
    assert headers.get_all("Access-Control-Allow-Origin") == ["*"]
    # HEAD tells of the same answer, without it.
    status, described, body = peer.post(url + "/stats", "", method="HEAD", key=KEY)
    assert (status, body) == (200, "")
    assert described["Content-Type"] == headers["Content-Type"]
    assert int(described["Content-Length"]) > 100
    fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    kind = "application/trickle-ice-sdpfrag"
    for match, expected in [({"If-Match": tag}, 204), ({"If-Match": '"x"'}, 412), ({}, 428)]:
        status, _, text = peer.post(url, fragment, kind, "PATCH", KEY, match)
        assert status == expected, text
    assert peer.post(url + "/hangup", "", key="sk-wrong")[0] == 401
    with other.client() as client:
        hang_up(client, call)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_sideband_reaches_the_owner(nodes, owner):
    call, _ = begin(nodes[owner])
    with nodes[1 - owner].client() as client, client.realtime.connect(call_id=call) as sideband:
        # Sent before the way to the owner stands.
        sideband.session.update(session={"type": "realtime", "instructions": "From afar."})
        created = sideband.recv()
        assert created.type == "session.created"
        assert created.session.instructions == "Of the owner."
        assert sideband.recv().session.instructions == "From afar."
        with nodes[owner].client() as near, near.realtime.connect(call_id=call) as second:
            assert second.recv().session.instructions == "From afar."
            big = "long " * 30_000
            second.session.update(session={"type": "realtime", "instructions": big})
            assert sideband.recv().session.instructions == big
            near.realtime.calls.hangup(call)
        with pytest.raises(ConnectionClosed) as caught:
            sideband.recv()
        assert caught.value.rcvd.code == 1000


def test_a_sideband_of_an_ended_call_ends(nodes):
    call, _ = begin(nodes[0])
    with nodes[0].client() as client:
        hang_up(client, call)
    with nodes[1].client() as client, client.realtime.connect(call_id=call) as sideband:
        with pytest.raises(ConnectionClosed) as caught:
            sideband.recv()
        assert caught.value.rcvd.code == 4404


class Tap:
    """Somebody between two nodes who reads along; a context manager."""

    def __init__(self, port, to):
        self.to = to
        self.seen = []
        self.listener = socket.create_server(("127.0.0.1", port))

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    def pass_on(self, source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self.seen.append((source.getsockname()[1], piece))
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def request(self):
        """What came to its own port so far."""
        port = self.listener.getsockname()[1]
        return b"".join(piece for at, piece in self.seen if at == port)

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def send_as_is(port, request):
    """The status of the answer to bytes."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as line:
        line.sendall(request)
        return int(line.makefile("rb").read().split()[1])


def test_who_reads_along_between_two_nodes_learns_no_key(nodes, folder):
    owner = nodes[1]
    call, tag = begin(owner)
    second, _ = begin(owner)
    with Tap(8118, PORTS[2]) as tap, Node(4, folder, "--peer=2=http://127.0.0.1:8118") as node:
        with node.client() as client:
            made = client.realtime.client_secrets.create(
                session={"type": "realtime", "instructions": "Of nobody."}
            )
        url = f"{node.url}/v1/realtime/calls/{call}"
        assert peer.post(url + "/stats", "", method="GET", key=made.value)[0] == 200
        fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
        kind = "application/trickle-ice-sdpfrag"
        match = {"If-Match": tag}
        assert peer.post(url, fragment, kind, "PATCH", made.value, match)[0] == 204
        with node.client() as client, client.realtime.connect(call_id=call) as sideband:
            assert sideband.recv().type == "session.created"
        before = len(tap.request())
        assert peer.post(url + "/hangup", "", key=KEY)[0] == 200
        # Behind what may be left of the sideband's end.
        hang_up = tap.request()[before:]
        hang_up = hang_up[max(hang_up.find(b"POST "), 0):]
        everything = b"".join(piece for _, piece in tap.seen)
    assert b"martlet-hop" in everything and call.encode() in everything
    for secret in (KEY, made.value, "authorization", "openai-insecure-api-key"):
        assert secret.lower().encode() not in everything.lower(), secret
    # Nor can they do anything with what they read: it is good once, for that call.
    assert hang_up.startswith(b"POST ") and hang_up.endswith(b"\r\n\r\n")
    assert send_as_is(PORTS[2], hang_up) == 401
    assert send_as_is(PORTS[2], hang_up.replace(call.encode(), second.encode())) == 401


def test_an_owner_that_is_gone(nodes, folder):
    with Node(3, folder) as third:
        call, _ = begin(third)
    with nodes[0].client() as client:
        with pytest.raises(openai.InternalServerError) as caught:
            client.realtime.calls.hangup(call)
        assert caught.value.status_code == 502
        assert caught.value.code == "owner_unreachable"
        with client.realtime.connect(call_id=call) as sideband:
            with pytest.raises(ConnectionClosed) as closed:
                sideband.recv()
            assert closed.value.rcvd.code == 1013
    # Node 2 knows nothing of a node 3.
    with nodes[1].client() as client, pytest.raises(openai.NotFoundError):
        client.realtime.calls.hangup(call)


def test_a_request_is_forwarded_once(folder):
    """Two nodes each of which sends requests for node 3 to the other: nobody is asked for ever."""
    with contextlib.ExitStack() as stack:
        with Node(3, folder) as third:
            call, _ = begin(third)
        swapped = [f"--peer=3=http://127.0.0.1:{port}" for port in (8115, 8114)]
        stack.enter_context(Node(4, folder, swapped[0]))
        stack.enter_context(Node(5, folder, swapped[1]))
        url = f"http://127.0.0.1:8114/v1/realtime/calls/{call}/stats"
        status, _, text = peer.post(url, "", method="GET", key=KEY)
        assert status == 508
        assert json.loads(text)["error"]["code"] == "loop_detected"


def test_a_peer_on_another_machine_is_warned_of(folder):
    with Node(4, folder, "--peer=1=http://127.0.0.1:1") as near:
        quiet = pathlib.Path(near.log.name)
    assert "unencrypted" not in quiet.read_text()
    with Node(5, folder, "--peer=7=http://10.0.0.7:1", "--peer=1=http://127.0.0.1:1") as far:
        warned = pathlib.Path(far.log.name)
    assert warned.read_text().count("unencrypted peers=7") == 1


@pytest.mark.parametrize(
    "options, part",
    [
        (["--peer", "1=http://127.0.0.1:1"], "--peer 1 is this transceiver itself"),
        (["--peer", "2=http://a:1"], "--peer must be a node and its HTTP address"),
        (["--peer", "2=http://10.0.0.1:1", "--peer", "2=http://10.0.0.2:1"], "names a node twice"),
    ],
)
def test_peers_that_cannot_be_meant(folder, options, part):
    done = subprocess.run(
        [str(PROGRAMS / "martlet-transceiver"), "--keys", str(folder / "keys"), *options],
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 2
    assert part in done.stderr
