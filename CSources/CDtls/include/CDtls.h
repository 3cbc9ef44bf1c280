// DTLS 1.2 with use_srtp (RFC 6347, RFC 5764) over OpenSSL: one datagram in, some datagrams out,
// a timer that the caller owns. No socket, no clock: the caller brings both.
//
// Two things here are unusual, and both serve the same end: a handshake that a forged datagram
// has killed can be played again from its start, up to the datagram before the forged one.
//   * Randomness of a handshake comes from a keystream under the connection's own 32-byte seed, so
//     a handshake that is fed the same datagrams again sends the same messages again.
//   * OpenSSL's retransmission timer is armed and stopped by OpenSSL, but fires when the caller
//     says so, because the caller's clock may be a simulated one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DTLS_SEED_BYTES = 32,
    DTLS_DIGEST_BYTES_MAX = 64,
    DTLS_FINGERPRINTS_MAX = 8,
    DTLS_DATAGRAM_BYTES_MAX = 2048,
    DTLS_SRTP_MASTER_BYTES_MAX = 30,
    DTLS_ERROR_TEXT_BYTES = 160,
};

// A certificate's hash as SDP names it (RFC 8122, section 5). SHA-1 and older are left out.
enum dtls_hash {
    DTLS_HASH_SHA256 = 0,
    DTLS_HASH_SHA384 = 1,
    DTLS_HASH_SHA512 = 2,
};

struct dtls_fingerprint {
    uint32_t hash;  // enum dtls_hash
    uint8_t digest[DTLS_DIGEST_BYTES_MAX];
};

// Bytes of the digest, 0 for an unknown hash.
size_t dtls_hash_bytes(uint32_t hash);

// A private key (ECDSA, P-256), its self-signed certificate, and the context both live in.
// Created once and shared by the connections of one process; safe to use from several threads.
struct dtls_identity;

// A fresh identity, or NULL with a sentence in `error`. Allocates.
struct dtls_identity *dtls_identity_create(char error[DTLS_ERROR_TEXT_BYTES]);
void dtls_identity_free(struct dtls_identity *identity);
// Writes the certificate's digest; the number of bytes, 0 on failure.
size_t dtls_identity_digest(const struct dtls_identity *identity, uint32_t hash,
                            uint8_t digest[DTLS_DIGEST_BYTES_MAX]);

// One end of one handshake and of the association that follows. One thread at a time.
struct dtls_connection;

struct dtls_options {
    bool active;   // sends the ClientHello (RFC 5763, a=setup:active)
    uint16_t mtu;  // largest datagram to send, 228...DTLS_DATAGRAM_BYTES_MAX
    uint8_t seed[DTLS_SEED_BYTES];
    struct dtls_fingerprint fingerprints[DTLS_FINGERPRINTS_MAX];  // the peer's; any one must match
    uint32_t fingerprint_count;
    bool without_extended_master_secret;  // as peers of before RFC 7627; for tests
};

// NULL with a sentence in `error` when memory is short or an option is out of its range.
struct dtls_connection *dtls_connection_create(struct dtls_identity *identity,
                                               const struct dtls_options *options,
                                               char error[DTLS_ERROR_TEXT_BYTES]);
void dtls_connection_free(struct dtls_connection *connection);

// Throws the handshake away and stands at its beginning again, with the same randomness to come.
// What was queued to be sent is dropped. False when memory is short.
bool dtls_connection_restart(struct dtls_connection *connection);

// What became of a record that was given.
enum dtls_admission {
    DTLS_ADMISSION_TAKEN = 0,     // the next drive or read reads it
    DTLS_ADMISSION_UNFIT = 1,     // too long or too short to be a record
    DTLS_ADMISSION_EARLY = 2,     // protected, and the handshake does not read such yet
    DTLS_ADMISSION_FORGED = 3,    // protected, and its tag does not hold
    DTLS_ADMISSION_REPLAYED = 4,  // protected; its number was used, or is too old to know
};

// Gives the one record that the next drive reads.
//
// One in the clear is numbered anew: OpenSSL keeps a replay window over numbers that nobody signed,
// so a forged high one would shut the honest out. A protected one (epoch 1) reaches OpenSSL only
// when its tag holds, its number is new and it says anything: OpenSSL errs over mere warnings and
// empty records. That costs one AEAD opening of its bytes, none when it is too short or replayed.
enum dtls_admission dtls_connection_give(struct dtls_connection *connection, const void *record,
                                         size_t length);

// The last alert that came in a protected record whose tag holds, other warnings left out.
enum dtls_alert {
    DTLS_ALERT_NONE = 0,
    DTLS_ALERT_CLOSE = 1,  // close_notify
    DTLS_ALERT_FATAL = 2,
};

enum dtls_alert dtls_connection_alert(const struct dtls_connection *connection);

enum dtls_progress {
    DTLS_PROGRESS_PENDING = 0,    // more datagrams or time are needed
    DTLS_PROGRESS_CONNECTED = 1,  // both Finished messages are verified
    DTLS_PROGRESS_CLOSED = 2,     // the peer said close_notify, under the keys
    DTLS_PROGRESS_FATAL = 3,      // this handshake or association is dead
};

// Hands the given record (or none) to the handshake. After it, dtls_connection_read does.
enum dtls_progress dtls_connection_drive(struct dtls_connection *connection);

// Next datagram to send: its length, or 0 when there is none. One that does not fit is dropped.
size_t dtls_connection_next_datagram(struct dtls_connection *connection, void *bytes,
                                     size_t capacity);
void dtls_connection_drop_output(struct dtls_connection *connection);

// How often the timer has been armed for a new flight since creation; it wraps.
uint32_t dtls_connection_flights(const struct dtls_connection *connection);
bool dtls_connection_timer_is_armed(const struct dtls_connection *connection);
// The armed timer is due: sends the flight again.
enum dtls_progress dtls_connection_fire_timer(struct dtls_connection *connection);

// What the handshake reads next.
enum dtls_expected {
    DTLS_EXPECTS_NOTHING = 0,  // idle, dead, or connected
    DTLS_EXPECTS_CLIENT_HELLO,
    DTLS_EXPECTS_CERTIFICATE,
    DTLS_EXPECTS_CLIENT_KEY_EXCHANGE,
    DTLS_EXPECTS_CERTIFICATE_VERIFY,
    DTLS_EXPECTS_SERVER_HELLO,  // or HelloVerifyRequest
    DTLS_EXPECTS_SERVER_KEY_EXCHANGE,
    DTLS_EXPECTS_CERTIFICATE_REQUEST,
    DTLS_EXPECTS_SERVER_HELLO_DONE,
    DTLS_EXPECTS_CHANGE_CIPHER_SPEC,
    DTLS_EXPECTS_FINISHED,
};

enum dtls_expected dtls_connection_expects(const struct dtls_connection *connection);
// The last fatal error was the peer's certificate: no fingerprint matched it, or there was none.
bool dtls_connection_certificate_refused(const struct dtls_connection *connection);
// This handshake died over a certificate that none of the fingerprints matches.
bool dtls_connection_certificate_mismatched(const struct dtls_connection *connection);
// Whether from the next restart on a certificate that no fingerprint matches lets the handshake go
// on: to see whether the peer holds its key. Such a handshake is for looking at only.
void dtls_connection_tolerate_mismatch(struct dtls_connection *connection, bool tolerates);
// The keys of a connected association are bound to its handshake (RFC 7627).
bool dtls_connection_has_extended_master_secret(const struct dtls_connection *connection);
// The peer's certificate carries one of the expected fingerprints. False before it is known.
bool dtls_connection_certificate_matches(const struct dtls_connection *connection);
// A sentence on the last fatal error, empty when there was none.
const char *dtls_connection_error(const struct dtls_connection *connection);

struct dtls_srtp_masters {
    uint16_t profile;                            // IANA's number, 0 when none was negotiated
    uint16_t master_bytes;                       // key and salt together
    uint8_t client[DTLS_SRTP_MASTER_BYTES_MAX];  // what the client writes with: key, then salt
    uint8_t server[DTLS_SRTP_MASTER_BYTES_MAX];
};

// Exports the SRTP keys of a connected association (RFC 5764, section 4.2). False on failure.
bool dtls_connection_export_srtp(struct dtls_connection *connection,
                                 struct dtls_srtp_masters *masters);

// Next application datagram of the given record: its length, 0 when there is no more.
size_t dtls_connection_read(struct dtls_connection *connection, void *bytes, size_t capacity);
// Queues one application datagram. False when the association cannot send it.
bool dtls_connection_write(struct dtls_connection *connection, const void *bytes, size_t length);
// Queues close_notify; only after connecting, so that nothing goes out in the clear.
void dtls_connection_shutdown(struct dtls_connection *connection);
