// What the steering program in the kernel and the library that loads it say to each other: the
// maps' values. This is the only place where they are defined.
#pragma once

#include <stdint.h>

// Workers of one reuseport group.
#define STEERING_SLOTS_MAX 128
// CPUs that can be given a slot; a CPU above steers by flow.
#define STEERING_CPUS_MAX 1024
// Flows are shared out in this many lots. With 128 workers each still has 32 of them, so that the
// largest share stays within a few tenths of the mean. A power of two.
#define STEERING_LOTS 4096
// "No slot" in the tables below.
#define STEERING_NO_SLOT 255

enum steering_mode {
    STEERING_BY_FLOW,  // a flow's addresses choose the worker
    STEERING_BY_CPU,   // the CPU that a datagram arrives on chooses it; flow where it has none
};

// Written by the library, one byte at a time as far as the program can tell: each byte is right by
// itself, before a change and after it.
struct steering_config {
    uint32_t mode;  // enum steering_mode
    uint8_t slot_of_cpu[STEERING_CPUS_MAX];
    uint8_t slot_of_lot[STEERING_LOTS];
};

// Each datagram that comes to the group is counted in exactly one of these.
struct steering_counters {
    uint64_t by_cpu;                // given to the worker of its CPU
    uint64_t by_flow;               // given to the worker of its flow
    uint64_t by_kernel;             // that worker's slot was empty: left to the kernel's own hash
    uint64_t dropped_short;         // shorter than anything of its kind can be
    uint64_t dropped_long;          // longer than any WebRTC client sends
    uint64_t dropped_kind;          // a first byte that is neither STUN, DTLS, RTP nor RTCP
    uint64_t dropped_stun_length;   // a STUN length that is not the datagram's
    uint64_t dropped_stun_cookie;   // STUN without the magic cookie
    uint64_t dropped_dtls_version;  // a DTLS record of a version that does not exist
};

// What a datagram is, as far as its first bytes and its length tell.
enum steering_verdict {
    STEERING_KEEP,
    STEERING_SHORT,
    STEERING_LONG,
    STEERING_KIND,
    STEERING_STUN_LENGTH,
    STEERING_STUN_COOKIE,
    STEERING_DTLS_VERSION,
};
