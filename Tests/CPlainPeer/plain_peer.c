#include "CPlainPeer.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>
#include <openssl/srtp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum {
    MTU_BYTES = 1200,
    RECORD_HEADER_BYTES = 13,
    COOKIE_BYTES = 20,
    KEY_BYTES = 16,
    SALT_BYTES = 4,
    NUMBER_BYTES = 8,
    TAG_BYTES = 16,
    RANDOM_BYTES = 32,
    LABEL_BYTES = 13,
};

struct plain_peer {
    SSL_CTX *context;
    SSL *ssl;
    EVP_PKEY *key;
    X509 *certificate;
    bool connected;
    bool dead;
};

static int trust(int before, X509_STORE_CTX *store)
{
    (void)before;
    (void)store;
    return 1;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length)
{
    (void)ssl;
    memset(cookie, 0x5a, COOKIE_BYTES);
    *length = COOKIE_BYTES;
    return 1;
}

static int take_cookie(SSL *ssl, const unsigned char *cookie, unsigned int length)
{
    (void)ssl;
    return length == COOKIE_BYTES && cookie[0] == 0x5a;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();
    bool made = certificate && name && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"peer",
                                           -1, -1, 0) == 1 &&
                X509_set_subject_name(certificate, name) == 1 &&
                X509_set_issuer_name(certificate, name) == 1 &&
                X509_set_pubkey(certificate, key) == 1 &&
                X509_sign(certificate, key, EVP_sha256()) > 0;
    X509_NAME_free(name);
    if (made)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool configure(struct plain_peer *peer, const struct plain_peer_habits *habits)
{
    SSL_CTX *context = peer->context;
    bool has_identity = !habits->active || habits->shows_certificate;
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    if (habits->asks_for_cookie)
        SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
    if (!habits->binds_keys)
        SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    SSL_CTX_set_cookie_generate_cb(context, make_cookie);
    SSL_CTX_set_cookie_verify_cb(context, take_cookie);
    bool asks = habits->active || habits->asks_for_certificate;
    SSL_CTX_set_verify(context, asks ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, trust);
    return SSL_CTX_set_cipher_list(context, habits->suites) == 1 &&
           (!habits->knows_srtp ||
            SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM") == 0) &&
           (!has_identity || (SSL_CTX_use_certificate(context, peer->certificate) == 1 &&
                              SSL_CTX_use_PrivateKey(context, peer->key) == 1));
}

struct plain_peer *plain_peer_create(const struct plain_peer_habits *habits)
{
    struct plain_peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->key = EVP_EC_gen("P-256");
    peer->certificate = peer->key ? make_certificate(peer->key) : NULL;
    peer->context = SSL_CTX_new(DTLS_method());
    if (peer->certificate && peer->context && configure(peer, habits))
        peer->ssl = SSL_new(peer->context);
    if (!peer->ssl) {
        plain_peer_free(peer);
        return NULL;
    }
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(peer->ssl, in, out);
    SSL_set_mtu(peer->ssl, MTU_BYTES);
    if (habits->active)
        SSL_set_connect_state(peer->ssl);
    else
        SSL_set_accept_state(peer->ssl);
    return peer;
}

void plain_peer_free(struct plain_peer *peer)
{
    if (!peer)
        return;
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    X509_free(peer->certificate);
    EVP_PKEY_free(peer->key);
    free(peer);
}

void plain_peer_digest(const struct plain_peer *peer, uint8_t digest[PLAIN_PEER_DIGEST_BYTES])
{
    unsigned int length = PLAIN_PEER_DIGEST_BYTES;
    X509_digest(peer->certificate, EVP_sha256(), digest, &length);
}

void plain_peer_drive(struct plain_peer *peer, const void *datagram, size_t length)
{
    if (peer->dead)
        return;
    if (datagram)
        BIO_write(SSL_get_rbio(peer->ssl), datagram, (int)length);
    if (peer->connected)
        return;
    ERR_clear_error();
    int result = SSL_do_handshake(peer->ssl);
    if (result == 1)
        peer->connected = true;
    else if (SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ)
        peer->dead = true;
}

size_t plain_peer_next_record(struct plain_peer *peer, void *bytes, size_t capacity)
{
    BIO *out = SSL_get_wbio(peer->ssl);
    uint8_t *record = bytes;
    if (BIO_pending(out) < RECORD_HEADER_BYTES ||
        BIO_read(out, record, RECORD_HEADER_BYTES) != RECORD_HEADER_BYTES)
        return 0;
    size_t length = (size_t)(record[11] << 8 | record[12]);
    if (RECORD_HEADER_BYTES + length > capacity)
        return 0;
    int count = BIO_read(out, record + RECORD_HEADER_BYTES, (int)length);
    return count == (int)length ? RECORD_HEADER_BYTES + length : 0;
}

bool plain_peer_is_connected(const struct plain_peer *peer)
{
    return peer->connected && !peer->dead;
}

bool plain_peer_is_dead(const struct plain_peer *peer)
{
    return peer->dead;
}

size_t plain_peer_read(struct plain_peer *peer, void *bytes, size_t capacity)
{
    if (!peer->connected || peer->dead)
        return 0;
    ERR_clear_error();
    int count = SSL_read(peer->ssl, bytes, (int)capacity);
    if (count > 0)
        return (size_t)count;
    if (SSL_get_error(peer->ssl, count) != SSL_ERROR_WANT_READ)
        peer->dead = true;
    return 0;
}

bool plain_peer_write(struct plain_peer *peer, const void *bytes, size_t length)
{
    ERR_clear_error();
    return peer->connected && SSL_write(peer->ssl, bytes, (int)length) == (int)length;
}

void plain_peer_close(struct plain_peer *peer)
{
    if (peer->connected)
        SSL_shutdown(peer->ssl);
}

// The write key and salt of TLS_ECDHE_*_AES_128_GCM_SHA256 (RFC 5246, section 6.3).
static bool write_keys(struct plain_peer *peer, uint8_t key[KEY_BYTES], uint8_t salt[SALT_BYTES])
{
    uint8_t master[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t seed[LABEL_BYTES + 2 * RANDOM_BYTES] = "key expansion";
    uint8_t block[2 * (KEY_BYTES + SALT_BYTES)];
    size_t count = SSL_SESSION_get_master_key(SSL_get_session(peer->ssl), master, sizeof master);
    SSL_get_server_random(peer->ssl, seed + LABEL_BYTES, RANDOM_BYTES);
    SSL_get_client_random(peer->ssl, seed + LABEL_BYTES + RANDOM_BYTES, RANDOM_BYTES);
    size_t length = sizeof block;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_TLS1_PRF, NULL);
    bool made = context && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_CTX_set_tls1_prf_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set1_tls1_prf_secret(context, master, (int)count) == 1 &&
                EVP_PKEY_CTX_add1_tls1_prf_seed(context, seed, sizeof seed) == 1 &&
                EVP_PKEY_derive(context, block, &length) == 1;
    EVP_PKEY_CTX_free(context);
    bool is_server = SSL_is_server(peer->ssl);
    memcpy(key, block + (is_server ? KEY_BYTES : 0), KEY_BYTES);
    memcpy(salt, block + 2 * KEY_BYTES + (is_server ? SALT_BYTES : 0), SALT_BYTES);
    return made;
}

size_t plain_peer_seal(struct plain_peer *peer, uint8_t type, uint32_t number, const void *content,
                       size_t length, void *bytes)
{
    uint8_t key[KEY_BYTES];
    uint8_t nonce[SALT_BYTES + NUMBER_BYTES];
    if (!peer->connected || !write_keys(peer, key, nonce))
        return 0;
    uint8_t *record = bytes;
    size_t whole = NUMBER_BYTES + length + TAG_BYTES;
    const uint8_t header[RECORD_HEADER_BYTES] = {
        type,
        0xfe,
        0xfd,
        0,
        1,
        0,
        0,
        (uint8_t)(number >> 24),
        (uint8_t)(number >> 16),
        (uint8_t)(number >> 8),
        (uint8_t)number,
        (uint8_t)(whole >> 8),
        (uint8_t)whole,
    };
    memcpy(record, header, sizeof header);
    memcpy(record + RECORD_HEADER_BYTES, header + 3, NUMBER_BYTES);
    memcpy(nonce + SALT_BYTES, header + 3, NUMBER_BYTES);
    uint8_t associated[RECORD_HEADER_BYTES];
    memcpy(associated, header + 3, NUMBER_BYTES);
    memcpy(associated + NUMBER_BYTES, header, 3);
    associated[11] = (uint8_t)(length >> 8);
    associated[12] = (uint8_t)length;
    uint8_t *sealed = record + RECORD_HEADER_BYTES + NUMBER_BYTES;
    int part = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool made =
        context && EVP_EncryptInit_ex2(context, EVP_aes_128_gcm(), key, nonce, NULL) == 1 &&
        EVP_EncryptUpdate(context, NULL, &part, associated, sizeof associated) == 1 &&
        (length == 0 || EVP_EncryptUpdate(context, sealed, &part, content, (int)length) == 1) &&
        EVP_EncryptFinal_ex(context, sealed + length, &part) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + length) == 1;
    EVP_CIPHER_CTX_free(context);
    return made ? RECORD_HEADER_BYTES + whole : 0;
}

const char *plain_peer_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
