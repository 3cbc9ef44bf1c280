"""`martlet bench voice`, as far as no clock is in it: what the network does, what the figures say
of a known sound, and what is refused."""

import asyncio
import itertools
import json
import re
import socket
import subprocess
import sys
import types

import numpy
import pytest

from martlet import ROOT

FOLDER = ROOT / "tools" / "bench" / "voice"
sys.path.insert(0, str(FOLDER))

import alignment  # noqa: E402
import changes  # noqa: E402
import figures  # noqa: E402
import material  # noqa: E402
import networks  # noqa: E402
import recording  # noqa: E402
import report  # noqa: E402
import sdp  # noqa: E402
import targets  # noqa: E402
import way  # noqa: E402
import words  # noqa: E402

RATE = material.RATE


def fates(plan, word):
    """Of both directions."""
    return [
        list(map(int, line.split()[1:])) for line in plan.splitlines() if line.startswith(word)
    ]


@pytest.mark.parametrize("network", networks.ALL.values(), ids=networks.ALL)
def test_a_seed_says_what_happens(network):
    plan = networks.plan(network, 7, 60)
    assert plan == networks.plan(network, 7, 60)
    up, down = fates(plan, "rtp ")
    assert len(up) == len(down) == 60 * 60 + 100
    for found in (up, down):
        share = found.count(networks.LOST) / len(found)
        assert share == pytest.approx(network.loss, abs=0.3 * network.loss)
    is_random = network.loss or network.jitter or network.reordered or network.holds
    assert (plan != networks.plan(network, 8, 60)) == bool(is_random)
    if network.loss:
        assert up != down


def test_bursts_are_as_long_as_they_shall_be():
    [up, _] = fates(networks.plan(networks.ALL["bursts5"], 1, 600), "rtp ")
    text = "".join("x" if fate == networks.LOST else "." for fate in up).rstrip("x")
    lengths = {len(burst) for burst in re.findall("x+", text)}
    assert lengths == set(range(3, 9))


def test_late_packets_are_later_than_one_packet_and_few():
    [up, _] = fates(networks.plan(networks.ALL["reorder3"], 1, 600), "rtp ")
    late = [fate for fate in up if fate]
    assert all(30_000 <= fate <= 60_000 for fate in late)
    assert len(late) / len(up) == pytest.approx(0.03, abs=0.01)


def test_spikes_hold_everything_for_their_time():
    plan = networks.plan(networks.ALL["spikes300"], 1, 67)
    holds = [tuple(map(int, line.split()[1:])) for line in plan.splitlines() if "hold" in line]
    assert 2 * 10 <= len(holds) <= 2 * 17
    assert all(end - start == 300_000 for start, end in holds)


def rtp(sequence, place, ssrc=5):
    """Opus at the time of `place`, each 20 ms of 48 kHz."""
    timestamp = (0xFFFF_FE00 + place * 960) & 0xFFFF_FFFF
    return b"".join([
        bytes([0x80, 111]), sequence.to_bytes(2, "big"), timestamp.to_bytes(4, "big"),
        ssrc.to_bytes(4, "big")])


def received(server):
    try:
        return [server.recv(2048)]
    except TimeoutError:
        return []


def joined(numbers):
    return " ".join(map(str, numbers))


async def carried(folder, plan, calls, packets):
    """(`way`, what it noted, what reached the servers) when all clients send these packets."""
    program = way.build(folder)
    servers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(calls)]
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    async with way.Way(program, "127.0.0.1", calls, plan, folder) as running:
        for number, server in enumerate(servers):
            server.bind(("127.0.0.1", 0))
            server.settimeout(0.1)
            running.target(number, *server.getsockname())
        await running.begin()
        for packet in packets:
            for front in running.fronts:
                client.sendto(packet, ("127.0.0.1", front))
        heard = [[] for _ in servers]
        for server, front, found in zip(servers, running.fronts, heard, strict=True):
            while not found or found[-1][0]:
                # Not voice, so no loss takes it; it is sent until the queue has room for it.
                client.sendto(b"\x00" * 12, ("127.0.0.1", front))
                found += await asyncio.to_thread(received, server)
            found.pop()
        return running, await running.end(), heard


def place_of(running, packet):
    """How many times 20 ms after "begin" it came."""
    return round(packet.came * 1e6 - running.begun * 1e6) // 20_000


def test_all_calls_lose_the_same_packets_and_resends_have_their_own_luck(tmp_path):
    fates, again = [0, -1, 0, 0, -1, 0], [-1, 0, 0, 0, 0, 0]
    plan = (
        f"direction 0 0 600000 1\nrtp {joined(fates)}\nagain {joined(again)}\nrtcp 0\n"
        "direction 1 0 600000 1\nrtp 0\nagain 0\nrtcp 0\n")
    packets = [rtp(65534 + number & 0xFFFF, number) for number in range(6)]
    # Number 1 is sent again, twice: that has the fates of the newest place and the one after it.
    packets += [packets[1], packets[1]]
    running, passed, heard = asyncio.run(carried(tmp_path, plan, 2, packets))
    for call in (0, 1):
        of_call = [one for one in passed if one.call == call and one.kind == way.RTP]
        first = place_of(running, of_call[0])
        kept = [fates[(first + place) % 6] == 0 for place in range(6)]
        kept += [again[(first + place) % 6] == 0 for place in (5, 6)]
        assert heard[call] == list(itertools.compress(packets, kept))
        assert [one.late_microseconds != way.LOST for one in of_call] == kept
        assert [one.number for one in of_call] == [0, 1, 2, 3, 4, 5, 1, 1]


def test_who_sends_less_loses_what_the_others_lose_at_that_moment(tmp_path):
    fates = [0, 0, -1, 0, -1, 0, 0, 0]
    plan = (
        f"direction 0 0 600000 1\nrtp {joined(fates)}\nagain 0\nrtcp 0\n"
        "direction 1 0 600000 1\nrtp 0\nagain 0\nrtcp 0\n")
    # A pause at places 1 to 3, then packets of 40 ms; another source begins where it comes.
    places = (0, 4, 6)
    packets = [rtp(number, place) for number, place in enumerate(places)]
    packets += [rtp(900, 77, ssrc=6), rtp(901, 79, ssrc=6)]
    running, passed, _ = asyncio.run(carried(tmp_path, plan, 1, packets))
    voice = [one for one in passed if one.kind == way.RTP]
    first, other = place_of(running, voice[0]), place_of(running, voice[3])
    found = [one.late_microseconds for one in voice]
    expected = [first + place for place in places] + [other, other + 2]
    assert [late == way.LOST for late in found] == [fates[place % 8] == -1 for place in expected]


def test_a_narrow_path_drops_what_its_queue_has_no_room_for(tmp_path):
    plan = networks.plan(networks.ALL["cap40"], 1, 10)
    # A burst of 60 packets of 1,000 bytes with headers: 200 ms each at 40 kbit/s.
    packets = [rtp(number, number) + bytes(960) for number in range(60)]
    _, passed, heard = asyncio.run(carried(tmp_path, plan, 1, packets))
    voice = [one for one in passed if one.kind == way.RTP]
    no_room = [one for one in voice if one.late_microseconds == way.NO_ROOM]
    # One is being sent and three wait; while this test's sender is slow, one more each 200 ms.
    seconds = voice[-1].came - voice[0].came
    assert len(heard[0]) + len(no_room) == len(voice) == 60
    assert 4 <= len(heard[0]) <= 5 + seconds / 0.2


def speech(seconds, seed=1):
    """Noise with the loudness of speech, in sentences of 3 s with pauses of 0.7 s."""
    random = numpy.random.default_rng(seed)
    samples = random.standard_normal(int(seconds * RATE))
    time = numpy.arange(len(samples)) / RATE
    samples *= 0.04 * (1.2 + numpy.sin(2 * numpy.pi * 4 * time))
    utterances = []
    for start in range(RATE, len(samples) - 3 * RATE, int(3.7 * RATE)):
        utterances.append(material.Utterance("words", start, start + 3 * RATE))
        samples[start + 3 * RATE : start + int(3.7 * RATE)] = 0
    samples[:RATE] = 0
    return material.Material(samples, tuple(utterances))


def heard(samples, start=100.0, delay=0.08, late=()):
    """A steady recording that began a second before the material."""
    samples = numpy.concatenate([numpy.zeros(int((1 + delay) * RATE)), samples])
    places = numpy.arange(0, len(samples), 320)
    return recording.Steady(samples, places, start - 1 + places / RATE, start, list(late))


def judged(said, recorded):
    found = alignment.matches(said.samples, recorded)
    late = alignment.late_windows(len(said.samples), recorded)
    return found, changes.changed(said, recorded, found, late)


def test_a_sound_that_is_only_delayed_is_whole():
    said = speech(12)
    recorded = heard(said.samples)
    found, changed = judged(said, recorded)
    assert found and all(match.likeness > 0.99 for match in found)
    delays = [delay for _, delay in alignment.delays(recorded, found)]
    assert delays == pytest.approx([80] * len(delays), abs=0.1)
    assert changed == {"cut": 0, "inserted": 0, "made_up": 0}
    beside = alignment.aligned(said.samples, recorded, found)
    start, end = said.utterances[0].start, said.utterances[-1].end
    assert numpy.abs(beside - said.samples)[start:end].max() < 1e-9


def test_what_is_cut_and_what_is_put_in_is_found():
    said = speech(12)
    at = said.utterances[1].start + RATE
    whole = said.samples
    cut = numpy.concatenate([whole[:at], whole[at + RATE // 5 :]])
    assert judged(said, heard(cut))[1]["cut"] == pytest.approx(200, abs=20)
    foreign = speech(3, seed=2).samples[RATE : RATE + 3 * RATE // 10]
    longer = numpy.concatenate([whole[:at], foreign, whole[at:]])
    changed = judged(said, heard(longer))[1]
    assert changed["inserted"] == pytest.approx(300, abs=20)
    assert changed["made_up"] == pytest.approx(300, abs=80)
    assert changed["cut"] <= 20
    silent = numpy.concatenate([whole[:at], numpy.zeros(len(foreign)), whole[at:]])
    changed = judged(said, heard(silent))[1]
    assert changed["inserted"] == pytest.approx(300, abs=20) and changed["made_up"] <= 20
    gone = whole.copy()
    gone[at : at + RATE // 5] = 0
    assert judged(said, heard(gone))[1]["cut"] == pytest.approx(200, abs=60)


def test_a_longer_pause_is_no_harm():
    said = speech(12)
    at = said.utterances[1].end + RATE // 3
    longer = numpy.concatenate([said.samples[:at], numpy.zeros(RATE // 2), said.samples[at:]])
    assert judged(said, heard(longer))[1] == {"cut": 0, "inserted": 0, "made_up": 0}


def test_what_came_while_the_machine_was_late_counts_for_nobody():
    said = speech(12)
    at = said.utterances[1].start + RATE
    cut = numpy.concatenate([said.samples[:at], said.samples[at + RATE // 5 :]])
    moment = 100 + at / RATE
    recorded = heard(cut, late=[(moment, moment + 0.05)])
    late = alignment.late_windows(len(said.samples), recorded)
    assert 5 <= late.sum() <= 9
    assert judged(said, recorded)[1]["cut"] == 0


def test_pieces_come_when_they_come():
    said = speech(8)
    places = numpy.arange(0, len(said.samples), 320)
    walls = 50.06 + places / RATE
    recorded = recording.Recording(said.samples, places, walls, 50.0, [])
    found = alignment.matches(said.samples, recorded)
    delays = [delay for _, delay in alignment.delays(recorded, found)]
    assert all(40 <= delay <= 60.1 for delay in delays)


@pytest.mark.parametrize(
    ("said", "heard", "percent"),
    [
        ("It was forty two.", "it was 42", 0),
        ("Mister Dash wood", "Mr. Dash, wood!", 0),
        ("one two three four", "one three four", 25),
        ("one two", "one two three four", 100),
        ("one two", "", 100),
    ],
)
def test_word_errors(said, heard, percent):
    assert words.error_rate([(said, heard)]) == percent


def test_addresses_lead_through_the_way():
    answer = (
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 UDP 1 fe80::1 7 typ host\r\n"
        "a=candidate:2 1 UDP 1 10.77.0.1 3478 typ host\r\na=end-of-candidates\r\na=mid:0\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n")
    assert sdp.server_address(answer) == ("10.77.0.1", 3478)
    changed = sdp.with_only_candidate(answer, "10.77.0.1", 4000)
    assert changed.count("a=candidate:") == 2 == changed.count("10.77.0.1 4000")
    assert changed.index("a=candidate:") < changed.index("m=application")
    assert sdp.server_address(changed) == ("10.77.0.1", 4000)


def test_targets_are_judged_with_one_standard_error():
    [nack] = targets.of("loss5", "down", "martlet", "nack")
    [red] = targets.of("loss5", "down", "martlet", "red+nack")
    assert (nack.limit, red.limit) == (3.3, 3.6)
    [alone] = targets.of("bursts5", "down", "martlet", "red+nack")
    [page] = targets.of("bursts5", "down", "martlet", "follow")
    assert (alone.limit, page.limit) == (3.0, 3.4)
    assert targets.is_met(red, 3.55, 0.06) and not targets.is_met(red, 3.55, 0.04)
    assert targets.is_met(red, None) is None
    [delay] = targets.of("spikes300", "up", "martlet-audiosocket", "plain")
    assert targets.is_met(delay, 79) and not targets.is_met(delay, 81)
    assert targets.of("loss5", "down", "aiortc", "plain") == []
    assert figures.error([1.0]) is None and figures.error([1.0, 3.0]) == 1.0


def test_rows_are_means_over_seeds_with_targets():
    def sample(seed, direction, pesq, delays):
        score = types.SimpleNamespace(
            pesq=pesq, stoi=numpy.float64(0.9), delays=delays, cut=10.0, inserted=0.0, made_up=0.0,
            windows=100, unrecognised=4, thrown_away=numpy.int64(3))
        return figures.Sample("clean", seed, "martlet", "plain", direction, score)

    samples = [
        sample(1, "down", [4.0, 4.2], [(1, 50), (2, 60), (12, 80)]),
        sample(2, "down", [3.9, None], [(1, 50), (12, 80)]),
        sample(1, "up", [None], []),
    ]
    rows = figures.rows(samples)
    down, up = json.loads(report.as_json(rows, "here", {}, []))["rows"]
    assert down["pesq"] == pytest.approx(4.0) and down["pesq_error"] == pytest.approx(0.1)
    assert (down["utterances"], down["utterances_thrown_away"]) == (3, 1)
    assert down["delay_p50_each_10_s"] == [50, 80] and down["delay_p50_from_10_s"] == 80
    assert down["thrown_away_ms"] == 600 and down["unrecognised_percent"] == 4
    # With one standard error it is there: 4.0 + 0.1 >= 4.1.
    assert [one["met"] for one in down["targets"]] == [True]
    assert up["pesq"] is None and [one["met"] for one in up["targets"]] == [None]
    text = report.text(rows, "here")
    assert "PESQ >= 4.1: met" in text and "targets: 1 met, 0 missed, 1 not known" in text


@pytest.mark.parametrize(
    "arguments",
    [["--networks", "loss7"], ["--servers", "martlet,martlet"], ["--seeds", "0"], ["--loud"]],
)
def test_mistakes_are_refused(arguments):
    code = f"import options; options.read({arguments!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and arguments[0] in done.stderr, done.stderr
