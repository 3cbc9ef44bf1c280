"""The agent's command line. It needs nothing but Python, so that it can be read first: who asks for
help, or mistypes, waits for no packages."""

import argparse
import datetime
import os
from collections.abc import Callable


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/agent/agent",
        allow_abbrev=False,
        description="A voice agent that works offline. It speaks the OpenAI Realtime events over a "
        "WebSocket, understands English and tells, among other things, the time.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port",
        type=_within(0, 65535),
        default=8765,
        help="port; 0 takes a free one (%(default)s)",
    )
    parser.add_argument(
        "--sessions",
        type=_within(1, 1000),
        default=16,
        help="calls at once; one more is refused with 503 (%(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=_within(1, 64),
        default=min(4, os.cpu_count() or 1),
        help="threads that recognise speech (%(default)s)",
    )
    parser.add_argument(
        "--lead-seconds",
        type=_within(1, 30),
        default=10,
        help="how far an answer may be ahead of its listener (%(default)s)",
    )
    parser.add_argument(
        "--clock",
        type=_clock_time,
        metavar="HH:MM",
        help="the time of day that it tells, whatever it is (the machine's)",
    )
    return parser.parse_args(arguments)


def _within(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


def _clock_time(text: str) -> datetime.time:
    try:
        return datetime.datetime.strptime(text, "%H:%M").time()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 00:00 to 23:59") from error


if __name__ == "__main__":
    options()
