"""One client's session: its events in, ours out."""

import asyncio
import base64
import binascii
import datetime
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from . import skills
from .audio import RATE
from .conversation import Conversation, Item, item_from
from .events import Event, Problem, identifier, parsed
from .hearing import Hearing, SpeechStarted, SpeechStopped
from .recogniser import Recogniser, RecognitionFailed
from .response import Response, Send
from .settings import Settings, changed, speaks
from .transcriber import Transcriber
from .voice_activity import VoiceActivity

TURNS_WAITING_MAX = 4
"""Turns that wait for their recognition at once; the eldest is given up for a fifth."""


@dataclass(frozen=True)
class Bounds:
    """What the agent's owner allows a session, and the time that it tells there."""

    lead_seconds: float = 10.0
    session_seconds: float = 3600.0
    clock: datetime.time | None = None
    """The time of day that it tells; None is the machine's."""

    def now(self) -> datetime.datetime:
        now = datetime.datetime.now().astimezone()
        return now if self.clock is None else datetime.datetime.combine(now, self.clock)


class Session:
    """The owner calls `start`, then `receive` for each message, and `close` at the end."""

    def __init__(
        self,
        name: str,
        recogniser: Recogniser,
        activity: VoiceActivity,
        send: Send,
        bounds: Bounds,
    ) -> None:
        self.id = name
        self._recogniser = recogniser
        self._send = send
        self._bounds = bounds
        self._settings = Settings()
        self._conversation = Conversation()
        self._hearing = Hearing(recogniser, activity, self._settings.input)
        self._hearing.set_turns(self._settings.turns)
        self._started = time.monotonic()
        self._speech_item: str | None = None
        self._texts: dict[str, asyncio.Task[None]] = {}
        self._response: Response | None = None
        self._response_task: asyncio.Task[None] | None = None
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            "session.update": self._session_update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._item_create,
            "conversation.item.retrieve": self._item_retrieve,
            "conversation.item.delete": self._item_delete,
            "conversation.item.truncate": self._item_truncate,
            "response.create": self._response_create,
            "response.cancel": self._response_cancel,
        }

    async def start(self) -> None:
        await self._send({"type": "session.created", "session": self._session()})

    async def receive(self, message: str | bytes) -> None:
        """Whatever it is: what cannot be carried out is answered with an `error` event."""
        event_id: object = None
        try:
            event = parsed(message)
            event_id = event.get("event_id")
            name = event.get("type")
            handler = self._handlers.get(name) if isinstance(name, str) else None
            if handler is None:
                raise Problem("unknown_event", f"no such event: {str(name)[:80]!r}", "type")
            await handler(event)
        except Problem as problem:
            await self._send(problem.as_event(event_id))

    async def close(self) -> None:
        """Stops everything that runs for the session."""
        self._hearing.clear()
        tasks = [task for task in (*self._texts.values(), self._response_task) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _session(self) -> dict[str, Any]:
        return {"id": self.id, **self._settings.as_json()}

    # Settings

    async def _session_update(self, event: Event) -> None:
        self._settings = changed(self._settings, event.get("session"))
        self._hearing.set_format(self._settings.input)
        self._hearing.set_turns(self._settings.turns)
        await self._send({"type": "session.updated", "session": self._session()})

    # What the user says

    async def _append(self, event: Event) -> None:
        audio = event.get("audio")
        if not isinstance(audio, str):
            raise Problem("invalid_value", "audio is a text in base64", "audio")
        try:
            data = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Problem("invalid_value", f"audio is not base64: {error}", "audio") from error
        for piece in self._hearing.slices(data):
            for change in self._hearing.hear(piece):
                if isinstance(change, SpeechStarted):
                    await self._speech_started(change)
                else:
                    await self._speech_stopped(change)
            await asyncio.sleep(0)

    async def _speech_started(self, change: SpeechStarted) -> None:
        self._speech_item = identifier("item")
        place = {"audio_start_ms": change.milliseconds, "item_id": self._speech_item}
        await self._send({"type": "input_audio_buffer.speech_started", **place})
        if self._settings.turns and self._settings.turns.interrupts_response:
            await self._cancel_response("turn_detected")

    async def _speech_stopped(self, change: SpeechStopped) -> None:
        item_id = self._speech_item or identifier("item")
        place = {"audio_end_ms": change.milliseconds, "item_id": item_id}
        await self._send({"type": "input_audio_buffer.speech_stopped", **place})
        await self._committed(item_id, change.turn)
        if self._settings.turns and self._settings.turns.creates_response:
            if self._response_is_running():
                return
            await self._respond(self._settings.speaks)

    async def _commit(self, _: Event) -> None:
        await self._committed(self._speech_item or identifier("item"), self._hearing.commit())

    async def _clear(self, _: Event) -> None:
        self._hearing.clear()
        self._speech_item = None
        await self._send({"type": "input_audio_buffer.cleared"})

    async def _committed(self, item_id: str, turn: Transcriber) -> None:
        self._speech_item = None
        previous = self._conversation.last_id()
        place = {"previous_item_id": previous, "item_id": item_id}
        await self._send({"type": "input_audio_buffer.committed", **place})
        item = Item(item_id, "user", "input_audio")
        await self._add(item)
        if len(self._texts) >= TURNS_WAITING_MAX:
            self._texts.pop(next(iter(self._texts))).cancel()
        self._texts[item_id] = asyncio.create_task(self._transcribe(item, turn))

    async def _transcribe(self, item: Item, turn: Transcriber) -> None:
        """Finds the words of a turn; none when there are none or the recognition failed."""
        name = "conversation.item.input_audio_transcription"
        place = {"item_id": item.id, "content_index": 0}
        try:
            item.text = skills.chosen(await turn.finish())
            if self._settings.transcribes:
                usage = {"type": "duration", "seconds": round(turn.samples / RATE, 2)}
                await self._send({"type": f"{name}.delta", **place, "delta": item.text})
                done = {"transcript": item.text, "usage": usage}
                await self._send({"type": f"{name}.completed", **place, **done})
        except RecognitionFailed as error:
            problem = {"type": "server_error", "code": "recognition", "message": str(error)}
            await self._send({"type": f"{name}.failed", **place, "error": problem})
        except asyncio.CancelledError:
            turn.abandon()
            raise
        finally:
            self._texts.pop(item.id, None)

    # The conversation

    async def _add(self, item: Item) -> None:
        added = self._conversation.add(item)
        await self._send({"type": "conversation.item.added", **added})
        await self._send({"type": "conversation.item.done", **added})

    async def _item_create(self, event: Event) -> None:
        await self._add(item_from(event))

    async def _item_retrieve(self, event: Event) -> None:
        item = self._conversation.find(event.get("item_id"))
        await self._send({"type": "conversation.item.retrieved", "item": item.as_json()})

    async def _item_delete(self, event: Event) -> None:
        self._conversation.delete(event.get("item_id"))
        await self._send({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    async def _item_truncate(self, event: Event) -> None:
        end = self._conversation.truncate(event)
        place = {"item_id": event["item_id"], "content_index": 0, "audio_end_ms": end}
        await self._send({"type": "conversation.item.truncated", **place})

    # What the agent says

    async def _response_create(self, event: Event) -> None:
        if self._response_is_running():
            raise Problem(
                "conversation_already_has_active_response",
                "the conversation already has an active response",
            )
        wanted = event.get("response") or {}
        if not isinstance(wanted, dict):
            raise Problem("invalid_value", "response must be an object", "response")
        modalities = wanted.get("output_modalities", wanted.get("modalities"))
        is_spoken = self._settings.speaks
        if modalities is not None:
            is_spoken = speaks(modalities, "response.output_modalities")
        await self._respond(is_spoken)

    async def _response_cancel(self, event: Event) -> None:
        wanted = event.get("response_id")
        response = self._response
        if not self._response_is_running() or (wanted and response and wanted != response.id):
            raise Problem("response_cancel_not_active", "no such response is being made")
        await self._cancel_response("client_cancelled")

    def _response_is_running(self) -> bool:
        return self._response_task is not None and not self._response_task.done()

    async def _respond(self, is_spoken: bool) -> None:
        settings = self._settings
        response = Response(self._conversation, settings.output, settings.voice, is_spoken)
        self._response = response
        await self._send({"type": "response.created", "response": response.as_json()})
        self._response_task = asyncio.create_task(
            response.run(self._answer, self._send, self._bounds.lead_seconds)
        )

    async def _cancel_response(self, reason: str) -> None:
        if not self._response_is_running():
            return
        assert self._response and self._response_task
        self._response_task.cancel()
        await asyncio.wait({self._response_task})
        if not self._response_task.cancelled() and self._response_task.exception():
            return
        details: dict[str, object] = {"type": "cancelled", "reason": reason}
        await self._response.end(self._send, "cancelled", details)

    async def _answer(self) -> str:
        """What to say now. Waits for the words of a turn that is still being recognised."""
        question = self._conversation.question()
        if question is None:
            return skills.GREETING
        waiting = self._texts.get(question.id)
        if waiting is not None:
            await asyncio.wait({waiting})
        question.answered = True
        facts = skills.Facts(
            now=self._bounds.now(),
            call_seconds=time.monotonic() - self._started,
            heard_before=self._conversation.heard_before(question),
        )
        return skills.answer(question.text or "", facts)
