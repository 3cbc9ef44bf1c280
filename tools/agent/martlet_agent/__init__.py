"""A voice agent that works offline and speaks the OpenAI Realtime events over a WebSocket."""
