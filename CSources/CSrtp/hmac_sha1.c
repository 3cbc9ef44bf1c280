// HMAC-SHA1 (RFC 2104) over libcrypto's SHA-1. The low-level calls are marked deprecated in favour
// of EVP, but EVP takes half as long again for a packet: it copies its contexts by way of the
// heap's or the provider's functions. These run the same assembly.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "types.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = SHA_CBLOCK };  // SRTP's have 20

struct hmac_sha1 {
    srtp_auth_t base;  // what libsrtp2 knows of it
    SHA_CTX inner;     // has taken the key and the inner padding
    SHA_CTX outer;     // has taken the key and the outer padding
    SHA_CTX running;
};

static srtp_err_status_t dealloc(srtp_auth_t *base)
{
    struct hmac_sha1 *hmac = base->state;
    OPENSSL_cleanse(hmac, sizeof *hmac);
    free(hmac);
    return srtp_err_status_ok;
}

static srtp_err_status_t alloc(srtp_auth_pointer_t *base, int key_bytes, int tag_bytes)
{
    if (key_bytes < 0 || key_bytes > KEY_BYTES_MAX)
        return srtp_err_status_bad_param;
    if (tag_bytes < 0 || tag_bytes > SHA_DIGEST_LENGTH)
        return srtp_err_status_bad_param;
    struct hmac_sha1 *hmac = calloc(1, sizeof *hmac);
    if (!hmac)
        return srtp_err_status_alloc_fail;
    hmac->base = (srtp_auth_t){
        .type = &csrtp_hmac_sha1, .state = hmac, .out_len = tag_bytes, .key_len = key_bytes};
    *base = &hmac->base;
    return srtp_err_status_ok;
}

static void begin(SHA_CTX *sha, const uint8_t key[SHA_CBLOCK], uint8_t padding)
{
    uint8_t block[SHA_CBLOCK];
    for (int i = 0; i < SHA_CBLOCK; i++)
        block[i] = key[i] ^ padding;
    SHA1_Init(sha);
    SHA1_Update(sha, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

static srtp_err_status_t init(void *state, const uint8_t *key, int key_bytes)
{
    struct hmac_sha1 *hmac = state;
    uint8_t block[SHA_CBLOCK] = {0};
    if (key_bytes < 0 || key_bytes > KEY_BYTES_MAX)
        return srtp_err_status_bad_param;
    memcpy(block, key, (size_t)key_bytes);
    begin(&hmac->inner, block, 0x36);
    begin(&hmac->outer, block, 0x5c);
    OPENSSL_cleanse(block, sizeof block);
    return srtp_err_status_ok;
}

static srtp_err_status_t start(void *state)
{
    struct hmac_sha1 *hmac = state;
    hmac->running = hmac->inner;
    return srtp_err_status_ok;
}

static srtp_err_status_t update(void *state, const uint8_t *bytes, int length)
{
    struct hmac_sha1 *hmac = state;
    SHA1_Update(&hmac->running, bytes, (size_t)length);
    return srtp_err_status_ok;
}

// Takes the message's last bytes and writes the first `tag_bytes` of its tag.
static srtp_err_status_t compute(void *state, const uint8_t *bytes, int length, int tag_bytes,
                                 uint8_t *tag)
{
    struct hmac_sha1 *hmac = state;
    if (tag_bytes < 0 || tag_bytes > SHA_DIGEST_LENGTH)
        return srtp_err_status_bad_param;
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA1_Update(&hmac->running, bytes, (size_t)length);
    SHA1_Final(digest, &hmac->running);
    hmac->running = hmac->outer;
    SHA1_Update(&hmac->running, digest, sizeof digest);
    SHA1_Final(digest, &hmac->running);
    memcpy(tag, digest, (size_t)tag_bytes);
    return srtp_err_status_ok;
}

// RFC 2202, section 3: the first three.
static const uint8_t test_key_1[] = {
    0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
    0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
};
static const uint8_t test_data_1[] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const uint8_t test_tag_1[SHA_DIGEST_LENGTH] = {
    0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
    0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00,
};
static const uint8_t test_key_2[] = {'J', 'e', 'f', 'e'};
static const uint8_t test_data_2[] = {
    'w', 'h', 'a', 't', ' ', 'd', 'o', ' ', 'y', 'a', ' ', 'w', 'a', 'n',
    't', ' ', 'f', 'o', 'r', ' ', 'n', 'o', 't', 'h', 'i', 'n', 'g', '?',
};
static const uint8_t test_tag_2[SHA_DIGEST_LENGTH] = {
    0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2, 0xd2, 0x74,
    0x16, 0xd5, 0xf1, 0x84, 0xdf, 0x9c, 0x25, 0x9a, 0x7c, 0x79,
};
static const uint8_t test_key_3[] = {
    0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
    0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
};
static const uint8_t test_data_3[50] = {
    0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd,
    0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd,
    0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd,
    0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd,
};
static const uint8_t test_tag_3[SHA_DIGEST_LENGTH] = {
    0x12, 0x5d, 0x73, 0x42, 0xb9, 0xac, 0x11, 0xcd, 0x91, 0xa3,
    0x9a, 0xf4, 0x8a, 0xa1, 0x7b, 0x4f, 0x63, 0xf1, 0x75, 0xd3,
};
#define TEST_CASE(number, next)                                                      \
    {                                                                                \
        .key_length_octets = sizeof test_key_##number, .key = test_key_##number,     \
        .data_length_octets = sizeof test_data_##number, .data = test_data_##number, \
        .tag_length_octets = sizeof test_tag_##number, .tag = test_tag_##number,     \
        .next_test_case = next                                                       \
    }
static const srtp_auth_test_case_t test_case_3 = TEST_CASE(3, NULL);
static const srtp_auth_test_case_t test_case_2 = TEST_CASE(2, &test_case_3);
static const srtp_auth_test_case_t test_case_1 = TEST_CASE(1, &test_case_2);

const srtp_auth_type_t csrtp_hmac_sha1 = {
    .alloc = alloc,
    .dealloc = dealloc,
    .init = init,
    .compute = compute,
    .update = update,
    .start = start,
    .description = "HMAC-SHA1 by libcrypto",
    .test_data = &test_case_1,
    .id = SRTP_HMAC_SHA1,
};
