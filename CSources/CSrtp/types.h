// What takes the place of libsrtp2's own cryptography: the same algorithms by libcrypto.
//
// libsrtp2 is built over one library for all, in Debian over NSS, which makes an object and takes
// memory for each packet. Its public hooks take other implementations. It runs its self-tests on
// them first: our vectors, then its own, then random packets there and back (ciphers).
#pragma once

#include <srtp2/auth.h>
#include <srtp2/cipher.h>

enum {
    AES_128_KEY_BYTES = 16,
    COUNTER_SALT_BYTES = 14,  // RFC 3711, section 4.1.1
    GCM_SALT_BYTES = 12,      // RFC 7714, section 8.1
    GCM_TAG_BYTES = 16,
    GCM_SHORT_TAG_BYTES = 8,
};

// AES-128 in counter mode (SRTP_AES_ICM_128): packets, and everybody's key derivation.
extern const srtp_cipher_type_t csrtp_counter_mode;
// AES-128-GCM (SRTP_AES_GCM_128).
extern const srtp_cipher_type_t csrtp_gcm;
// HMAC-SHA1 (SRTP_HMAC_SHA1).
extern const srtp_auth_type_t csrtp_hmac_sha1;
