// Opens the peer's protected records before OpenSSL sees them.
//
// Some OpenSSL 3 releases end a whole association over one protected record that is too short for
// its cipher, whoever sent it. So none reaches OpenSSL whose tag has not been checked here, with
// the keys of the same handshake (RFC 5246, section 6.3) and on bytes of our own.
#include "internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <string.h>

enum {
    RECORD_HEADER_BYTES = 13,
    CONTENT_ALERT = 21,
    ALERT_BYTES = 2,
    ALERT_FATAL = 2,
    CLOSE_NOTIFY = 0,
    RANDOM_BYTES = 32,
    LABEL_BYTES = 13,
    KEY_BYTES_MAX = 32,
    NONCE_BYTES = 12,
    GCM_SALT_BYTES = 4,  // RFC 5288, section 3; the other eight come with the record
    TAG_BYTES = 16,
    NUMBER_OFFSET = 3,  // epoch and number: the sequence number of TLS (RFC 6347, section 4.1.2.1)
    NUMBER_BYTES = 8,
    WINDOW_BITS = 64,
};

void protection_forget(struct protection *protection)
{
    EVP_CIPHER_CTX_free(protection->opener);
    OPENSSL_cleanse(protection, sizeof *protection);
}

// The key block: client key, server key, client IV, server IV (an AEAD has no MAC keys).
static bool expand_keys(SSL *ssl, const EVP_MD *digest, uint8_t *block, size_t block_bytes)
{
    uint8_t master[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t seed[LABEL_BYTES + 2 * RANDOM_BYTES] = "key expansion";
    size_t master_bytes = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
    SSL_get_server_random(ssl, seed + LABEL_BYTES, RANDOM_BYTES);
    SSL_get_client_random(ssl, seed + LABEL_BYTES + RANDOM_BYTES, RANDOM_BYTES);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)EVP_MD_get0_name(digest),
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool made =
        master_bytes > 0 && context && EVP_KDF_derive(context, block, block_bytes, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    OPENSSL_cleanse(master, sizeof master);
    return made;
}

static bool prepare(struct protection *protection, SSL *ssl, bool peer_is_server)
{
    if (protection->opener)
        return true;
    const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
    if (!suite || !SSL_get_session(ssl))
        return false;
    const EVP_CIPHER *cipher = NULL;
    switch (SSL_CIPHER_get_cipher_nid(suite)) {
    case NID_aes_128_gcm:
        cipher = EVP_aes_128_gcm();
        break;
    case NID_aes_256_gcm:
        cipher = EVP_aes_256_gcm();
        break;
    case NID_chacha20_poly1305:
        cipher = EVP_chacha20_poly1305();
        break;
    default:
        return false;
    }
    bool is_gcm = SSL_CIPHER_get_cipher_nid(suite) != NID_chacha20_poly1305;
    size_t key_bytes = (size_t)EVP_CIPHER_get_key_length(cipher);
    size_t iv_bytes = is_gcm ? GCM_SALT_BYTES : NONCE_BYTES;
    uint8_t block[2 * (KEY_BYTES_MAX + NONCE_BYTES)];
    const uint8_t *key = block + (peer_is_server ? key_bytes : 0);
    const uint8_t *iv = block + 2 * key_bytes + (peer_is_server ? iv_bytes : 0);
    EVP_CIPHER_CTX *opener = EVP_CIPHER_CTX_new();
    bool made = opener &&
                expand_keys(ssl, SSL_CIPHER_get_handshake_digest(suite), block,
                            2 * (key_bytes + iv_bytes)) &&
                EVP_DecryptInit_ex2(opener, cipher, key, NULL, NULL) == 1;
    if (made) {
        protection->opener = opener;
        protection->explicit_nonce_bytes = is_gcm ? NONCE_BYTES - GCM_SALT_BYTES : 0;
        memcpy(protection->iv, iv, iv_bytes);
    } else {
        EVP_CIPHER_CTX_free(opener);
    }
    OPENSSL_cleanse(block, sizeof block);
    return made;
}

// The replay window of RFC 6347, section 4.1.2.6, of the same width as OpenSSL's own.
static bool is_replayed(const struct protection *protection, uint64_t number)
{
    if (protection->seen == 0 || number > protection->newest)
        return false;
    uint64_t age = protection->newest - number;
    return age >= WINDOW_BITS || (protection->seen >> age & 1) == 1;
}

static void note_number(struct protection *protection, uint64_t number)
{
    if (protection->seen == 0 || number > protection->newest) {
        uint64_t step = protection->seen == 0 ? WINDOW_BITS : number - protection->newest;
        protection->seen = (step < WINDOW_BITS ? protection->seen << step : 0) | 1;
        protection->newest = number;
    } else {
        protection->seen |= UINT64_C(1) << (protection->newest - number);
    }
}

// Writes the plaintext, shorter than the record; its length, or -1 when the tag does not hold.
static int open_record(struct protection *protection, const uint8_t *record, size_t length,
                       uint8_t *plaintext)
{
    size_t overhead = RECORD_HEADER_BYTES + protection->explicit_nonce_bytes + TAG_BYTES;
    if (length < overhead)
        return -1;
    size_t count = length - overhead;
    const uint8_t *body = record + RECORD_HEADER_BYTES;
    uint8_t nonce[NONCE_BYTES];
    memcpy(nonce, protection->iv, NONCE_BYTES);
    if (protection->explicit_nonce_bytes > 0)
        memcpy(nonce + GCM_SALT_BYTES, body, protection->explicit_nonce_bytes);
    else  // RFC 7905, section 2
        for (int i = 0; i < NUMBER_BYTES; i++)
            nonce[NONCE_BYTES - NUMBER_BYTES + i] ^= record[NUMBER_OFFSET + i];
    body += protection->explicit_nonce_bytes;
    uint8_t tag[TAG_BYTES];
    memcpy(tag, body + count, TAG_BYTES);
    uint8_t associated[RECORD_HEADER_BYTES];  // number, type, version, length of the plaintext
    memcpy(associated, record + NUMBER_OFFSET, NUMBER_BYTES);
    memcpy(associated + NUMBER_BYTES, record, 3);
    associated[11] = (uint8_t)(count >> 8);
    associated[12] = (uint8_t)count;
    EVP_CIPHER_CTX *opener = protection->opener;
    int part = 0;
    bool holds =
        EVP_DecryptInit_ex2(opener, NULL, NULL, nonce, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(opener, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
        EVP_DecryptUpdate(opener, NULL, &part, associated, sizeof associated) == 1 &&
        (count == 0 || EVP_DecryptUpdate(opener, plaintext, &part, body, (int)count) == 1) &&
        EVP_DecryptFinal_ex(opener, plaintext + count, &part) == 1;
    return holds ? (int)count : -1;
}

enum dtls_admission protection_admit(struct protection *protection, SSL *ssl, bool peer_is_server,
                                     const uint8_t *record, size_t length)
{
    if (!prepare(protection, ssl, peer_is_server)) {
        ERR_clear_error();
        return DTLS_ADMISSION_EARLY;
    }
    uint64_t number = 0;
    for (int i = 2; i < NUMBER_BYTES; i++)
        number = number << 8 | record[NUMBER_OFFSET + i];
    if (is_replayed(protection, number))
        return DTLS_ADMISSION_REPLAYED;
    uint8_t plaintext[DTLS_DATAGRAM_BYTES_MAX + TAG_BYTES];
    int count = open_record(protection, record, length, plaintext);
    if (count < 0) {
        ERR_clear_error();
        return DTLS_ADMISSION_FORGED;
    }
    note_number(protection, number);
    protection->says_nothing = count == 0;
    if (record[0] == CONTENT_ALERT && count == ALERT_BYTES) {
        if (plaintext[0] == ALERT_FATAL)
            protection->alert = DTLS_ALERT_FATAL;
        else if (plaintext[1] == CLOSE_NOTIFY)
            protection->alert = DTLS_ALERT_CLOSE;
        else
            protection->says_nothing = true;
    }
    OPENSSL_cleanse(plaintext, (size_t)count);
    return DTLS_ADMISSION_TAKEN;
}
