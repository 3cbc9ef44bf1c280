"""The items of one conversation: what was said, by whom, and what of it was heard."""

from dataclasses import dataclass, field
from typing import Any

from .events import Event, Problem, identifier

ITEMS_MAX = 200
"""Of a longer conversation the oldest items are forgotten."""
TEXT_CHARACTERS_MAX = 4000


@dataclass
class Item:
    """One message. A user's audio itself is not kept, only its transcript."""

    id: str
    role: str
    kind: str
    text: str | None = None
    status: str = "completed"
    audio_milliseconds: float = 0.0
    answered: bool = field(default=False, compare=False)

    def content(self) -> dict[str, object]:
        if self.kind.endswith("audio"):
            return {"type": self.kind, "transcript": self.text}
        return {"type": self.kind, "text": self.text or ""}

    def as_json(self) -> dict[str, Any]:
        has_content = self.role != "assistant" or self.text is not None
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": [self.content()] if has_content else [],
        }


class Conversation:
    """Items in their order; bounded."""

    def __init__(self) -> None:
        self.id = identifier("conv")
        self._items: dict[str, Item] = {}

    def add(self, item: Item) -> Event:
        """Appends an item; returns the event that says so, without its type."""
        previous = next(reversed(self._items), None)
        self._items[item.id] = item
        while len(self._items) > ITEMS_MAX:
            del self._items[next(iter(self._items))]
        return {"previous_item_id": previous, "item": item.as_json()}

    def last_id(self) -> str | None:
        return next(reversed(self._items), None)

    def find(self, item_id: object) -> Item:
        found = self._items.get(item_id) if isinstance(item_id, str) else None
        if found is None:
            raise Problem("item_not_found", "no item of the conversation has this ID", "item_id")
        return found

    def delete(self, item_id: object) -> None:
        del self._items[self.find(item_id).id]

    def question(self) -> Item | None:
        """The user's last message, unless it is answered already."""
        for item in reversed(self._items.values()):
            if item.role == "user":
                return None if item.answered else item
        return None

    def heard_before(self, question: Item | None) -> str:
        """What the user said last, before the question."""
        for item in reversed(self._items.values()):
            if item.role == "user" and item is not question and item.text:
                return item.text
        return ""

    def truncate(self, event: Event) -> int:
        """Forgets what of an answer was not heard; returns the milliseconds that were."""
        item = self.find(event.get("item_id"))
        if item.role != "assistant" or item.kind != "output_audio":
            raise Problem("invalid_value", "only the agent's audio can be truncated", "item_id")
        if event.get("content_index", 0) != 0:
            raise Problem("invalid_value", "the item has one part, number 0", "content_index")
        end = event.get("audio_end_ms")
        if isinstance(end, bool) or not isinstance(end, int) or end < 0:
            raise Problem("invalid_value", "audio_end_ms is a whole number from 0", "audio_end_ms")
        if end > item.audio_milliseconds + 1:
            raise Problem(
                "invalid_value",
                f"the audio of {item.audio_milliseconds:.0f} ms is shorter than {end} ms",
                "audio_end_ms",
            )
        item.audio_milliseconds = end
        item.text = ""
        return end


def item_from(event: Event) -> Item:
    """The text message in a `conversation.item.create`."""
    given = event.get("item")
    if not isinstance(given, dict) or given.get("type", "message") != "message":
        raise Problem("invalid_value", "only messages can be added", "item.type")
    role = given.get("role", "user")
    if role not in ("user", "assistant", "system"):
        raise Problem("invalid_value", "a role is user, assistant or system", "item.role")
    parts = given.get("content")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Problem("invalid_value", "content is a list of parts", "item.content")
    texts = [part.get("text", part.get("transcript")) for part in parts]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise Problem("invalid_value", "only text can be added", "item.content")
    text = " ".join(texts)
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Problem("invalid_value", f"at most {TEXT_CHARACTERS_MAX} characters", "item.content")
    given_id = given.get("id", identifier("item"))
    if not isinstance(given_id, str) or not 0 < len(given_id) <= 64:
        raise Problem("invalid_value", "an ID is a text of 1 to 64 characters", "item.id")
    kind = "output_text" if role == "assistant" else "input_text"
    return Item(given_id, role, kind, text)
