#include <string.h>

#include "socket.h"

// The length of the sequence that begins with `lead`; 0 when none does.
static size_t sequence_length(uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

// The second byte of each sequence is what rules out overlong forms, surrogates, and what lies
// beyond U+10FFFF.
static bool is_good_second(uint8_t lead, uint8_t second)
{
    switch (lead) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return second >= 0x80 && second <= 0xBF;
    }
}

static size_t ascii_prefix(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    uint64_t eight;
    while (length - at >= sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if (eight & 0x8080808080808080)
            break;
        at += sizeof eight;
    }
    while (at < length && bytes[at] < 0x80)
        at++;
    return at;
}

bool utf8_is_valid(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while ((at += ascii_prefix(bytes + at, length - at)) < length) {
        size_t count = sequence_length(bytes[at]);
        if (count == 0 || count > length - at || !is_good_second(bytes[at], bytes[at + 1]))
            return false;
        for (size_t i = 2; i < count; i++) {
            if ((bytes[at + i] & 0xC0) != 0x80)
                return false;
        }
        at += count;
    }
    return true;
}
