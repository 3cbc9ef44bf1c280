#include "frames.h"

#include <string.h>

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0F, CONTROL = 0x08, MASKED = 0x80, LENGTH = 0x7F };
enum { LENGTH_16 = 126, LENGTH_64 = 127 };
enum { PROTOCOL_ERROR = 1002, NOT_UTF8 = 1007 };

static void fail(struct frame_reader *reader, struct frame_piece *piece, uint16_t code,
                 const char *fault)
{
    reader->ended = true;
    piece->kind = PIECE_FAULT;
    piece->code = code;
    piece->fault = fault;
}

// MARK: The header

// What is wrong with the first byte of a frame; NULL: nothing.
static const char *first_fault(const struct frame_reader *reader, uint8_t first)
{
    uint8_t opcode = first & OPCODE;
    if (first & RESERVED)
        return "a reserved bit is set, and no extension was agreed on";
    if (opcode > FRAME_PONG || (opcode > FRAME_BINARY && opcode < FRAME_CLOSE))
        return "a frame of a reserved opcode";
    if (opcode & CONTROL)
        return first & FIN ? NULL : "a control frame in fragments";
    if (opcode == FRAME_CONTINUATION)
        return reader->in_message ? NULL : "a continuation of no message";
    return reader->in_message ? "a new message within another" : NULL;
}

static const char *second_fault(const struct frame_reader *reader, uint8_t second)
{
    if (reader->of_client && !(second & MASKED))
        return "a client's frame without a mask";
    if (!reader->of_client && second & MASKED)
        return "a server's frame with a mask";
    if (reader->header[0] & CONTROL && (second & LENGTH) > FRAME_CONTROL_BYTES_MAX)
        return "a control frame of more than 125 bytes";
    return NULL;
}

static size_t length_bytes(uint8_t second)
{
    size_t length = second & LENGTH;
    return length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
}

static uint64_t payload_length(const struct frame_reader *reader)
{
    size_t count = length_bytes(reader->header[1]);
    uint64_t length = count ? 0 : reader->header[1] & LENGTH;
    for (size_t i = 0; i < count; i++)
        length = length << 8 | reader->header[2 + i];
    return length;
}

// The header is whole: what is wrong with it as a whole; NULL: nothing.
static const char *begin_payload(struct frame_reader *reader)
{
    uint64_t length = payload_length(reader);
    size_t count = length_bytes(reader->header[1]);
    if (length > INT64_MAX)
        return "a length of more than 63 bits";
    if ((count == 2 && length < LENGTH_16) || (count == 8 && length <= UINT16_MAX))
        return "a length in more bytes than it takes";
    reader->in_payload = true;
    reader->left = length;
    reader->mask_at = 0;
    reader->control_length = 0;
    uint8_t opcode = reader->header[0] & OPCODE;
    if (opcode == FRAME_TEXT || opcode == FRAME_BINARY) {
        reader->in_message = true;
        reader->is_text = opcode == FRAME_TEXT;
        reader->utf8 = (struct utf8){0};
    }
    return NULL;
}

// Takes the next byte of the header: what is wrong with it; NULL: nothing.
static const char *take_header_byte(struct frame_reader *reader, uint8_t byte)
{
    reader->header[reader->header_length++] = byte;
    if (reader->header_length == 1)
        return first_fault(reader, byte);
    const char *fault = reader->header_length == 2 ? second_fault(reader, byte) : NULL;
    size_t whole = 2 + length_bytes(reader->header[1]) + (reader->of_client ? 4 : 0);
    return fault || reader->header_length < whole ? fault : begin_payload(reader);
}

// MARK: The payload

static void unmask(struct frame_reader *reader, uint8_t *bytes, size_t length)
{
    if (!reader->of_client)
        return;
    const uint8_t *mask = reader->header + reader->header_length - 4;
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= mask[(reader->mask_at + i) & 3];
    reader->mask_at = (reader->mask_at + length) & 3;
}

static void end_frame(struct frame_reader *reader)
{
    reader->in_payload = false;
    reader->header_length = 0;
}

static void take_close(struct frame_reader *reader, struct frame_piece *piece)
{
    const uint8_t *bytes = reader->control;
    size_t length = reader->control_length;
    struct utf8 utf8 = {0};
    if (length == 1)
        return fail(reader, piece, PROTOCOL_ERROR, "a Close frame with half a code");
    piece->code = length ? (uint16_t)(bytes[0] << 8 | bytes[1]) : FRAME_NO_CODE;
    if (length && !frame_code_is_sendable(piece->code))
        return fail(reader, piece, PROTOCOL_ERROR, "a Close frame with a code that is none");
    if (length && !(utf8_take(&utf8, bytes + 2, length - 2) && utf8_is_whole(&utf8)))
        return fail(reader, piece, NOT_UTF8, "a Close frame whose reason is not UTF-8");
    reader->ended = true;
    piece->kind = PIECE_CLOSE;
    piece->bytes = length ? bytes + 2 : bytes;
    piece->length = length ? length - 2 : 0;
}

static void take_control(struct frame_reader *reader, const uint8_t *bytes, size_t length,
                         struct frame_piece *piece)
{
    memcpy(reader->control + reader->control_length, bytes, length);
    reader->control_length += (uint8_t)length;
    if (reader->left)
        return;
    uint8_t opcode = reader->header[0] & OPCODE;
    end_frame(reader);
    if (opcode == FRAME_CLOSE)
        return take_close(reader, piece);
    piece->kind = opcode == FRAME_PING ? PIECE_PING : PIECE_PONG;
    piece->bytes = reader->control;
    piece->length = reader->control_length;
}

static void take_data(struct frame_reader *reader, const uint8_t *bytes, size_t length,
                      struct frame_piece *piece)
{
    bool is_last = reader->left == 0 && reader->header[0] & FIN;
    bool is_good = !reader->is_text || utf8_take(&reader->utf8, bytes, length);
    if (!is_good || (is_last && reader->is_text && !utf8_is_whole(&reader->utf8)))
        return fail(reader, piece, NOT_UTF8, "text that is not UTF-8");
    *piece = (struct frame_piece){.kind = PIECE_DATA,
                                  .bytes = bytes,
                                  .length = length,
                                  .announced = reader->left,
                                  .is_text = reader->is_text,
                                  .is_last = is_last};
    reader->in_message = !is_last;
    if (reader->left == 0)
        end_frame(reader);
}

size_t frame_read(struct frame_reader *reader, uint8_t *bytes, size_t length,
                  struct frame_piece *piece)
{
    *piece = (struct frame_piece){.kind = PIECE_NONE};
    size_t at = 0;
    if (reader->ended)
        return length;
    while (!reader->in_payload && at < length) {
        const char *fault = take_header_byte(reader, bytes[at++]);
        if (fault) {
            fail(reader, piece, PROTOCOL_ERROR, fault);
            return at;
        }
    }
    if (!reader->in_payload)
        return at;
    // A frame that was announced is told of before any of it came: it may be too long.
    size_t here = length - at < reader->left ? length - at : (size_t)reader->left;
    unmask(reader, bytes + at, here);
    reader->left -= here;
    if (reader->header[0] & CONTROL)
        take_control(reader, bytes + at, here, piece);
    else
        take_data(reader, bytes + at, here, piece);
    return at + here;
}

// MARK: Out

size_t frame_write(uint8_t *payload, size_t length, enum frame_opcode opcode, bool is_final,
                   const uint8_t mask[4])
{
    uint8_t header[FRAME_HEADER_BYTES_MAX];
    size_t count = length < LENGTH_16 ? 0 : length <= UINT16_MAX ? 2 : 8, at = 0;
    header[at++] = (uint8_t)(opcode | (is_final ? FIN : 0));
    uint8_t second = (uint8_t)(count == 0 ? length : count == 2 ? LENGTH_16 : LENGTH_64);
    header[at++] = second | (mask ? MASKED : 0);
    for (size_t i = count; i > 0; i--)
        header[at++] = (uint8_t)((uint64_t)length >> (8 * (i - 1)));
    for (size_t i = 0; mask && i < 4; i++)
        header[at++] = mask[i];
    for (size_t i = 0; mask && i < length; i++)
        payload[i] ^= mask[i & 3];
    memcpy(payload - at, header, at);
    return at;
}

bool frame_code_is_sendable(uint16_t code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    // 1004 means nothing yet; 1005, 1006 and 1015 stand for what no frame said.
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}
