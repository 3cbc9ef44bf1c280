// SRTP and SRTCP (RFC 3711, RFC 7714) over libsrtp2: one call's two directions, in place. Ciphers
// and hashes are libcrypto's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum csrtp_profile {  // IANA's numbers
    CSRTP_AES128_CM_SHA1_80 = 1,
    CSRTP_AEAD_AES_128_GCM = 7,
};

enum csrtp_status {
    CSRTP_OK = 0,
    CSRTP_AUTHENTICATION = 1,  // the tag does not hold
    CSRTP_REPLAYED = 2,
    CSRTP_OLD = 3,        // older than the replay window
    CSRTP_MALFORMED = 4,  // no room for a header, an impossible extension, a tag
    CSRTP_FAILED = 5,     // anything else libsrtp may say
};

// Whose ciphers and hashes a pair has.
enum csrtp_cryptography {
    CSRTP_BY_LIBCRYPTO = 0,  // what calls have
    CSRTP_AS_SHIPPED = 1,    // those that libsrtp2 was built with (NSS in Debian), to compare with
};

struct csrtp_pair;

// Starts libsrtp2 and puts libcrypto's ciphers and hashes in, which it tests. NULL, or a sentence
// that says what failed. Takes 20 ms the first time. Any thread.
const char *csrtp_prepare(void);

// Bytes of master key and salt together, 0 for an unknown profile.
size_t csrtp_master_bytes(uint32_t profile);

// Both directions under their master keys (key, then salt). Prepares the library on first use; any
// thread. NULL for an unknown profile or when libsrtp refuses. One whose cryptography is another
// than that of the one before takes 20 ms, and lets others wait.
struct csrtp_pair *csrtp_create(uint32_t profile, enum csrtp_cryptography cryptography,
                                const uint8_t *local_master, const uint8_t *remote_master);
void csrtp_free(struct csrtp_pair *pair);

// Each works in place on *length bytes and sets the new length. Protecting needs 32 bytes of room
// behind the packet. One thread at a time.
enum csrtp_status csrtp_protect_rtp(struct csrtp_pair *pair, void *packet, size_t *length);
enum csrtp_status csrtp_unprotect_rtp(struct csrtp_pair *pair, void *packet, size_t *length);
enum csrtp_status csrtp_protect_rtcp(struct csrtp_pair *pair, void *packet, size_t *length);
enum csrtp_status csrtp_unprotect_rtcp(struct csrtp_pair *pair, void *packet, size_t *length);
