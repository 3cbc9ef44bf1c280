#include "tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct tls_authorities {
    SSL_CTX *context;
};

struct tls {
    SSL *ssl;
    BIO *in, *out;
    char fault[160];
};

struct tls_authorities *tls_authorities_create(const char *ca_file)
{
    struct tls_authorities *authorities = calloc(1, sizeof *authorities);
    SSL_CTX *context = authorities ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
        (ca_file ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
                 : SSL_CTX_set_default_verify_paths(context))) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
        authorities->context = context;
        return authorities;
    }
    SSL_CTX_free(context);
    free(authorities);
    return NULL;
}

void tls_authorities_free(struct tls_authorities *authorities)
{
    if (authorities)
        SSL_CTX_free(authorities->context);
    free(authorities);
}

static bool is_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

// Says whom we expect (RFC 6066, section 3, has names only), and holds the certificate to it.
static bool expect(SSL *ssl, const char *host)
{
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
}

struct tls *tls_create(struct tls_authorities *authorities, const char *host)
{
    struct tls *tls = calloc(1, sizeof *tls);
    SSL *ssl = tls ? SSL_new(authorities->context) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!ssl || !in || !out || !expect(ssl, host)) {
        BIO_free(in);
        BIO_free(out);
        SSL_free(ssl);
        free(tls);
        return NULL;
    }
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    *tls = (struct tls){.ssl = ssl, .in = in, .out = out};
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls)
        SSL_free(tls->ssl);
    free(tls);
}

bool tls_feed(struct tls *tls, const uint8_t *bytes, size_t length)
{
    return BIO_write(tls->in, bytes, (int)length) == (int)length;
}

static enum tls_progress fail(struct tls *tls)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    unsigned long error = ERR_peek_last_error();
    const char *text = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                       : error              ? ERR_reason_error_string(error)
                                            : NULL;
    snprintf(tls->fault, sizeof tls->fault, "TLS: %s", text ? text : "it broke off");
    ERR_clear_error();
    return TLS_FAILED;
}

enum tls_progress tls_read(struct tls *tls, uint8_t *bytes, size_t capacity, size_t *length)
{
    ERR_clear_error();
    size_t count = 0;
    *length = 0;
    int result = SSL_read_ex(tls->ssl, bytes, capacity, &count);
    if (result == 1) {
        *length = count;
        return TLS_HAS_BYTES;
    }
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        return fail(tls);
    }
}

bool tls_is_open(const struct tls *tls)
{
    return SSL_is_init_finished(tls->ssl);
}

bool tls_write(struct tls *tls, const uint8_t *bytes, size_t length)
{
    size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, bytes, length, &written) == 1 && written == length)
        return true;
    fail(tls);
    return false;
}

uint8_t *tls_waiting(struct tls *tls, size_t *length)
{
    char *bytes = NULL;
    long count = BIO_get_mem_data(tls->out, &bytes);
    *length = count > 0 ? (size_t)count : 0;
    return (uint8_t *)bytes;
}

void tls_sent(struct tls *tls)
{
    BIO_reset(tls->out);
}

const char *tls_fault(const struct tls *tls)
{
    return tls->fault;
}
