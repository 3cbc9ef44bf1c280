// For tests: a DTLS 1.2 peer of another maker, plain OpenSSL with habits that our end has not.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAIN_PEER_DIGEST_BYTES = 32 };

struct plain_peer_habits {
    bool active;
    bool asks_for_certificate;  // as a server; RFC 5246, section 7.4.4
    bool shows_certificate;     // as a client
    bool asks_for_cookie;       // as a server; RFC 6347, section 4.2.1
    bool knows_srtp;            // RFC 5764
    bool binds_keys;            // RFC 7627
    const char *suites;         // by OpenSSL's names; ALL for all
};

struct plain_peer;

// NULL on failure. Makes a key of its own. Takes any certificate of the other end.
struct plain_peer *plain_peer_create(const struct plain_peer_habits *habits);
void plain_peer_free(struct plain_peer *peer);
// SHA-256 of its certificate.
void plain_peer_digest(const struct plain_peer *peer, uint8_t digest[PLAIN_PEER_DIGEST_BYTES]);
// Begins, or goes on after a datagram (NULL: none).
void plain_peer_drive(struct plain_peer *peer, const void *datagram, size_t length);
// One record to send; 0 when there is none.
size_t plain_peer_next_record(struct plain_peer *peer, void *bytes, size_t capacity);
bool plain_peer_is_connected(const struct plain_peer *peer);
// It gave up, or was told of the end.
bool plain_peer_is_dead(const struct plain_peer *peer);
size_t plain_peer_read(struct plain_peer *peer, void *bytes, size_t capacity);
bool plain_peer_write(struct plain_peer *peer, const void *bytes, size_t length);
// Queues close_notify.
void plain_peer_close(struct plain_peer *peer);
// Writes a record with any content, sealed with this peer's key: what only it can say, and no
// honest one does. Suites with AES_128_GCM_SHA256 only. Its length, `length` + 37; 0 on failure.
size_t plain_peer_seal(struct plain_peer *peer, uint8_t type, uint32_t number, const void *content,
                       size_t length, void *bytes);

// The version of the OpenSSL that is loaded, as `3.0.19`.
const char *plain_peer_library_version(void);
