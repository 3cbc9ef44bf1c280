"""Clients that send no check once they are connected, or none while voice comes in: their voice and
their answers keep their calls, and a client that is gone loses its call all the same.

Consent is 30 s (RFC 7675), so this takes longer than that; all clients wait at the same time. A tap
on the loopback device is the witness of who checks and who is asked.
"""

import array
import asyncio
import concurrent.futures
import json
import pathlib
import queue
import re
import subprocess
import threading
import time

import av
import pytest

import go_program
import peer
import voice
from martlet import MartletUp
from metronome import VoiceClock
from reports import page_report
from tap import UDP, Tap

FOLDER = pathlib.Path(__file__).parent
SECONDS = 60
BROWSER_SECONDS = 25
HERTZ = 440
MEDIA_PORT = 3506
# Later than this after the server's first voice, a client's checks are no longer those of the
# set-up, however long a busy machine took over that.
SET_UP_MS = 4_000
# Who lets so much time go by between two checks may be asked: the server waits for 6.5 s.
PATIENCE_MS = 6_000


class Caller:
    """A program that calls until its standard input ends; a context manager. `lines`: what it has
    printed, but for the call's path."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.lines = []
        self.paths = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        self.paths.put(self.process.stdout.readline().strip())
        self.lines += (line.strip() for line in self.process.stdout)

    def path(self):
        """The path of the call, waited for."""
        return self.paths.get(timeout=peer.LIMIT_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def up():
    """One of its own: the tap sees what passes while nobody else calls."""
    with MartletUp(
        "--workers", "2", "--shards", "2", http_port=8106, media_port=MEDIA_PORT
    ) as running:
        yield running


@pytest.fixture(scope="module")
def pion(tmp_path_factory):
    """The command of a call by Pion, without the address."""
    folder = tmp_path_factory.mktemp("pion-voice")
    program = go_program.build(FOLDER / "pion_voice" / "main.go", folder)
    file = folder / "tone.packets"
    file.write_bytes(b"".join(len(p).to_bytes(2, "big") + p for p in tone_packets()))
    return lambda url: (program, url, file)


def tone_packets():
    """A second of a tone, as Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = voice.RATE, "stereo", "s16"
    packets = []
    track = voice.ToneTrack(HERTZ)
    for _ in range(50):
        packets += [bytes(packet) for packet in encoder.encode(asyncio.run(track.recv()))]
    return packets


class Traffic:
    """What a call's client and the server sent each other, by the relay's port."""

    def __init__(self, payloads, port):
        up = [(at, data) for at, source, target, data, _ in payloads
              if (source, target) == (port, MEDIA_PORT)]
        down = [(at, data) for at, source, target, data, _ in payloads
                if (source, target) == (MEDIA_PORT, port)]
        steady = next(at for at, data in down if is_rtp(data)) + SET_UP_MS
        self.seconds = (down[-1][0] - steady) / 1000
        is_request = lambda at, data: at > steady and data[:2] == b"\x00\x01"
        self.checks = sum(is_request(*each) for each in up)
        self.asked = sum(is_request(*each) for each in down)
        checked = [at for at, data in up if data[:2] == b"\x00\x01"] + [down[-1][0]]
        self.pauses = sum(
            later - at > PATIENCE_MS for at, later in zip(checked, checked[1:]))
        # Not what comes before the server has the keys: GStreamer sends its backlog at once.
        is_voice = lambda at, data: at > steady and is_rtp(data)
        self.voice = [sum(is_voice(*each) for each in way) for way in (up, down)]

    def __repr__(self):
        return (
            f"{self.checks} checks with {self.pauses} long pauses, asked {self.asked} times in "
            f"{self.seconds:.1f} s, voice {self.voice}"
        )


def is_rtp(data):
    return data[0] >> 6 == 2 and not 192 <= data[1] <= 223


def call_of(path):
    """As the log has it."""
    return path.rsplit("/", 1)[1][:12]


def traffic_of(call, log, payloads):
    port = re.search(rf"call-connected call={call} client=\S+:(\d+)", log)
    assert port, log
    return Traffic(payloads, int(port[1]))


def end_of(call, log):
    """Why and after how many ms a call ended, and the packets that came and that were lost."""
    line = re.search(
        rf"call-ended call={call} reason=(\S+) .*?after_ms=(\d+) rtp_received=(\d+) rtp_lost=(\d+)",
        log,
    )
    return line and (line[1], *map(int, line.groups()[1:]))


def hang_up(up, path):
    assert peer.post(f"{up.url}{path}/hangup", "")[0] == 200


async def stop_consent(call):
    """aiortc as a client that does not know RFC 7675."""
    connection = call.connection.getSenders()[0].transport.transport._connection
    connection._query_consent_task.cancel()


async def aiortc_call(up):
    """A call whose checks end with its set-up: its path, and what it heard in each second but the
    first five."""
    async with peer.Call(up.url, hertz=HERTZ) as call:
        await call.start()
        await call.wait_connected()
        await stop_consent(call)
        await asyncio.sleep(SECONDS)
        hang_up(up, call.location)
        await asyncio.wait_for(call.closed.wait(), peer.LIMIT_SECONDS)
    heard = call.heard[5 * 50 :]
    seconds = [heard[start : start + 50] for start in range(0, len(heard) - 49, 50)]
    return call.location, [tone_of(second) for second in seconds]


def tone_of(frames):
    samples = array.array("h")
    for _, frame in frames:
        samples.extend(frame)
    return voice.Tone(samples)


def assert_nearly_all(right, lapses):
    """Of the seconds that were heard. A lapse of the machine may spoil the one that it falls in."""
    assert len(right) > 0.6 * (SECONDS - 5)
    assert sum(right) > 0.8 * len(right) - lapses and sum(right) > 0.3 * len(right), right


def browser_call(name, up, sound):
    page = f"http://localhost:{up.http.split(':')[1]}/"
    query = {"tone": HERTZ, "seconds": BROWSER_SECONDS, "backend": "echo"}
    return page_report(name, page, sound, **query)


def test_calls_live_by_what_their_clients_do_send(up, pion, sound):
    url = f"{up.url}/v1/realtime/calls?backend=echo"
    gstreamer = ("/usr/bin/python3", FOLDER / "gst_call.py", url, HERTZ)
    began = time.monotonic()
    with (
        VoiceClock() as clock,
        concurrent.futures.ThreadPoolExecutor() as threads, Tap() as tap,
        Caller(*gstreamer) as gst, Caller(*pion(url)) as pionic, Caller(*pion(url)) as leaver,
    ):
        paths = {"gstreamer": gst.path(), "pion": pionic.path()}
        left = call_of(leaver.path())
        up.wait_for_log(rf"call-connected call={left}", peer.LIMIT_SECONDS)
        leaver.process.kill()
        lived = time.monotonic() - began
        browsers = [
            threads.submit(browser_call, name, up, sound) for name in ("chromium", "firefox")
        ]
        paths["aiortc"], tones = asyncio.run(aiortc_call(up))
        for name in ("gstreamer", "pion"):
            hang_up(up, paths[name])
        for report in [browser.result() for browser in browsers]:
            assert report["error"] is None and report["connected"], report
        # Its shard ends a call a moment after the answer to who hangs up.
        for call in (left, *map(call_of, paths.values())):
            up.wait_for_log(rf"call-ended call={call} .*\n", peer.LIMIT_SECONDS)
    log = up.log()
    payloads = list(tap.payloads(UDP))

    for name, path in paths.items():
        call = call_of(path)
        traffic, end = traffic_of(call, log, payloads), end_of(call, log)
        print(f"{name}: {traffic}; {end}")
        reason, milliseconds, received, lost = end
        assert reason == "hung-up", log
        assert milliseconds > 1000 * (SECONDS - 1)
        # How much a client says is a matter of its share of the machine.
        said, heard = traffic.voice
        assert min(said, heard) > 30 * SECONDS, traffic
        assert received > 0.98 * said and lost <= 0.005 * received, (traffic, end)
        assert traffic.checks <= 2, traffic
        assert abs(traffic.asked - traffic.seconds / 5) <= 2, traffic
    print(f"aiortc heard {tones}")
    assert_nearly_all(
        [abs(tone.hertz - HERTZ) < 10 and tone.purity > 0.8 for tone in tones], clock.lapses)
    seconds = [json.loads(line) for line in gst.lines]
    print(f"GStreamer heard {seconds}")
    assert len(seconds) > 0.6 * SECONDS
    assert_nearly_all([abs(second["hertz"] - HERTZ) < 10 for second in seconds], clock.lapses)
    assert int(pionic.lines[-1]) > 30 * SECONDS, pionic.lines

    print(f"killed: {end_of(left, log)}")
    reason, milliseconds, *_ = end_of(left, log)
    # It lived until it was killed, which on a slow machine was late.
    assert reason == "consent-lost", log
    assert 30_000 <= milliseconds <= 40_000 + 1000 * lived, log

    others = set(re.findall(r"call-connected call=(\S+)", log))
    others -= {left, *map(call_of, paths.values())}
    assert len(others) == 2
    for call in others:
        traffic = traffic_of(call, log, payloads)
        print(f"a browser: {traffic}")
        # A browser that the machine held up has let a check be late, and only then is asked.
        assert traffic.checks >= 3 and traffic.asked <= min(1, traffic.pauses), traffic
