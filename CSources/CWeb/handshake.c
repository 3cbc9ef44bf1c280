#include "handshake.h"

#include <libwebsockets.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { NONCE_BYTES = 16, GUID_BYTES = 36 };

struct handshake {
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];  // what the server has to answer
    char *protocols;                          // those that are offered; NULL: none
    char *reply;
    size_t reply_length;
    size_t request_length, request_capacity;
    char request[];  // LWS_PRE, then the bytes
};

// MARK: The request

void handshake_accept(const char key[HANDSHAKE_KEY_BYTES], char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    unsigned char joined[HANDSHAKE_KEY_BYTES + GUID_BYTES], digest[SHA_DIGEST_LENGTH];
    memcpy(joined, key, HANDSHAKE_KEY_BYTES);
    memcpy(joined + HANDSHAKE_KEY_BYTES, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", GUID_BYTES);
    SHA1(joined, sizeof joined, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
}

static bool make_key(char key[HANDSHAKE_KEY_BYTES + 1], char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    unsigned char nonce[NONCE_BYTES];
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        return false;
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
    handshake_accept(key, accept);
    return true;
}

// Appends to the request, which has room for it.
static void append(struct handshake *handshake, const char *name, const char *value)
{
    char *end = handshake->request + LWS_PRE + handshake->request_length;
    size_t room = handshake->request_capacity - handshake->request_length;
    handshake->request_length += (size_t)snprintf(end, room, "%s: %s\r\n", name, value);
}

static size_t request_bytes_max(const struct ws_target *target)
{
    size_t length = 256 + strlen(target->path) + strlen(target->host);
    length += target->protocols ? strlen(target->protocols) + 32 : 0;
    for (uint32_t i = 0; i < target->field_count; i++)
        length += strlen(target->fields[i].name) + strlen(target->fields[i].value) + 4;
    return length;
}

struct handshake *handshake_create(const struct ws_target *target)
{
    size_t capacity = request_bytes_max(target);
    struct handshake *handshake = calloc(1, sizeof *handshake + LWS_PRE + capacity);
    char key[HANDSHAKE_KEY_BYTES + 1];
    if (!handshake || !make_key(key, handshake->accept) ||
        (target->protocols && !(handshake->protocols = strdup(target->protocols)))) {
        handshake_free(handshake);
        return NULL;
    }
    handshake->request_capacity = capacity;
    handshake->request_length = (size_t)snprintf(handshake->request + LWS_PRE, capacity,
                                                 "GET %s HTTP/1.1\r\n", target->path);
    append(handshake, "Host", target->host);
    append(handshake, "Upgrade", "websocket");
    append(handshake, "Connection", "Upgrade");
    append(handshake, "Sec-WebSocket-Key", key);
    append(handshake, "Sec-WebSocket-Version", "13");
    if (target->protocols)
        append(handshake, "Sec-WebSocket-Protocol", target->protocols);
    for (uint32_t i = 0; i < target->field_count; i++)
        append(handshake, target->fields[i].name, target->fields[i].value);
    memcpy(handshake->request + LWS_PRE + handshake->request_length, "\r\n", 2);
    handshake->request_length += 2;
    return handshake;
}

void handshake_free(struct handshake *handshake)
{
    if (!handshake)
        return;
    explicit_bzero(handshake->request, LWS_PRE + handshake->request_capacity);
    if (handshake->protocols)
        explicit_bzero(handshake->protocols, strlen(handshake->protocols));
    free(handshake->protocols);
    free(handshake->reply);
    free(handshake);
}

uint8_t *handshake_request(struct handshake *handshake, size_t *length)
{
    *length = handshake->request_length;
    return (uint8_t *)handshake->request + LWS_PRE;
}

// MARK: The reply

// How many fields have that name, and where the last of them has its value. `lines` are those
// behind the status line.
static uint32_t find(const char *lines, const char *name, const char **value)
{
    size_t length = strlen(name);
    uint32_t count = 0;
    for (const char *line = lines; *line; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        count++;
        *value = line + length + 1;
    }
    return count;
}

// The value of the only field of that name, without the blanks around it, in `value`; false: there
// is none, there are several, or it is too long.
static bool field(const char *lines, const char *name, char *value, size_t capacity)
{
    const char *start = NULL;
    if (find(lines, name, &start) != 1)
        return false;
    start += strspn(start, " \t");
    size_t length = (size_t)(strstr(start, "\r\n") - start);
    while (length && strchr(" \t", start[length - 1]))
        length--;
    if (length >= capacity)
        return false;
    memcpy(value, start, length);
    value[length] = 0;
    return true;
}

// Whether the comma-separated `list` holds `word`; in any case, if `in_any_case`.
static bool holds(const char *list, const char *word, bool in_any_case)
{
    size_t length = strlen(word);
    while (*list) {
        list += strspn(list, " \t,");
        size_t here = strcspn(list, " \t,");
        if (here == length &&
            (in_any_case ? !strncasecmp(list, word, length) : !strncmp(list, word, length)))
            return true;
        list += here;
    }
    return false;
}

// What is wrong with a reply of 101; NULL: nothing.
static const char *fault(const struct handshake *handshake, const char *lines)
{
    char value[256];
    if (!field(lines, "Upgrade", value, sizeof value) || strcasecmp(value, "websocket") != 0)
        return "it upgraded to no WebSocket";
    if (!field(lines, "Connection", value, sizeof value) || !holds(value, "upgrade", true))
        return "its upgrade is not the connection's";
    if (!field(lines, "Sec-WebSocket-Accept", value, sizeof value) ||
        strcmp(value, handshake->accept) != 0)
        return "its answer is not to the key that was sent";
    const char *found = NULL;
    if (find(lines, "Sec-WebSocket-Extensions", &found) > 0)
        return "it wants an extension that was not offered";
    if (find(lines, "Sec-WebSocket-Protocol", &found) == 0)
        return NULL;
    bool is_offered = field(lines, "Sec-WebSocket-Protocol", value, sizeof value) &&
                      handshake->protocols && holds(handshake->protocols, value, false);
    return is_offered ? NULL : "it wants a subprotocol that was not offered";
}

// The status of `HTTP/1.1 101 Switching Protocols`; 0: it is no such line.
static uint16_t status_of(const char *reply)
{
    if (strncmp(reply, "HTTP/1.", 7) != 0 || !strchr("01", reply[7]) || reply[8] != ' ')
        return 0;
    if (strspn(reply + 9, "0123456789") != 3 || !strchr(" \r", reply[12]))
        return 0;
    return (uint16_t)atoi(reply + 9);
}

static enum handshake_verdict judge(const struct handshake *handshake, uint16_t *status,
                                    const char **reason)
{
    *status = status_of(handshake->reply);
    *reason = *status ? "it answered with another status than 101" : "its answer is not HTTP";
    if (*status != 101)
        return HANDSHAKE_REFUSED;
    *reason = fault(handshake, strstr(handshake->reply, "\r\n") + 2);
    return *reason ? HANDSHAKE_REFUSED : HANDSHAKE_AGREED;
}

enum handshake_verdict handshake_take(struct handshake *handshake, const uint8_t *bytes,
                                      size_t length, size_t *used, uint16_t *status,
                                      const char **reason)
{
    *status = 0;
    *reason = "its answer is too long";
    size_t before = handshake->reply_length, room = HANDSHAKE_REPLY_BYTES_MAX - before;
    size_t taken = length < room ? length : room;
    char *larger = realloc(handshake->reply, before + taken + 1);
    if (!larger) {
        *reason = "no memory for its answer";
        return HANDSHAKE_REFUSED;
    }
    handshake->reply = larger;
    memcpy(larger + before, bytes, taken);
    handshake->reply_length += taken;
    larger[handshake->reply_length] = 0;
    // Frames may follow at once, with any bytes in them.
    char *end = strstr(larger, "\r\n\r\n");
    if (!end && strlen(larger) < handshake->reply_length)
        *reason = "its answer is not HTTP";
    if (!end)
        return taken < length || strlen(larger) < handshake->reply_length ? HANDSHAKE_REFUSED
                                                                          : HANDSHAKE_WANTS_MORE;
    end[2] = 0;  // each line keeps its end
    *used = (size_t)(end + 4 - larger) - before;
    return judge(handshake, status, reason);
}
