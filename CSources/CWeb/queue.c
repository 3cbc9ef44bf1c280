#include "queue.h"

#include <stdlib.h>
#include <string.h>

// Memory for many messages of one queue, large enough for malloc to take it from the system and to
// give it back as a whole (cm_set_up keeps the mark there). What a socket whose peer does not read
// piles up would stay with the process for good in small pieces, between others that live on.
struct message_block {
    size_t bytes, used;
    size_t living;  // messages in it
};

enum {
    ALIGNMENT = 16,
    BLOCK_BYTES = 131072,
    // Of a queue that its peer reads: a few messages, too short-lived to pay for a block.
    PLAIN_BYTES_MAX = 65536,
};

static size_t rounded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct message_block *block_create(size_t wanted)
{
    size_t bytes = rounded(sizeof(struct message_block)) + wanted;
    if (bytes < BLOCK_BYTES)
        bytes = BLOCK_BYTES;
    struct message_block *block = malloc(bytes);
    if (!block)
        return NULL;
    *block = (struct message_block){.bytes = bytes, .used = rounded(sizeof(struct message_block))};
    return block;
}

// The newest block takes one more message, or a new one does: older blocks only empty.
static struct waiting_message *take_from_block(struct message_queue *queue, size_t bytes)
{
    bytes = rounded(bytes);
    if (!queue->block || queue->block->bytes - queue->block->used < bytes) {
        struct message_block *block = block_create(bytes);
        if (!block)
            return NULL;
        queue->block = block;
    }
    struct waiting_message *message = (void *)((uint8_t *)queue->block + queue->block->used);
    queue->block->used += bytes;
    queue->block->living++;
    *message = (struct waiting_message){.block = queue->block};
    return message;
}

static size_t cost(const struct waiting_message *message)
{
    return sizeof *message + LWS_PRE + message->length;
}

bool queue_append(struct message_queue *queue, const uint8_t *bytes, size_t length, bool is_text)
{
    size_t wanted = sizeof(struct waiting_message) + LWS_PRE + length;
    bool is_plain = queue->bytes + wanted <= PLAIN_BYTES_MAX;
    struct waiting_message *message = is_plain ? calloc(1, wanted) : take_from_block(queue, wanted);
    if (!message)
        return false;
    message->length = length;
    message->is_text = is_text;
    if (length)
        memcpy(message->space + LWS_PRE, bytes, length);
    if (queue->last)
        queue->last->next = message;
    else
        queue->first = message;
    queue->last = message;
    queue->bytes += cost(message);
    return true;
}

void queue_drop_first(struct message_queue *queue)
{
    struct waiting_message *message = queue->first;
    queue->first = message->next;
    if (!queue->first)
        queue->last = NULL;
    queue->bytes -= cost(message);
    struct message_block *block = message->block;
    if (!block) {
        free(message);
    } else if (--block->living == 0) {
        if (queue->block == block)
            queue->block = NULL;
        free(block);
    }
}
