// What the files of CDtls share among themselves.
#pragma once

#include "CDtls.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum {
    OUTPUT_BYTES = 8192,
    REPETITIONS = 12,           // of one flight; at the next OpenSSL gives up
    REPETITIONS_BYTES = 12288,  // half as much again as ours take in the smallest datagrams
};

struct dtls_identity {
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *context;
};

// Datagrams waiting to be sent, each behind its two-byte length. A datagram that finds no room is
// lost, as one that finds a full socket buffer is: DTLS repeats what matters.
struct datagram_queue {
    uint32_t head;
    uint32_t tail;
    uint8_t bytes[OUTPUT_BYTES];
};

// Repetitions of the flight that waits for its answer, made in advance: only with OpenSSL 3.2 and
// later. Each is an empty datagram for a mark and those of the flight, kept as in the queue. When
// memory is short there are none, as if each were lost.
struct repetitions {
    uint8_t *bytes;  // REPETITIONS_BYTES until connected, or NULL
    uint32_t head;
    uint32_t tail;
    uint32_t made;
    uint32_t sent;
    bool are_written;  // what OpenSSL writes now is one of them
};

// What opens the peer's protected records: keys, and the numbers that have been used.
struct protection {
    EVP_CIPHER_CTX *opener;  // NULL until the keys are there
    uint32_t explicit_nonce_bytes;
    uint8_t iv[12];
    uint64_t newest;
    uint64_t seen;  // bit N: the record N before the newest; 0: none yet
    enum dtls_alert alert;
    bool says_nothing;  // the record admitted last: a mere warning, or empty; OpenSSL errs over it
};

struct dtls_connection {
    SSL *ssl;
    struct dtls_identity *identity;
    EVP_CIPHER_CTX *random;  // the handshake's keystream
    struct dtls_options options;
    struct timeval *openssl_timer;  // inside ssl; only with OpenSSL before 3.2
    uint32_t flights;
    bool connected;
    bool closed;
    bool dead;
    bool certificate_refused;
    bool mismatched;  // what this handshake died over
    bool tolerates_mismatch;
    char error[DTLS_ERROR_TEXT_BYTES];
    uint64_t clear_records;  // given to ssl so far
    struct protection protection;
    uint32_t input_length;
    uint8_t input[DTLS_DATAGRAM_BYTES_MAX];
    struct datagram_queue output;
    struct repetitions repetitions;
};

// random.c
bool handshake_random_install(void);
EVP_CIPHER_CTX *handshake_random_create(void);
bool handshake_random_rewind(EVP_CIPHER_CTX *keystream, const uint8_t seed[DTLS_SEED_BYTES]);
// Between these two calls, what OpenSSL draws on this thread comes from `keystream`.
void handshake_random_enter(EVP_CIPHER_CTX *keystream);
void handshake_random_leave(void);

// identity.c
void describe_openssl_error(const char *what, char error[DTLS_ERROR_TEXT_BYTES]);
bool certificate_matches(X509 *certificate, const struct dtls_fingerprint *fingerprints,
                         uint32_t count);
int connection_index(void);  // where an SSL keeps its dtls_connection

// protection.c
// Whether a whole protected record may be given to `ssl`, which has begun to read protected ones.
enum dtls_admission protection_admit(struct protection *protection, SSL *ssl, bool peer_is_server,
                                     const uint8_t *record, size_t length);
void protection_forget(struct protection *protection);

// datagrams.c
BIO *datagram_bio_create(struct dtls_connection *connection);
bool openssl_timer_is_reachable(void);
void repetitions_begin_next(struct dtls_connection *connection);
// Queues the next one to be sent. False when all have been.
bool repetitions_send_next(struct dtls_connection *connection);
// Drops what there is, for another flight; the memory stays.
void repetitions_restart(struct dtls_connection *connection);
// Gives the memory back too.
void repetitions_forget(struct dtls_connection *connection);
