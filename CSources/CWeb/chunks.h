// A body that comes in chunks (RFC 9112, section 7.1). Pure.
//
// Not http-parser's: as Debian builds it, it takes any byte for the LF of a chunk's line. Here each
// line ends with CRLF and nothing else; extensions and trailers are read and forgotten.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CHUNKS_EXTRA_BYTES_MAX = 16384 };

enum chunk_state {
    CHUNK_SIZE_BEGINS,
    CHUNK_SIZE,
    CHUNK_SIZE_BLANK,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_BEGINS,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF,
};

struct chunks {
    enum chunk_state state;
    uint64_t left;   // of the chunk
    uint64_t total;  // of data
    // Bytes that are not data: at most CHUNKS_EXTRA_BYTES_MAX and eight for each byte of data, so
    // that chunks of one byte are in order and a body of nothing but extensions is not.
    uint64_t extra;
};

enum chunk_step {
    CHUNKS_WANT_MORE,
    CHUNKS_HAVE_DATA,
    CHUNKS_END,
    CHUNKS_BROKEN,
    CHUNKS_TOO_LONG,
};

// Goes on from `*at`, at most to `end`, and moves `*at`; `length` bytes of data are at `*data` when
// there are some. A chunk that would make the body longer than `most` is too long at once.
enum chunk_step chunks_next(struct chunks *chunks, const uint8_t **at, const uint8_t *end,
                            size_t most, const uint8_t **data, size_t *length);
