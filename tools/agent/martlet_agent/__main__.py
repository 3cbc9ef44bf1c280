"""The agent as a program."""

import argparse
import asyncio
import contextlib
import errno
import shutil
import signal
import sys

from .command_line import options
from .recogniser import Recogniser
from .server import PATH, Agent
from .session import Bounds


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
