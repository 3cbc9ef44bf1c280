// The life of one DTLS connection: see CDtls.h.
#include "CDtls.h"

#include "internal.h"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    MTU_BYTES_MIN = 228,  // OpenSSL accepts no less: 256 without IP and UDP headers
    NEVER_MICROSECONDS = 3600u * 1000000,  // an hour: past any handshake
    DUE_MICROSECONDS = 1,                  // OpenSSL takes less than 15 ms for over
};

static const char cannot_create[] = "cannot create a DTLS connection";

// OpenSSL asks how long the next wait shall be; 0 means that a new flight begins.
//
// From 3.2 on its timer cannot be reached, and it repeats nothing before the real time is over,
// whatever the caller's clock says. So there each wait is over at once: as soon as a flight is out
// and nothing is there to read, OpenSSL repeats it, under fresh record numbers, until the last of
// the repetitions asks for a wait that never ends. They are kept until the caller's timer fires.
static unsigned int timer_interval(SSL *ssl, unsigned int last_us)
{
    struct dtls_connection *connection = SSL_get_ex_data(ssl, connection_index());
    if (last_us == 0)
        connection->flights++;
    if (openssl_timer_is_reachable())
        return NEVER_MICROSECONDS;
    if (last_us == 0)
        repetitions_restart(connection);
    else
        repetitions_begin_next(connection);
    return connection->repetitions.made < REPETITIONS ? DUE_MICROSECONDS : NEVER_MICROSECONDS;
}

static SSL *make_ssl(struct dtls_connection *connection)
{
    SSL *ssl = SSL_new(connection->identity->context);
    BIO *bio = datagram_bio_create(connection);
    if (!ssl || !bio || SSL_set_ex_data(ssl, connection_index(), connection) != 1) {
        BIO_free(bio);
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, connection->options.mtu);
    DTLS_set_timer_cb(ssl, timer_interval);
    if (connection->options.without_extended_master_secret)
        SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (connection->options.active)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    return ssl;
}

bool dtls_connection_restart(struct dtls_connection *connection)
{
    connection->openssl_timer = NULL;
    SSL_free(connection->ssl);
    connection->connected = connection->closed = connection->dead = false;
    connection->mismatched = false;
    connection->input_length = 0;
    connection->clear_records = 0;
    protection_forget(&connection->protection);
    dtls_connection_drop_output(connection);
    repetitions_restart(connection);
    connection->ssl = make_ssl(connection);
    // OpenSSL is not to be asked for what it has not made.
    connection->dead =
        !connection->ssl || !handshake_random_rewind(connection->random, connection->options.seed);
    return !connection->dead;
}

struct dtls_connection *dtls_connection_create(struct dtls_identity *identity,
                                               const struct dtls_options *options,
                                               char error[DTLS_ERROR_TEXT_BYTES])
{
    ERR_clear_error();
    error[0] = '\0';
    if (options->mtu < MTU_BYTES_MIN || options->mtu > DTLS_DATAGRAM_BYTES_MAX ||
        options->fingerprint_count > DTLS_FINGERPRINTS_MAX) {
        snprintf(error, DTLS_ERROR_TEXT_BYTES, "%s: an option is out of its range", cannot_create);
        return NULL;
    }
    struct dtls_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        snprintf(error, DTLS_ERROR_TEXT_BYTES, "%s: no memory", cannot_create);
        return NULL;
    }
    connection->identity = identity;
    connection->options = *options;
    connection->random = handshake_random_create();
    if (connection->random && dtls_connection_restart(connection))
        return connection;
    describe_openssl_error(cannot_create, error);
    dtls_connection_free(connection);
    return NULL;
}

void dtls_connection_free(struct dtls_connection *connection)
{
    if (!connection)
        return;
    SSL_free(connection->ssl);
    repetitions_forget(connection);
    protection_forget(&connection->protection);
    EVP_CIPHER_CTX_free(connection->random);
    OPENSSL_cleanse(connection->options.seed, sizeof connection->options.seed);
    free(connection);
}

static enum dtls_progress progress_of(const struct dtls_connection *connection)
{
    if (connection->dead)
        return DTLS_PROGRESS_FATAL;
    if (connection->closed)
        return DTLS_PROGRESS_CLOSED;
    return connection->connected ? DTLS_PROGRESS_CONNECTED : DTLS_PROGRESS_PENDING;
}

// Notes why the connection died. Before Finished nothing of what it wanted to say goes out.
static void mark_dead(struct dtls_connection *connection, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
        ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        connection->certificate_refused = true;
    describe_openssl_error(what, connection->error);
    connection->dead = true;
    connection->input_length = 0;
    if (!connection->connected)
        dtls_connection_drop_output(connection);
}

enum dtls_progress dtls_connection_drive(struct dtls_connection *connection)
{
    if (connection->connected || connection->dead)
        return progress_of(connection);
    ERR_clear_error();
    handshake_random_enter(connection->random);
    int result = SSL_do_handshake(connection->ssl);
    handshake_random_leave();
    connection->repetitions.are_written = false;
    if (result == 1) {
        connection->connected = true;
        repetitions_forget(connection);
    } else if (SSL_get_error(connection->ssl, result) != SSL_ERROR_WANT_READ) {
        mark_dead(connection, "the handshake failed");
    }
    return progress_of(connection);
}

uint32_t dtls_connection_flights(const struct dtls_connection *connection)
{
    return connection->flights;
}

bool dtls_connection_timer_is_armed(const struct dtls_connection *connection)
{
    struct timeval left;
    return !connection->dead && DTLSv1_get_timeout(connection->ssl, &left) == 1;
}

enum dtls_progress dtls_connection_fire_timer(struct dtls_connection *connection)
{
    if (!dtls_connection_timer_is_armed(connection))
        return progress_of(connection);
    ERR_clear_error();
    if (!openssl_timer_is_reachable()) {
        if (!repetitions_send_next(connection))
            mark_dead(connection, "the peer did not answer");
        return progress_of(connection);
    }
    if (connection->openssl_timer) {  // one second after 1970: due by any clock
        connection->openssl_timer->tv_sec = 1;
        connection->openssl_timer->tv_usec = 0;
    }
    handshake_random_enter(connection->random);
    long result = DTLSv1_handle_timeout(connection->ssl);
    handshake_random_leave();
    if (result < 0)
        mark_dead(connection, "the peer did not answer");
    return progress_of(connection);
}

// By the short names of OpenSSL's states: their numbers are others from 3.2 on, and what was
// compiled for one release may run on another. A name tells the step that was taken last: TR and
// TW are reads and writes; the same names serve both ends, and `active` tells them apart.
static const struct {
    char name[6];
    enum dtls_expected passive;
    enum dtls_expected active;
} states[] = {
    {"PINIT", DTLS_EXPECTS_CLIENT_HELLO, DTLS_EXPECTS_NOTHING},
    {"TWSD", DTLS_EXPECTS_CERTIFICATE, DTLS_EXPECTS_NOTHING},
    {"TRCC", DTLS_EXPECTS_CLIENT_KEY_EXCHANGE, DTLS_EXPECTS_NOTHING},
    {"TRCKE", DTLS_EXPECTS_CERTIFICATE_VERIFY, DTLS_EXPECTS_NOTHING},
    {"TRCV", DTLS_EXPECTS_CHANGE_CIPHER_SPEC, DTLS_EXPECTS_NOTHING},
    {"TRCCS", DTLS_EXPECTS_FINISHED, DTLS_EXPECTS_FINISHED},
    {"TWCH", DTLS_EXPECTS_NOTHING, DTLS_EXPECTS_SERVER_HELLO},
    {"TRSH", DTLS_EXPECTS_NOTHING, DTLS_EXPECTS_CERTIFICATE},
    {"TRSC", DTLS_EXPECTS_NOTHING, DTLS_EXPECTS_SERVER_KEY_EXCHANGE},
    {"TRSKE", DTLS_EXPECTS_NOTHING, DTLS_EXPECTS_CERTIFICATE_REQUEST},
    {"TRCR", DTLS_EXPECTS_NOTHING, DTLS_EXPECTS_SERVER_HELLO_DONE},
    {"TWFIN", DTLS_EXPECTS_NOTHING, DTLS_EXPECTS_CHANGE_CIPHER_SPEC},
};

enum dtls_expected dtls_connection_expects(const struct dtls_connection *connection)
{
    if (connection->connected || connection->dead)
        return DTLS_EXPECTS_NOTHING;
    const char *name = SSL_state_string(connection->ssl);
    size_t length = strcspn(name, " ");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strlen(states[i].name) == length && memcmp(states[i].name, name, length) == 0)
            return connection->options.active ? states[i].active : states[i].passive;
    return DTLS_EXPECTS_NOTHING;
}

bool dtls_connection_certificate_refused(const struct dtls_connection *connection)
{
    return connection->certificate_refused;
}

bool dtls_connection_certificate_mismatched(const struct dtls_connection *connection)
{
    return connection->dead && connection->mismatched;
}

void dtls_connection_tolerate_mismatch(struct dtls_connection *connection, bool tolerates)
{
    connection->tolerates_mismatch = tolerates;
}

bool dtls_connection_has_extended_master_secret(const struct dtls_connection *connection)
{
    return connection->connected && SSL_get_extms_support(connection->ssl) == 1;
}

bool dtls_connection_certificate_matches(const struct dtls_connection *connection)
{
    X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
    return certificate && certificate_matches(certificate, connection->options.fingerprints,
                                              connection->options.fingerprint_count);
}

const char *dtls_connection_error(const struct dtls_connection *connection)
{
    return connection->error;
}

static void master_of(uint8_t *master, const uint8_t *key, size_t key_bytes, const uint8_t *salt,
                      size_t salt_bytes)
{
    memcpy(master, key, key_bytes);
    memcpy(master + key_bytes, salt, salt_bytes);
}

bool dtls_connection_export_srtp(struct dtls_connection *connection,
                                 struct dtls_srtp_masters *masters)
{
    memset(masters, 0, sizeof *masters);
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(connection->ssl);
    if (!connection->connected || !profile)
        return false;
    size_t key = 16;
    size_t salt = profile->id == SRTP_AEAD_AES_128_GCM ? 12 : 14;
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t material[2 * DTLS_SRTP_MASTER_BYTES_MAX];
    if (SSL_export_keying_material(connection->ssl, material, 2 * (key + salt), label,
                                   sizeof label - 1, NULL, 0, 0) != 1)
        return false;
    masters->profile = (uint16_t)profile->id;
    masters->master_bytes = (uint16_t)(key + salt);
    master_of(masters->client, material, key, material + 2 * key, salt);
    master_of(masters->server, material + key, key, material + 2 * key + salt, salt);
    OPENSSL_cleanse(material, sizeof material);
    return true;
}

size_t dtls_connection_read(struct dtls_connection *connection, void *bytes, size_t capacity)
{
    if (!connection->connected || connection->dead || connection->closed)
        return 0;
    ERR_clear_error();
    int count = SSL_read(connection->ssl, bytes, capacity > INT32_MAX ? INT32_MAX : (int)capacity);
    if (count > 0)
        return (size_t)count;
    switch (SSL_get_error(connection->ssl, count)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        connection->closed = true;
        break;
    default:
        mark_dead(connection, "the association failed");
    }
    return 0;
}

bool dtls_connection_write(struct dtls_connection *connection, const void *bytes, size_t length)
{
    if (progress_of(connection) != DTLS_PROGRESS_CONNECTED || length == 0 ||
        length > DTLS_DATAGRAM_BYTES_MAX)
        return false;
    ERR_clear_error();
    return SSL_write(connection->ssl, bytes, (int)length) == (int)length;
}

void dtls_connection_shutdown(struct dtls_connection *connection)
{
    if (progress_of(connection) != DTLS_PROGRESS_CONNECTED)
        return;
    ERR_clear_error();
    SSL_shutdown(connection->ssl);
}
