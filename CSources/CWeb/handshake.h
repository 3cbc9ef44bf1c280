// A WebSocket's opening handshake (RFC 6455, section 4): the client's half of it, and a server's
// answer to a key.
#pragma once

#include "ws_client.h"

enum { HANDSHAKE_FIELDS_MAX = 16, HANDSHAKE_REPLY_BYTES_MAX = 16384 };

enum { HANDSHAKE_KEY_BYTES = 24, HANDSHAKE_ACCEPT_BYTES = 28 };

// What a server has to answer to a client's key, as text.
void handshake_accept(const char key[HANDSHAKE_KEY_BYTES], char accept[HANDSHAKE_ACCEPT_BYTES + 1]);

// A handshake under way. Its request may hold a key, so it is wiped when it is freed.
struct handshake;

// Writes the request for `target`. NULL: no memory, or no randomness.
struct handshake *handshake_create(const struct ws_target *target);
// Forgets it. NULL is allowed.
void handshake_free(struct handshake *handshake);

// The request's bytes, with LWS_PRE free bytes in front of them.
uint8_t *handshake_request(struct handshake *handshake, size_t *length);

enum handshake_verdict { HANDSHAKE_WANTS_MORE, HANDSHAKE_AGREED, HANDSHAKE_REFUSED };

// Takes bytes of the reply. Agreed: `used` of them belonged to it, the rest are frames. Refused:
// `status` is what the server said (0: no HTTP), `reason` a sentence.
enum handshake_verdict handshake_take(struct handshake *handshake, const uint8_t *bytes,
                                      size_t length, size_t *used, uint16_t *status,
                                      const char **reason);
