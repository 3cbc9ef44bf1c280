// HMAC (RFC 2104) over libcrypto's SHA block functions. The low-level SHA calls are marked
// deprecated in favour of EVP, but EVP allocates per message; these do not, and they run the
// same assembly (SHA extensions included).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "CCrypto.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

enum { BLOCK = 64, BLOCK_BITS = 8 * BLOCK };  // both SHA-1 and SHA-256

_Static_assert(SHA_CBLOCK == BLOCK && SHA256_CBLOCK == BLOCK, "one block size for both");

static void mask(uint8_t block[BLOCK], uint8_t value)
{
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= value;
}

// SHA-1

static void sha1_save(uint32_t state[5], const SHA_CTX *sha)
{
    const uint32_t words[5] = {sha->h0, sha->h1, sha->h2, sha->h3, sha->h4};
    memcpy(state, words, sizeof words);
}

// Continues from a state that has taken exactly one block.
static void sha1_resume(SHA_CTX *sha, const uint32_t state[5])
{
    sha->h0 = state[0];
    sha->h1 = state[1];
    sha->h2 = state[2];
    sha->h3 = state[3];
    sha->h4 = state[4];
    sha->Nl = BLOCK_BITS;
    sha->Nh = 0;
    sha->num = 0;
}

static void sha1_one_block(uint32_t state[5], const uint8_t block[BLOCK])
{
    SHA_CTX sha;
    SHA1_Init(&sha);
    SHA1_Update(&sha, block, BLOCK);
    sha1_save(state, &sha);
    cc_erase(&sha, sizeof sha);
}

void cc_hmac_sha1_prepare(struct cc_hmac_sha1 *key, const void *secret, size_t length)
{
    uint8_t block[BLOCK] = {0};
    if (length > BLOCK) {
        SHA_CTX sha;
        SHA1_Init(&sha);
        SHA1_Update(&sha, secret, length);
        SHA1_Final(block, &sha);
    } else if (length > 0) {
        memcpy(block, secret, length);
    }
    mask(block, 0x36);
    sha1_one_block(key->inner, block);
    mask(block, 0x36 ^ 0x5c);
    sha1_one_block(key->outer, block);
    cc_erase(block, sizeof block);
}

void cc_hmac_sha1_tag(const struct cc_hmac_sha1 *key, const void *head, size_t head_length,
                      const void *tail, size_t tail_length, uint8_t tag[20])
{
    SHA_CTX sha;
    sha1_resume(&sha, key->inner);
    SHA1_Update(&sha, head, head_length);
    SHA1_Update(&sha, tail, tail_length);
    SHA1_Final(tag, &sha);
    sha1_resume(&sha, key->outer);
    SHA1_Update(&sha, tag, 20);
    SHA1_Final(tag, &sha);
}

// SHA-256

static void sha256_resume(SHA256_CTX *sha, const uint32_t state[8])
{
    memcpy(sha->h, state, sizeof sha->h);
    sha->Nl = BLOCK_BITS;
    sha->Nh = 0;
    sha->num = 0;
    sha->md_len = SHA256_DIGEST_LENGTH;
}

static void sha256_one_block(uint32_t state[8], const uint8_t block[BLOCK])
{
    SHA256_CTX sha;
    SHA256_Init(&sha);
    SHA256_Update(&sha, block, BLOCK);
    memcpy(state, sha.h, sizeof sha.h);
    cc_erase(&sha, sizeof sha);
}

void cc_hmac_sha256_prepare(struct cc_hmac_sha256 *key, const void *secret, size_t length)
{
    uint8_t block[BLOCK] = {0};
    if (length > BLOCK) {
        SHA256_CTX sha;
        SHA256_Init(&sha);
        SHA256_Update(&sha, secret, length);
        SHA256_Final(block, &sha);
    } else if (length > 0) {
        memcpy(block, secret, length);
    }
    mask(block, 0x36);
    sha256_one_block(key->inner, block);
    mask(block, 0x36 ^ 0x5c);
    sha256_one_block(key->outer, block);
    cc_erase(block, sizeof block);
}

void cc_hmac_sha256_tag(const struct cc_hmac_sha256 *key, const void *head, size_t head_length,
                        const void *tail, size_t tail_length, uint8_t tag[32])
{
    SHA256_CTX sha;
    sha256_resume(&sha, key->inner);
    SHA256_Update(&sha, head, head_length);
    SHA256_Update(&sha, tail, tail_length);
    SHA256_Final(tag, &sha);
    sha256_resume(&sha, key->outer);
    SHA256_Update(&sha, tag, 32);
    SHA256_Final(tag, &sha);
}
