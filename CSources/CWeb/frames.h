// The frames of WebSockets (RFC 6455, section 5): what comes in is cut into pieces and judged, what
// goes out gets its header. Holds no connection, no clock, and no memory but its own structs.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "utf8.h"

enum {
    FRAME_HEADER_BYTES_MAX = 14,
    FRAME_CONTROL_BYTES_MAX = 125,
    FRAME_NO_CODE = 1005,  // of a Close frame that names none
};

enum frame_opcode {
    FRAME_CONTINUATION = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10,
};

enum piece_kind {
    PIECE_NONE,   // it takes more bytes to know anything
    PIECE_DATA,   // a part of a message
    PIECE_CLOSE,  // these three: a whole control frame
    PIECE_PING,
    PIECE_PONG,
    PIECE_FAULT,  // the peer broke the protocol: the connection has to be failed (section 7.1.7)
};

// What was found. `bytes` lives until the reader is used again.
struct frame_piece {
    enum piece_kind kind;
    const uint8_t *bytes;  // of data, unmasked; of a Ping or Pong; the reason of a Close
    size_t length;
    uint64_t announced;  // data: how much more of its frame is to come
    bool is_text;        // data: valid UTF-8 so far
    bool is_last;        // data: the message is whole with this
    uint16_t code;       // of the Close that came, or that is to be sent for a fault
    const char *fault;   // for people: what was wrong
};

// What came of the frame under way. All 0 at first, but for `of_client`.
struct frame_reader {
    bool of_client;  // who writes: clients mask their frames, servers never do (section 5.1)
    bool ended;      // a Close or a fault was found: what comes after is skipped
    bool in_message, is_text;
    struct utf8 utf8;
    uint8_t header[FRAME_HEADER_BYTES_MAX];
    uint8_t header_length;
    bool in_payload;
    uint64_t left;  // of the payload
    uint8_t mask_at;
    uint8_t control[FRAME_CONTROL_BYTES_MAX];
    uint8_t control_length;
};

// Looks at bytes that came, and finds one piece in them at most. Gives how many of them that took;
// all when it is PIECE_NONE. Data is unmasked where it lies.
size_t frame_read(struct frame_reader *reader, uint8_t *bytes, size_t length,
                  struct frame_piece *piece);

// Writes the header of a frame into the bytes in front of `payload`; gives how long it is, at most
// FRAME_HEADER_BYTES_MAX. With a mask, masks the payload too.
size_t frame_write(uint8_t *payload, size_t length, enum frame_opcode opcode, bool is_final,
                   const uint8_t mask[4]);

// Whether a Close frame may name this code (sections 7.4.1 and 7.4.2, and IANA's registry).
bool frame_code_is_sendable(uint16_t code);
