"""libnice calls no loopback address: `martlet up` offers the machine's own behind a wildcard."""

import pathlib
import subprocess

from martlet import HOST, PROGRAMS

CALL = pathlib.Path(__file__).with_name("libnice_call.py")
HTTP = "127.0.0.1:8090"


def test_a_wildcard_offers_an_address_that_libnice_can_call():
    command = [str(PROGRAMS / "martlet"), "up", "--http", HTTP, "--media", "0.0.0.0:3490"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as up:
        try:
            said = [up.stdout.readline(), up.stdout.readline()]
            # libnice takes only what comes after the candidates of both ends; 60 s is no measure.
            url = f"http://{HTTP}/v1/realtime/calls"
            call = subprocess.run(
                ["/usr/bin/python3", str(CALL), url, "60"],
                capture_output=True,
                text=True,
                timeout=90,
            )
        finally:
            up.terminate()
    print(said, call.stdout, call.stderr)
    assert said[0].startswith(f"voice goes to {HOST}:3490, 127.0.0.1:3490 ")
    assert said[1] == f"martlet is ready: http://{HTTP}\n"
    assert f" {HOST} 3490 typ host" in call.stdout
    assert call.returncode == 0
