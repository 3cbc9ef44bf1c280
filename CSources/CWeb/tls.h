// TLS for a client's connection, over bytes that somebody else carries.
//
// libwebsockets 4.1 has it for its own WebSockets only: for a connection of bytes it begins TLS
// before there is a connection.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_authorities;
struct tls;

// Whom to trust: the authorities of a file (PEM) and no other, or those of the system (NULL). NULL:
// the file cannot be used, or there is no memory.
struct tls_authorities *tls_authorities_create(const char *ca_file);
void tls_authorities_free(struct tls_authorities *authorities);

// A connection to `host`, a name or an IP address, which the certificate has to be for. NULL: no
// memory.
struct tls *tls_create(struct tls_authorities *authorities, const char *host);
// NULL is allowed.
void tls_free(struct tls *tls);

// Takes bytes that came. False: no memory.
bool tls_feed(struct tls *tls, const uint8_t *bytes, size_t length);

enum tls_progress { TLS_WANTS_MORE, TLS_HAS_BYTES, TLS_ENDED, TLS_FAILED };

// Goes on with what was fed; also begins the handshake. With bytes: `length` of them were put into
// `bytes`, and there may be more.
enum tls_progress tls_read(struct tls *tls, uint8_t *bytes, size_t capacity, size_t *length);
// Whether the handshake is over and the certificate is good.
bool tls_is_open(const struct tls *tls);
// Encrypts. False: it failed.
bool tls_write(struct tls *tls, const uint8_t *bytes, size_t length);
// What has to leave; `length` is 0 when nothing has. It lives until the next call, and is taken to
// be sent with tls_sent.
uint8_t *tls_waiting(struct tls *tls, size_t *length);
void tls_sent(struct tls *tls);

// Why it failed, for people.
const char *tls_fault(const struct tls *tls);
