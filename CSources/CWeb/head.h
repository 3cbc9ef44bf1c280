// The head of a request: its line and fields (RFC 9112, sections 2, 3 and 5). Pure.
//
// http-parser reads it, and leaves to us where it is lenient. Whatever two readers could take for
// two different requests is refused here: bare CR and LF, folded lines, blanks before a colon,
// lengths that differ or stand beside a transfer coding.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAD_BYTES_MAX = 16384,  // request line and all fields; secrets are long
    HEAD_FIELDS_MAX = 100,
};

// Why a request is refused without a handler being asked: what the error in the reply says.
struct fault {
    uint16_t status;
    const char *code;
    const char *message;
};

// A piece of somebody else's bytes, without an end mark.
struct text {
    const char *at;
    size_t length;
};

struct head_field {
    struct text name, value;  // the value without blanks at its ends
};

struct head {
    const char *method;
    struct text target;
    bool is_old;  // HTTP/1.0
    bool keeps_alive;
    bool is_chunked;
    uint64_t length;  // of the body, if it is not chunked
    uint32_t field_count;
    struct head_field fields[HEAD_FIELDS_MAX];
};

// How far the bytes of a head have been looked at.
struct head_scan {
    size_t seen, line_start;
};

enum head_progress { HEAD_PARTIAL, HEAD_WHOLE, HEAD_BROKEN };

// Looks at the bytes that are new since the last time: `bytes` holds all of them, from the request
// line on. A head that is whole ends at `scan->seen`.
enum head_progress head_look(struct head_scan *scan, const uint8_t *bytes, size_t length);

// Reads a whole head; everything in `head` points into `bytes`. NULL: it is good.
const struct fault *head_read(struct head *head, const char *bytes, size_t length);

// The number of fields of that name (in lower case), and the first one's value.
uint32_t head_find(const struct head *head, const char *name, struct text *value);
// Whether a field of that name is a comma-separated list (RFC 9110, section 5.6.1) with `word` in
// it, in any case.
bool head_lists(const struct head *head, const char *name, const char *word);

bool text_is(struct text text, const char *other);  // in any case
bool list_holds(struct text list, const char *word, bool in_any_case);
