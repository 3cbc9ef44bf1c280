// The messages of a socket that wait to leave, first in, first out.
#pragma once

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_block;

// A message on its way out. libwebsockets writes its header in front of the bytes.
struct waiting_message {
    struct waiting_message *next;
    struct message_block *block;  // whose memory it is; NULL: its own
    size_t length, sent;
    bool is_text;
    uint8_t space[];  // LWS_PRE, then the bytes
};

// All zero at first.
struct message_queue {
    struct waiting_message *first, *last;
    struct message_block *block;  // the newest
    size_t bytes;  // what waits, with what each message takes beside: an empty one takes memory too
};

// Copies a message to the end. False: no memory.
bool queue_append(struct message_queue *queue, const uint8_t *bytes, size_t length, bool is_text);
// Frees the first message; there must be one.
void queue_drop_first(struct message_queue *queue);
