#include "utf8.h"

#include <string.h>

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

// Begins a character of several bytes. The range of the second is what rules out overlong forms,
// surrogates, and what lies beyond U+10FFFF.
static bool begin(struct utf8 *utf8, uint8_t lead)
{
    if (lead < 0xC2 || lead > 0xF4)
        return false;
    utf8->left = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    utf8->low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    utf8->high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return true;
}

bool utf8_take(struct utf8 *utf8, const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if (utf8->left) {
            if (bytes[at] < utf8->low || bytes[at] > utf8->high)
                return false;
            utf8->left--;
            utf8->low = 0x80;
            utf8->high = 0xBF;
            at++;
            continue;
        }
        at += ascii_prefix(bytes + at, length - at);
        if (at < length && !begin(utf8, bytes[at++]))
            return false;
    }
    return true;
}

bool utf8_is_whole(const struct utf8 *utf8)
{
    return utf8->left == 0;
}

size_t utf8_prefix(const uint8_t *bytes, size_t length, size_t most)
{
    if (length <= most)
        return length;
    size_t cut = most;
    while (cut > 0 && (bytes[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}
