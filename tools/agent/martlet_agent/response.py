"""One answer, from the words to `response.done`."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy

from .audio import RATE, AudioFormat, Resampler, Samples
from .conversation import Conversation, Item
from .events import Event, identifier
from .speaker import SpeechFailed, clauses, speech

Send = Callable[[Event], Awaitable[None]]
CHUNK_MILLISECONDS = 100


class Response:
    """Says a text that is known, or still being found out, until it is said or cancelled."""

    def __init__(
        self, conversation: Conversation, form: AudioFormat, voice: str, speaks: bool
    ) -> None:
        self.id = identifier("resp")
        self.status = "in_progress"
        self._details: dict[str, object] | None = None
        self._conversation = conversation
        self._form = form
        self._voice = voice
        kind = "output_audio" if speaks else "output_text"
        self._item = Item(identifier("item"), "assistant", kind, status="in_progress")
        self._item_is_out = False
        self._speaks = speaks

    def as_json(self) -> dict[str, Any]:
        output = {"format": self._form.as_json(), "voice": self._voice}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self._details,
            "output": [self._item.as_json()] if self._item_is_out else [],
            "conversation_id": self._conversation.id,
            "output_modalities": ["audio" if self._speaks else "text"],
            "max_output_tokens": "inf",
            "audio": {"output": output},
            "usage": None,
            "metadata": None,
        }

    async def run(
        self, answer: Callable[[], Awaitable[str]], send: Send, lead_seconds: float
    ) -> None:
        """Cancelling the task that runs it stops it within one chunk; `end` then says so."""
        try:
            text = await answer()
            await self._open(send)
            if self._speaks:
                await self._speak(text, send, lead_seconds)
            else:
                await self._write(text, send)
        except SpeechFailed as error:
            await self.end(send, "failed", {"type": "failed", "error": {"message": str(error)}})
            return
        await self.end(send, "completed", None)

    async def end(self, send: Send, status: str, details: dict[str, object] | None) -> None:
        """Closes what is open, from the inside out."""
        if self.status != "in_progress":
            return
        self.status = status
        self._details = details
        if self._item_is_out:
            await self._close(send, "completed" if status == "completed" else "incomplete")
        await send({"type": "response.done", "response": self.as_json()})

    async def _open(self, send: Send) -> None:
        added = self._conversation.add(self._item)
        self._item_is_out = True
        place = {"response_id": self.id, "output_index": 0}
        opened = {**place, "item": self._item.as_json()}
        await send({"type": "response.output_item.added", **opened})
        await send({"type": "conversation.item.added", **added})
        self._item.text = ""
        await send({"type": "response.content_part.added", **self._place(), "part": self._part()})

    async def _close(self, send: Send, status: str) -> None:
        item, place = self._item, self._place()
        item.status = status
        if self._speaks:
            await send({"type": "response.output_audio.done", **place})
            name = "response.output_audio_transcript.done"
            await send({"type": name, **place, "transcript": item.text})
        else:
            await send({"type": "response.output_text.done", **place, "text": item.text})
        await send({"type": "response.content_part.done", **place, "part": self._part()})
        done = {"response_id": self.id, "output_index": 0, "item": item.as_json()}
        await send({"type": "response.output_item.done", **done})
        await send({"type": "conversation.item.done", "item": item.as_json()})

    async def _write(self, text: str, send: Send) -> None:
        self._item.text = text
        await send({"type": "response.output_text.delta", **self._place(), "delta": text})

    async def _speak(self, text: str, send: Send, lead_seconds: float) -> None:
        """Faster than real time, but never more than the lead ahead of a listener."""
        resampler = Resampler(RATE, self._form.rate)
        started = time.monotonic()
        pieces = clauses(text)
        for number, piece in enumerate(pieces):
            samples = await speech(piece, self._voice)
            said = piece if number == 0 else f" {piece}"
            self._item.text = (self._item.text or "") + said
            name = "response.output_audio_transcript.delta"
            await send({"type": name, **self._place(), "delta": said})
            is_last = number == len(pieces) - 1
            for chunk in self._chunks(resampler.push(samples, is_last)):
                ahead = self._item.audio_milliseconds / 1000 - (time.monotonic() - started)
                await asyncio.sleep(max(0.0, ahead - lead_seconds))
                await self._send_audio(chunk, send)

    async def _send_audio(self, chunk: Samples, send: Send) -> None:
        data = self._form.encoded(chunk)
        self._item.audio_milliseconds += self._form.milliseconds(len(data))
        delta = base64.b64encode(data).decode()
        await send({"type": "response.output_audio.delta", **self._place(), "delta": delta})

    def _chunks(self, samples: Samples) -> list[Samples]:
        step = self._form.rate * CHUNK_MILLISECONDS // 1000
        return [
            numpy.ascontiguousarray(samples[start : start + step])
            for start in range(0, len(samples), step)
        ]

    def _place(self) -> dict[str, object]:
        return {
            "response_id": self.id,
            "item_id": self._item.id,
            "output_index": 0,
            "content_index": 0,
        }

    def _part(self) -> dict[str, object]:
        if self._speaks:
            return {"type": "audio", "transcript": self._item.text}
        return {"type": "text", "text": self._item.text}
