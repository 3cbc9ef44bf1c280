"""The words of the OpenAI Realtime events: identifiers, errors, and the names that older clients
know."""

import json
import secrets
from typing import Any

Event = dict[str, Any]

OLDER_NAMES = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
"""What a client gets that connects with `OpenAI-Beta: realtime=v1`."""
NEWER_ONLY = frozenset({"conversation.item.done"})


class Problem(Exception):
    """A client's event that cannot be carried out; it becomes an `error` event."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param

    def as_event(self, event_id: object) -> Event:
        return {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "code": self.code,
                "message": str(self),
                "param": self.param,
                "event_id": event_id if isinstance(event_id, str) else None,
            },
        }


def identifier(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(10)}"


def parsed(message: str | bytes) -> Event:
    """The event in a WebSocket message."""
    if isinstance(message, bytes):
        raise Problem("invalid_message", "events are text messages; this one was binary")
    try:
        event = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Problem("invalid_json", f"this message is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise Problem("invalid_message", "an event is a JSON object")
    return event


def text_of(event: Event, speaks_older: bool) -> str | None:
    """The event as it goes over the wire, or nothing when the client does not know such events."""
    name = event["type"]
    if speaks_older:
        if name in NEWER_ONLY:
            return None
        name = OLDER_NAMES.get(name, name)
    return json.dumps({**event, "type": name, "event_id": identifier("event")})
