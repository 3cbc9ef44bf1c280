"""The WebSocket server: who may connect, how many, how long; one session for each connection."""

import asyncio
import contextlib
import http
import logging
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from .events import Event, identifier, text_of
from .recogniser import Recogniser
from .session import Bounds, Session
from .voice_activity import VoiceActivity

PATH = "/v1/realtime"
MESSAGE_BYTES_MAX = 21 * 1024 * 1024
"""Room for 15 MiB of audio in base64, which is what the API allows."""
CLOSE_TIMED_OUT = 1001


def log(event: str, **facts: object) -> None:
    """One line on standard error, like the programs'."""
    print(event, *(f"{name}={value}" for name, value in facts.items()), file=sys.stderr, flush=True)


@dataclass
class Agent:
    """What all sessions share."""

    recogniser: Recogniser
    sessions_max: int
    bounds: Bounds = field(default_factory=Bounds)
    _sessions: int = 0

    async def listen(self, host: str, port: int) -> Server:
        """Listens; pages of other sites are kept out, since a browser names its page's origin."""
        quiet = logging.getLogger("martlet.agent.websockets")
        quiet.setLevel(logging.CRITICAL)
        return await serve(
            *(self._serve, host, port),
            process_request=self._admit,
            origins=[None],
            compression=None,
            max_size=MESSAGE_BYTES_MAX,
            max_queue=4,
            server_header="martlet-agent",
            logger=quiet,
        )

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"the agent is at {PATH}\n")
        if self._sessions >= self.sessions_max:
            log("session-refused", sessions=self._sessions)
            return connection.respond(
                http.HTTPStatus.SERVICE_UNAVAILABLE, "the agent has as many calls as it may have\n"
            )
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        if self._sessions >= self.sessions_max:
            await connection.close(1013, "too many sessions")
            return
        self._sessions += 1
        started = time.monotonic()
        name = identifier("sess")
        reason = "client-closed"
        try:
            async with asyncio.timeout(self.bounds.session_seconds):
                await self._converse(connection, name)
        except TimeoutError:
            reason = "too-long"
            with contextlib.suppress(ConnectionClosed):
                await connection.close(CLOSE_TIMED_OUT, "the session has lasted its time")
        except ConnectionClosed:
            reason = "connection-lost"
        finally:
            self._sessions -= 1
            seconds = round(time.monotonic() - started, 1)
            log("session-ended", id=name, reason=reason, seconds=seconds)

    async def _converse(self, connection: ServerConnection, name: str) -> None:
        headers = connection.request.headers if connection.request else {}
        speaks_older = "realtime=v1" in headers.get("OpenAI-Beta", "")

        async def send(event: Event) -> None:
            text = text_of(event, speaks_older)
            if text is not None:
                await connection.send(text)

        activity = await asyncio.to_thread(VoiceActivity)
        session = Session(name, self.recogniser, activity, send, self.bounds)
        log("session-started", id=name, sessions=self._sessions)
        try:
            await session.start()
            async for message in connection:
                await session.receive(message)
        finally:
            await session.close()
