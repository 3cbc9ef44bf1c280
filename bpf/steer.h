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
// Homes of flows in one row: 64 bytes, one cache line. A power of two.
#define STEERING_ROW 32
// Time in the homes: ticks of four to eight seconds, modulo 2^8. They are the kernel's jiffies,
// which a program reads with one load, shifted by `tick_shift`. A home that was left long ago looks
// like a new one for a moment every 17 minutes or more; a flow that takes it then goes to another
// worker than its CPU's, and loses no packet.
#define STEERING_TICK_MASK 0xFFu

enum steering_mode {
    STEERING_BY_FLOW,  // a flow's addresses choose the worker
    STEERING_BY_CPU,   // the CPU that a flow's first datagram arrives on; flow where it has none
};

// Written by the library, one byte at a time as far as the program can tell: each byte is right by
// itself, before a change and after it.
struct steering_config {
    uint32_t mode;        // enum steering_mode
    uint32_t rows_mask;   // rows of homes - 1; the rows are a power of two
    uint32_t tick_shift;  // jiffies in a tick, as a power of two
    uint32_t stay_ticks;  // silence after which a flow has no home any more
    uint8_t slot_of_cpu[STEERING_CPUS_MAX];
    uint8_t slot_of_lot[STEERING_LOTS];
};

// Mode STEERING_BY_CPU: which worker has a flow. A flow stays with the worker that it began with,
// for that one has its route, also when its datagrams come to another CPU (an interrupt was moved,
// or on the loopback interface the sender was). A home is the tick of the flow's last datagram
// times 256, plus its slot + 1; 0 for none. Flows that share a home share the worker.
struct steering_row {
    uint16_t homes[STEERING_ROW];
};

// Each datagram that comes to the group is counted in exactly one of these.
struct steering_counters {
    uint64_t by_cpu;                // given to the worker of its CPU
    uint64_t by_home;               // given to the worker that has its flow, by another CPU
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
