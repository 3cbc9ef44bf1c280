"""The agent's command line."""

import argparse
import asyncio
import contextlib
import datetime
import errno
import os
import shutil
import signal
import sys
from collections.abc import Callable

from .recogniser import Recogniser
from .server import PATH, Agent
from .session import Bounds


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/agent/agent",
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


async def run(chosen: argparse.Namespace) -> None:
    """Serves until a signal ends it. The one line on standard output says that it is ready."""
    recogniser = await asyncio.to_thread(Recogniser, chosen.threads)
    bounds = Bounds(lead_seconds=chosen.lead_seconds, clock=chosen.clock)
    agent = Agent(recogniser, chosen.sessions, bounds)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await agent.listen(chosen.host, chosen.port)
    host, port = server.sockets[0].getsockname()[:2]
    place = f"[{host}]" if ":" in host else host
    print(f"martlet agent is ready: ws://{place}:{port}{PATH}", flush=True)
    try:
        await stop.wait()
    finally:
        server.close()
        await server.wait_closed()
        recogniser.close()


def main() -> int:
    chosen = options()
    if shutil.which("flite") is None:
        return _refused("flite, the speech synthesiser, is missing: apt-get install flite")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(chosen))
    except OSError as error:
        reason = "somebody listens there already" if error.errno == errno.EADDRINUSE else error
        return _refused(f"cannot listen on {chosen.host} port {chosen.port}: {reason}")
    except RuntimeError as error:
        return _refused(str(error))
    return 0


def _refused(reason: str) -> int:
    print(f"martlet agent: {reason}", file=sys.stderr)
    return 1


sys.exit(main())
