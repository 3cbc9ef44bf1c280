// Tells what no WebRTC client sends from what one may send, by a datagram's first bytes and its
// length. Compiled twice: into the kernel's program, and into the library so that tests reach it
// (the kernel cannot be asked to run such a program on test data). Nothing is dropped here that a
// worker would have had a use for; what is kept may still be rubbish.
#pragma once

#include "steer.h"

// The bytes that classify_datagram looks at: a STUN type, length and magic cookie.
#define CLASSIFY_BYTES 8

#define STUN_HEADER_LENGTH 20       // RFC 8489, section 5
#define DTLS_RECORD_LENGTH_MIN 13   // RFC 6347, section 4.1: the header of a record
#define DTLS13_RECORD_LENGTH_MIN 4  // RFC 9147, section 4: the shortest unified header, one byte
#define RTP_LENGTH_MIN 12           // RFC 3550, section 5.1; an SRTCP packet is longer
#define DATAGRAM_LENGTH_MAX 1500    // the largest MTU a client on the Internet meets

static inline uint32_t classify_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline enum steering_verdict classify_stun(const uint8_t first[CLASSIFY_BYTES],
                                                  uint32_t length)
{
    if (length < STUN_HEADER_LENGTH)
        return STEERING_SHORT;
    uint32_t cookie = classify_u16(first + 4) << 16 | classify_u16(first + 6);
    if (cookie != 0x2112A442)
        return STEERING_STUN_COOKIE;
    uint32_t attributes_length = classify_u16(first + 2);
    if ((attributes_length & 3) != 0)
        return STEERING_STUN_LENGTH;
    if (attributes_length + STUN_HEADER_LENGTH != length)
        return STEERING_STUN_LENGTH;
    return STEERING_KEEP;
}

// First bytes 20...31 begin a record with its version in clear (254.255 or 254.253); 32...63 the
// unified header of DTLS 1.3, which says no version.
static inline enum steering_verdict classify_dtls(const uint8_t first[CLASSIFY_BYTES],
                                                  uint32_t length)
{
    if (first[0] >= 32) {
        return length < DTLS13_RECORD_LENGTH_MIN ? STEERING_SHORT : STEERING_KEEP;
    }
    if (length < DTLS_RECORD_LENGTH_MIN)
        return STEERING_SHORT;
    return first[1] == 254 ? STEERING_KEEP : STEERING_DTLS_VERSION;
}

// `first` holds the datagram's first bytes, zeros where it is shorter. Ranges of the first byte:
// RFC 7983, section 7, as RFC 9443 left them.
static inline enum steering_verdict classify_datagram(const uint8_t first[CLASSIFY_BYTES],
                                                      uint32_t length)
{
    if (length == 0)
        return STEERING_SHORT;
    if (length > DATAGRAM_LENGTH_MAX)
        return STEERING_LONG;
    if (first[0] <= 3)
        return classify_stun(first, length);
    if (first[0] >= 20 && first[0] <= 63)
        return classify_dtls(first, length);
    if (first[0] >= 128 && first[0] <= 191) {
        return length < RTP_LENGTH_MIN ? STEERING_SHORT : STEERING_KEEP;
    }
    return STEERING_KIND;
}
