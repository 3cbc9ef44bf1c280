// The key pair, the certificate, and the OpenSSL context that connections are made from.
#include "internal.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/srtp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    // A chain of one self-signed certificate is about 400 bytes (ECDSA) or 900 (RSA). OpenSSL lets
    // each unfinished message grow to this, so the limit bounds what a half-open handshake holds.
    CERTIFICATE_BYTES_MAX = 4096,
    CERTIFICATE_SECONDS = 30 * 24 * 3600,
    CLOCK_SKEW_SECONDS = 24 * 3600,
};

static const char cipher_list[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// GCM costs a third of what AES-CM with SHA-1 does; older clients know only the latter.
static const char srtp_profiles[] = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

static int index_in_ssl = -1;

static void make_index(void)
{
    index_in_ssl = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int connection_index(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_index);
    return index_in_ssl;
}

void describe_openssl_error(const char *what, char error[DTLS_ERROR_TEXT_BYTES])
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    snprintf(error, DTLS_ERROR_TEXT_BYTES, "%s: %s", what, reason ? reason : "no reason given");
}

static const EVP_MD *digest_method(uint32_t hash)
{
    switch (hash) {
    case DTLS_HASH_SHA256:
        return EVP_sha256();
    case DTLS_HASH_SHA384:
        return EVP_sha384();
    case DTLS_HASH_SHA512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

size_t dtls_hash_bytes(uint32_t hash)
{
    const EVP_MD *digest = digest_method(hash);
    return digest ? (size_t)EVP_MD_get_size(digest) : 0;
}

static size_t certificate_digest(const X509 *certificate, uint32_t hash,
                                 uint8_t digest[DTLS_DIGEST_BYTES_MAX])
{
    const EVP_MD *method = digest_method(hash);
    unsigned int length = 0;
    if (!method || X509_digest(certificate, method, digest, &length) != 1)
        return 0;
    return length;
}

bool certificate_matches(X509 *certificate, const struct dtls_fingerprint *fingerprints,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t digest[DTLS_DIGEST_BYTES_MAX];
        size_t length = certificate_digest(certificate, fingerprints[i].hash, digest);
        if (length && CRYPTO_memcmp(digest, fingerprints[i].digest, length) == 0)
            return true;
    }
    return false;
}

// WebRTC trusts no authority: the certificate is the one that the signalling named, or it is
// nothing. Deciding here, before the message is used, makes a forged one end in a plain refusal.
static int verify_certificate(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct dtls_connection *connection = SSL_get_ex_data(ssl, connection_index());
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (certificate && certificate_matches(certificate, connection->options.fingerprints,
                                           connection->options.fingerprint_count))
        return 1;
    if (certificate && connection->tolerates_mismatch)
        return 1;
    connection->certificate_refused = true;
    connection->mismatched = certificate != NULL;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();
    uint64_t serial = 0;
    bool made = certificate && name && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
                X509_set_version(certificate, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_SECONDS) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_SECONDS) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           (const unsigned char *)"WebRTC", -1, -1, 0) == 1 &&
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

static bool configure(SSL_CTX *context, EVP_PKEY *key, X509 *certificate)
{
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(context, CERTIFICATE_BYTES_MAX);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify_certificate, NULL);
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, cipher_list) == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_tlsext_use_srtp(context, srtp_profiles) == 0 &&  // 0 is success here
           SSL_CTX_use_certificate(context, certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context, key) == 1;
}

struct dtls_identity *dtls_identity_create(char error[DTLS_ERROR_TEXT_BYTES])
{
    ERR_clear_error();
    error[0] = '\0';
    struct dtls_identity *identity = calloc(1, sizeof *identity);
    if (!identity || !handshake_random_install()) {
        describe_openssl_error("cannot prepare OpenSSL", error);
        free(identity);
        return NULL;
    }
    identity->key = EVP_EC_gen("P-256");
    if (identity->key)
        identity->certificate = make_certificate(identity->key);
    if (identity->certificate)
        identity->context = SSL_CTX_new(DTLS_method());
    if (!identity->context || !configure(identity->context, identity->key, identity->certificate)) {
        describe_openssl_error("cannot make a DTLS identity", error);
        dtls_identity_free(identity);
        return NULL;
    }
    return identity;
}

void dtls_identity_free(struct dtls_identity *identity)
{
    if (!identity)
        return;
    SSL_CTX_free(identity->context);
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    free(identity);
}

size_t dtls_identity_digest(const struct dtls_identity *identity, uint32_t hash,
                            uint8_t digest[DTLS_DIGEST_BYTES_MAX])
{
    return certificate_digest(identity->certificate, hash, digest);
}
