// Steering a reuseport group in the kernel: which worker gets a datagram, and which datagrams no
// worker shall see. One `struct steering` serves one group (one listener). The program is bpf/.
//
// Threads: one thread at a time may use a `struct steering`; the kernel's side runs all the while.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../bpf/steer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Why something failed.
struct steering_error {
    int number;          // errno
    bool not_permitted;  // BPF is refused to us: go on with the kernel's own hash, and warn
    char text[256];      // a sentence without a full stop
};

// The sentence, as a C string that lives as long as `error`.
const char *steering_error_text(const struct steering_error *error);

struct steering;

struct steering_options {
    uint32_t slots;  // workers, 1...STEERING_SLOTS_MAX
    enum steering_mode mode;
    // STEERING_BY_CPU only: how many flows are to keep their worker when another CPU receives them,
    // 1...STEERING_FLOWS_MAX, 0 for 4,096; costs 8 to 16 bytes of kernel memory each.
    uint32_t flows;
    uint32_t stay_seconds;  // ... until they have been silent for so long, give or take 8 s
};

#define STEERING_FLOWS_MAX (1u << 24)

// Loads the programs with their maps, all slots empty. Returns NULL and fills `error` (may be NULL)
// when that fails.
struct steering *steering_open(const struct steering_options *options,
                               struct steering_error *error);

// How many flows' workers can be told for these options; two flows may meet in one.
uint32_t steering_home_count(const struct steering_options *options);

// The bytes of kernel memory that the maps for these options take.
size_t steering_map_bytes(const struct steering_options *options);

// Gives the group of the bound SO_REUSEPORT socket `descriptor` this program, in place of any
// other. Fill the slots first: until then the kernel's own hash chooses. Returns 0 or -1.
int steering_attach(struct steering *steering, int descriptor, struct steering_error *error);

// Puts a socket of the group into a slot, and the filter that drops junk on the socket. A socket
// that was there before gets no more datagrams, but keeps what waits in its queue; no datagram is
// lost and no other slot's flow moves when a socket is replaced. Filling an empty slot takes over
// at most its share of flows. Returns 0 or -1.
int steering_set_slot(struct steering *steering, uint32_t slot, int descriptor,
                      struct steering_error *error);

// Empties a slot: its flows are shared out among the others, whose own flows stay. A closed socket
// leaves its slot by itself, but then the kernel's hash, which may choose any socket of the group,
// places that slot's flows until this is called. Returns 0 or -1.
int steering_clear_slot(struct steering *steering, uint32_t slot, struct steering_error *error);

// Mode STEERING_BY_CPU: flows that begin on `cpu` go to `slot` (STEERING_NO_SLOT: by flow), and
// stay there while the slot is filled. Returns 0 or -1.
int steering_set_cpu(struct steering *steering, uint32_t cpu, uint32_t slot,
                     struct steering_error *error);

// Changes the mode while running. Returns 0 or -1.
int steering_set_mode(struct steering *steering, enum steering_mode mode,
                      struct steering_error *error);

// Reads the sums over all CPUs since steering_open. Returns 0 or -1.
int steering_read_counters(const struct steering *steering, struct steering_counters *out,
                           struct steering_error *error);

// The sum of the reasons for which the kernel dropped.
uint64_t steering_dropped(const struct steering_counters *counters);

// Lets go of the program. A group that it is attached to keeps it until its last socket closes.
// NULL is allowed.
void steering_close(struct steering *steering);

// What the kernel's program says of a datagram; the same code, for tests. Any thread.
enum steering_verdict steering_classify(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
