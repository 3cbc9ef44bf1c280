#include "chunks.h"

#include <stdbool.h>

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_text(uint8_t byte)
{
    return is_blank(byte) || (byte > ' ' && byte != 0x7F);
}

// The states of a chunk's first line. False: this byte cannot stand there.
static bool take_size(struct chunks *chunks, uint8_t byte)
{
    int digit = digit_of(byte);
    switch (chunks->state) {
    case CHUNK_SIZE_BEGINS:
    case CHUNK_SIZE:
        if (digit >= 0) {
            chunks->left = chunks->left << 4 | (uint64_t)digit;
            chunks->state = CHUNK_SIZE;
            return true;
        }
        if (chunks->state == CHUNK_SIZE_BEGINS)
            return false;
        [[fallthrough]];
    case CHUNK_SIZE_BLANK:
        chunks->state = byte == '\r'  ? CHUNK_SIZE_LF
                        : byte == ';' ? CHUNK_EXTENSION
                                      : CHUNK_SIZE_BLANK;
        return byte == '\r' || byte == ';' || is_blank(byte);
    case CHUNK_EXTENSION:
        if (byte == '\r')
            chunks->state = CHUNK_SIZE_LF;
        return byte == '\r' || is_text(byte);
    default:
        chunks->state = chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_BEGINS;
        return byte == '\n';
    }
}

// The states behind a chunk's data and behind the last chunk. False as above.
static bool take_end(struct chunks *chunks, uint8_t byte)
{
    switch (chunks->state) {
    case CHUNK_DATA_CR:
        chunks->state = CHUNK_DATA_LF;
        return byte == '\r';
    case CHUNK_DATA_LF:
        chunks->state = CHUNK_SIZE_BEGINS;
        return byte == '\n';
    case CHUNK_TRAILER_BEGINS:
        chunks->state = byte == '\r' ? CHUNK_LAST_LF : CHUNK_TRAILER;
        return byte == '\r' || (is_text(byte) && !is_blank(byte));
    case CHUNK_TRAILER:
        if (byte == '\r')
            chunks->state = CHUNK_TRAILER_LF;
        return byte == '\r' || is_text(byte);
    case CHUNK_TRAILER_LF:
        chunks->state = CHUNK_TRAILER_BEGINS;
        return byte == '\n';
    default:
        return byte == '\n';
    }
}

enum chunk_step chunks_next(struct chunks *chunks, const uint8_t **at, const uint8_t *end,
                            size_t most, const uint8_t **data, size_t *length)
{
    while (*at < end) {
        if (chunks->state == CHUNK_DATA) {
            size_t here = (size_t)(end - *at);
            *length = here < chunks->left ? here : (size_t)chunks->left;
            *data = *at;
            *at += *length;
            chunks->left -= *length;
            chunks->total += *length;
            if (chunks->left == 0)
                chunks->state = CHUNK_DATA_CR;
            return CHUNKS_HAVE_DATA;
        }
        bool is_last = chunks->state == CHUNK_LAST_LF;
        bool is_size = chunks->state < CHUNK_DATA;
        uint8_t byte = *(*at)++;
        if (!(is_size ? take_size(chunks, byte) : take_end(chunks, byte)))
            return CHUNKS_BROKEN;
        if (is_last)
            return CHUNKS_END;
        if (chunks->left > most - chunks->total ||
            ++chunks->extra > CHUNKS_EXTRA_BYTES_MAX + 8 * chunks->total)
            return CHUNKS_TOO_LONG;
    }
    return CHUNKS_WANT_MORE;
}
