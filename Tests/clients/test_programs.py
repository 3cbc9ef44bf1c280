"""The programs as a person at a terminal meets them."""

import json
import os
import subprocess

import pytest

from martlet import PROGRAMS
from metronome import VoiceClock
from scenes import in_some_scene

NAMES = ["martlet", "martlet-relay", "martlet-transceiver"]


def run(name, *arguments):
    done = subprocess.run(
        [str(PROGRAMS / name), *arguments], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def keys(tmp_path):
    path = str(tmp_path / "keys.json")
    assert run("martlet", "keys", "--file", path) == (0, "", "")
    return path


@pytest.mark.parametrize("arguments", [[name] for name in NAMES] + [["martlet", "up"]])
def test_help_and_version(arguments):
    status, text, _ = run(*arguments, "--help")
    assert status == 0 and "--" in text
    status, text, _ = run(*arguments, "--version")
    assert status == 0 and text.startswith("martlet") and text.endswith(" 0.1.0\n")


@pytest.mark.parametrize("arguments", [[name] for name in NAMES[1:]] + [["martlet", "up"]])
def test_a_configuration_file_with_an_unknown_key(arguments, tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"wrkers": 2}')
    status, _, text = run(*arguments, "--config", str(path))
    assert status == 2
    assert f'{path} has no setting "wrkers"' in text


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["martlet", "upp"], 'martlet: there is no command "upp"; did you mean "up"?'),
        (["martlet", "up", "--htpp", "x"], 'there is no option "--htpp"; did you mean "--http"?'),
        (["martlet", "up", "--backend", "realtime"], "--backend realtime needs --backend-url"),
        (["martlet", "bench"], 'say "relay", "transceiver" or "voice"'),
        (["martlet", "token"], 'say "seal" or "open"'),
        (["martlet", "token", "open", "--keys", "k"], "name a token, or several"),
        (["martlet", "load", "--url", "https://h"], "https is not spoken here"),
        (["martlet-relay"], "--transceiver NODE.SHARD=ADDR is needed"),
        (["martlet-relay", "--json"], "--json goes with --explain"),
        (["martlet-transceiver", "--http", "h.example:80"], "--http must be a port of 127.0.0.1"),
    ],
)
def test_a_mistake_is_named_at_once(arguments, sentence):
    status, out, text = run(*arguments)
    assert (status, out) == (2, "")
    assert sentence in text
    assert text.endswith('--help".\n') and text.count("\n") == 2


@pytest.mark.parametrize("words", [["bench"], ["token"], ["load"], ["keys"], ["bench", "voice"]])
def test_every_command_helps(words):
    status, text, _ = run("martlet", *words, "--help")
    assert status == 0 and "Options:" in text


def test_a_token_goes_from_one_process_to_another(keys):
    options = ["--keys", keys, "--node", "513", "--shard", "7", "--cluster", "9"]
    status, token, _ = run("martlet", "token", "seal", *options)
    assert status == 0 and len(token) == 24 and token.strip().isalnum()
    status, text, _ = run("martlet", "token", "open", "--keys", keys, token.strip())
    assert status == 0
    assert "cluster 9, transceiver 513.7, minted 0 min ago" in text


def test_a_bad_token_is_refused(keys, tmp_path):
    _, token, _ = run("martlet", "token", "seal", "--keys", keys)
    token = token.strip()
    other = str(tmp_path / "other.json")
    run("martlet", "keys", "--file", other)
    _, old, _ = run("martlet", "token", "seal", "--keys", keys, "--age-minutes", "100000")
    middle = "A" if token[10] != "A" else "B"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(token[-1]) | 1]
    for text, verdict, key_file in [
        (token[:10] + middle + token[11:], "forged", keys),
        (token, "forged", other),
        (token[:-1], "malformed", keys),
        (token[:-1] + last, "nonCanonical", keys),
        (old.strip(), "expired", keys),
        ("z" + token[1:], "unknownKey", keys),
    ]:
        status, answer, _ = run("martlet", "token", "open", "--keys", key_file, text)
        assert status == 1, answer
        assert answer.strip() == f"{text}: {verdict}"


def test_a_key_file_that_others_can_read_is_refused(keys):
    os.chmod(keys, 0o644)
    status, _, text = run("martlet", "token", "seal", "--keys", keys)
    assert status == 1
    assert "has mode 644" in text and "chmod 600" in text


def libraries_of(name):
    """The names of the libraries that a program links, without the folders that they are in."""
    lines = subprocess.check_output(["ldd", str(PROGRAMS / name)], text=True).splitlines()
    return {line.split()[0].split(".so")[0] for line in lines}


def test_the_relay_links_no_codec_and_no_media_crypto():
    libraries = libraries_of("martlet-relay")
    assert {"libcrypto", "libbpf", "libnuma"} <= libraries
    never = ("libssl", "libsrtp", "libopus", "libsctp", "libusrsctp", "libwebsockets")
    assert not [name for name in libraries if name.startswith(never)]
    # Who is said to link none is told from one that does.
    assert {"libssl", "libsrtp2", "libopus", "libwebsockets"} <= libraries_of("martlet-transceiver")


@in_some_scene
def test_two_hundred_calls_at_once(up):
    """All 200 connect and hear their own tone, and nearly no packet is lost. Where the machine was
    too late for voice, what was lost and heard only at times may be its doing: then the calls must
    have connected, and each must have heard something."""
    with VoiceClock() as clock:
        status, text, log = run_load(up.url, calls=200, seconds=10)
    print(text)
    summary = json.loads(text.strip().splitlines()[-1])
    assert summary["calls"] == 200 and summary["packets_returned"] > 0, summary
    if clock.lapses == 0:
        assert status == 0, text + log
        assert summary["good"] == 200, summary
        assert summary["packets_lost_percent"] < 0.5, summary
    at_times = summary["failures"].pop("the tone came back only at times", 0)
    assert not summary["failures"] and summary["good"] + at_times == 200, summary


def run_load(url, calls, seconds):
    done = subprocess.run(
        [
            *(str(PROGRAMS / "martlet"), "load", "--url", url, "--json"),
            *("--calls", str(calls), "--seconds", str(seconds)),
        ],
        capture_output=True, text=True, timeout=seconds + 90,
    )
    return done.returncode, done.stdout, done.stderr
