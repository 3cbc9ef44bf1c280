// The few primitives that the packet path needs from libcrypto, in a form that allocates nothing
// per call. OpenSSL 3's EVP_MAC duplicates its digest context, so it allocates, on every tag; here
// a prepared HMAC key is two hash states held by value.
//
// Every function is safe to call with any length, and none fails except where it says so.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Tells Swift's compile-time check that a call takes no lock and allocates nothing.
#define CC_NO_LOCKS __attribute__((swift_attr("@_noLocks")))

// An HMAC-SHA1 key (RFC 2104) with its two key blocks already hashed. A secret; copy it freely.
struct cc_hmac_sha1 {
    uint32_t inner[5];
    uint32_t outer[5];
};

// Likewise for HMAC-SHA256.
struct cc_hmac_sha256 {
    uint32_t inner[8];
    uint32_t outer[8];
};

void cc_hmac_sha1_prepare(struct cc_hmac_sha1 *key, const void *secret, size_t length) CC_NO_LOCKS;
void cc_hmac_sha256_prepare(struct cc_hmac_sha256 *key, const void *secret,
                            size_t length) CC_NO_LOCKS;

// The tag of `head` followed by `tail`; either may be empty.
void cc_hmac_sha1_tag(const struct cc_hmac_sha1 *key, const void *head, size_t head_length,
                      const void *tail, size_t tail_length, uint8_t tag[20]) CC_NO_LOCKS;
void cc_hmac_sha256_tag(const struct cc_hmac_sha256 *key, const void *head, size_t head_length,
                        const void *tail, size_t tail_length, uint8_t tag[32]) CC_NO_LOCKS;

// AES-128, one block at a time (FIPS 197), on the processor's AES instructions where it has them.
// A context must not be used by two threads at once. NULL only when memory has run out.
struct cc_aes128;

// Sixteen bytes as two numbers: `high` is bytes 0 to 7 in network order, whatever the machine's.
struct cc_block {
    uint64_t high;
    uint64_t low;
};

struct cc_aes128 *cc_aes128_create(const uint8_t key[16]);
void cc_aes128_destroy(struct cc_aes128 *aes);
void cc_aes128_encrypt(struct cc_aes128 *aes, struct cc_block *block) CC_NO_LOCKS;
void cc_aes128_decrypt(struct cc_aes128 *aes, struct cc_block *block) CC_NO_LOCKS;

// AES-256-GCM (NIST SP 800-38D) over a whole message, without additional data. A key and a nonce
// must never seal two messages. `sealed` has room for `length` + 16 bytes: the tag comes last.
// Returns 1, or 0 when memory has run out or the message has 2 GiB. Allocates.
int cc_aes256_gcm_seal(const uint8_t key[32], const uint8_t nonce[12], const void *plain,
                       size_t length, void *sealed);
// The way back; `plain` has room for `length` - 16 bytes. Returns 1, or 0 when the message is not
// what was sealed: `plain` must not be looked at then.
int cc_aes256_gcm_open(const uint8_t key[32], const uint8_t nonce[12], const void *sealed,
                       size_t length, void *plain);

// 1 when the bytes are equal, else 0; takes the same time wherever they differ.
int cc_equal(const void *a, const void *b, size_t length) CC_NO_LOCKS;

// Fills with bytes fit for keys. Returns 1, or 0 when the system has no randomness to give.
int cc_random(void *bytes, size_t length);

// Overwrites a secret in a way that the compiler may not leave out.
void cc_erase(void *bytes, size_t length) CC_NO_LOCKS;
