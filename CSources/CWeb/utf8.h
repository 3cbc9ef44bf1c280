// UTF-8 (RFC 3629), looked at as it comes: no surrogates, nothing overlong or beyond U+10FFFF.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where a text is in the middle of a character; all 0 between two.
struct utf8 {
    uint8_t left;       // bytes of the character that are to come
    uint8_t low, high;  // what the next of them may be
};

// Takes the next bytes of a text. False with the first byte that no valid text could go on with.
bool utf8_take(struct utf8 *utf8, const uint8_t *bytes, size_t length);
// Whether the text may end here.
bool utf8_is_whole(const struct utf8 *utf8);

// How much of the text `most` bytes hold without the cut being within a character.
size_t utf8_prefix(const uint8_t *bytes, size_t length, size_t most);
