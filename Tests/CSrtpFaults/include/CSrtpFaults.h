// Stands in the test program between CSrtp and the hooks of libsrtp2 (srtp_replace_cipher_type,
// srtp_replace_auth_type), and can spoil what is put in through them. For tests in processes of
// their own.
#pragma once

#include <stdint.h>

enum srtp_fault {
    SRTP_FAULT_NONE,                 // libsrtp2 gets what CSrtp gives, untouched
    SRTP_FAULT_COUNTED,              // nothing is wrong, but it is counted
    SRTP_FAULT_COUNTER_MODE_IDLE,    // leaves the text as it is
    SRTP_FAULT_GCM_HEADER_UNSIGNED,  // leaves the associated data out
    SRTP_FAULT_GCM_TAG_WRONG,        // one bit of it
    SRTP_FAULT_GCM_OPENS_NOTHING,
    SRTP_FAULT_HMAC_WRONG,  // one bit of it
    SRTP_FAULT_NO_VECTORS,  // nothing to test with
};

// What is wrong with all that is put in from now on.
void srtp_fault_set(enum srtp_fault fault);

// Texts that passed through counter mode and GCM, and tags by HMAC, in what was put in
// with a fault or counted: libsrtp2's tests of it, until there are contexts.
uint64_t srtp_fault_texts(void);
uint64_t srtp_fault_tags(void);
