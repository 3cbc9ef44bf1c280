#include "CPlainPeer.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/srtp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { MTU_BYTES = 1200, RECORD_HEADER_BYTES = 13, COOKIE_BYTES = 20 };

struct plain_peer {
    SSL_CTX *context;
    SSL *ssl;
    EVP_PKEY *key;
    X509 *certificate;
    bool connected;
    bool dead;
};

static int trust(int before, X509_STORE_CTX *store) {
    (void)before;
    (void)store;
    return 1;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length) {
    (void)ssl;
    memset(cookie, 0x5a, COOKIE_BYTES);
    *length = COOKIE_BYTES;
    return 1;
}

static int take_cookie(SSL *ssl, const unsigned char *cookie, unsigned int length) {
    (void)ssl;
    return length == COOKIE_BYTES && cookie[0] == 0x5a;
}

static X509 *make_certificate(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();
    bool made = certificate && name && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           (const unsigned char *)"peer", -1, -1, 0) == 1 &&
                X509_set_subject_name(certificate, name) == 1 &&
                X509_set_issuer_name(certificate, name) == 1 &&
                X509_set_pubkey(certificate, key) == 1 &&
                X509_sign(certificate, key, EVP_sha256()) > 0;
    X509_NAME_free(name);
    if (made) return certificate;
    X509_free(certificate);
    return NULL;
}

static bool configure(struct plain_peer *peer, const struct plain_peer_habits *habits) {
    SSL_CTX *context = peer->context;
    bool has_identity = !habits->active || habits->shows_certificate;
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    if (habits->asks_for_cookie) SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
    if (!habits->binds_keys) SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
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

struct plain_peer *plain_peer_create(const struct plain_peer_habits *habits) {
    struct plain_peer *peer = calloc(1, sizeof *peer);
    if (!peer) return NULL;
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
    if (habits->active) SSL_set_connect_state(peer->ssl);
    else SSL_set_accept_state(peer->ssl);
    return peer;
}

void plain_peer_free(struct plain_peer *peer) {
    if (!peer) return;
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    X509_free(peer->certificate);
    EVP_PKEY_free(peer->key);
    free(peer);
}

void plain_peer_digest(const struct plain_peer *peer, uint8_t digest[PLAIN_PEER_DIGEST_BYTES]) {
    unsigned int length = PLAIN_PEER_DIGEST_BYTES;
    X509_digest(peer->certificate, EVP_sha256(), digest, &length);
}

void plain_peer_drive(struct plain_peer *peer, const void *datagram, size_t length) {
    if (peer->dead) return;
    if (datagram) BIO_write(SSL_get_rbio(peer->ssl), datagram, (int)length);
    if (peer->connected) return;
    ERR_clear_error();
    int result = SSL_do_handshake(peer->ssl);
    if (result == 1) peer->connected = true;
    else if (SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ) peer->dead = true;
}

size_t plain_peer_next_record(struct plain_peer *peer, void *bytes, size_t capacity) {
    BIO *out = SSL_get_wbio(peer->ssl);
    uint8_t *record = bytes;
    if (BIO_pending(out) < RECORD_HEADER_BYTES ||
        BIO_read(out, record, RECORD_HEADER_BYTES) != RECORD_HEADER_BYTES)
        return 0;
    size_t length = (size_t)(record[11] << 8 | record[12]);
    if (RECORD_HEADER_BYTES + length > capacity) return 0;
    int count = BIO_read(out, record + RECORD_HEADER_BYTES, (int)length);
    return count == (int)length ? RECORD_HEADER_BYTES + length : 0;
}

bool plain_peer_is_connected(const struct plain_peer *peer) {
    return peer->connected && !peer->dead;
}

bool plain_peer_is_dead(const struct plain_peer *peer) { return peer->dead; }

size_t plain_peer_read(struct plain_peer *peer, void *bytes, size_t capacity) {
    if (!peer->connected || peer->dead) return 0;
    ERR_clear_error();
    int count = SSL_read(peer->ssl, bytes, (int)capacity);
    if (count > 0) return (size_t)count;
    if (SSL_get_error(peer->ssl, count) != SSL_ERROR_WANT_READ) peer->dead = true;
    return 0;
}

bool plain_peer_write(struct plain_peer *peer, const void *bytes, size_t length) {
    ERR_clear_error();
    return peer->connected && SSL_write(peer->ssl, bytes, (int)length) == (int)length;
}

void plain_peer_close(struct plain_peer *peer) {
    if (peer->connected) SSL_shutdown(peer->ssl);
}

bool plain_peer_renegotiate(struct plain_peer *peer) {
    ERR_clear_error();
    if (!peer->connected || SSL_renegotiate(peer->ssl) != 1) return false;
    SSL_do_handshake(peer->ssl);
    return true;
}

const char *plain_peer_library_version(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }
