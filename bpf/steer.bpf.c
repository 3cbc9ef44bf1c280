// Steering: for each datagram that comes to a listener's reuseport group the kernel runs `steer`,
// which chooses the worker, and `drop_junk` on that worker's socket, which drops what no WebRTC
// client sends. Built by tools/build-bpf.
#include <linux/bpf.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include "classify.h"

#define UDP_HEADER_LENGTH 8

// The workers' sockets. The library sets how many slots there are; a closed socket leaves it.
struct {
    __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
    __uint(max_entries, STEERING_SLOTS_MAX);
    __type(key, uint32_t);
    __type(value, uint64_t);
} workers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct steering_config);
} config SEC(".maps");

// A plain array rather than an LRU hash: one look-up without a lock, nothing to evict, and a flood
// of forged addresses can give homes away only where no living flow has one.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct steering_row);
} homes SEC(".maps");

// One set of counters for each CPU, so that counting needs no atomic operation.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct steering_counters);
} counters SEC(".maps");

// The datagram's verdict; `datagram` is the context of either program, and begins, as `length`
// does, with the UDP header that the kernel has checked.
static __always_inline enum steering_verdict classify(const void *datagram, uint32_t length)
{
    uint8_t first[CLASSIFY_BYTES] = {0};
    length -= UDP_HEADER_LENGTH;
    if (length >= CLASSIFY_BYTES) {
        bpf_skb_load_bytes(datagram, UDP_HEADER_LENGTH, first, CLASSIFY_BYTES);
    } else {
        // Too short for everything but its kind; only the first byte matters.
        bpf_skb_load_bytes(datagram, UDP_HEADER_LENGTH, first, 1);
    }
    return classify_datagram(first, length);
}

// Counts one. Without CAP_PERFMON the verifier wants each addition to a pointer to be the same on
// every way to it. The empty instruction, which names the field, keeps the compiler from sharing
// one addition between the ways that count different fields.
#define COUNT(count, field)                                                    \
    do {                                                                       \
        (count)->field++;                                                      \
        __asm__ volatile("" ::"i"(offsetof(struct steering_counters, field))); \
    } while (0)

// A chain of ifs because a switch would become a jump table, which this target does not have.
static __always_inline void count_drop(struct steering_counters *count,
                                       enum steering_verdict verdict)
{
    if (verdict == STEERING_SHORT)
        COUNT(count, dropped_short);
    else if (verdict == STEERING_LONG)
        COUNT(count, dropped_long);
    else if (verdict == STEERING_KIND)
        COUNT(count, dropped_kind);
    else if (verdict == STEERING_STUN_LENGTH)
        COUNT(count, dropped_stun_length);
    else if (verdict == STEERING_STUN_COOKIE)
        COUNT(count, dropped_stun_cookie);
    else
        COUNT(count, dropped_dtls_version);
}

static __always_inline int select(struct sk_reuseport_md *datagram, uint32_t slot)
{
    return slot != STEERING_NO_SLOT && bpf_sk_select_reuseport(datagram, &workers, &slot, 0) == 0;
}

static __always_inline uint16_t *find_home(const struct steering_config *settings, uint32_t hash)
{
    uint32_t row = hash / STEERING_ROW & settings->rows_mask;
    struct steering_row *found = bpf_map_lookup_elem(&homes, &row);
    return found == NULL ? NULL : &found->homes[hash % STEERING_ROW];
}

// Gives the datagram to the worker that has its flow, else to the one of this CPU. Junk goes by the
// CPU and keeps no flow alive.
static __always_inline int select_by_cpu(struct sk_reuseport_md *datagram,
                                         const struct steering_config *settings,
                                         struct steering_counters *count, int is_junk)
{
    uint32_t cpu = bpf_get_smp_processor_id();
    uint32_t near = cpu < STEERING_CPUS_MAX ? settings->slot_of_cpu[cpu] : STEERING_NO_SLOT;
    if (is_junk)
        return select(datagram, near);
    uint16_t *home = find_home(settings, datagram->hash);
    if (home == NULL)
        return 0;  // cannot be, but must be said

    uint32_t was = *home;
    uint32_t tick = (uint32_t)(bpf_jiffies64() >> settings->tick_shift);
    uint32_t silence = (tick - (was >> 8)) & STEERING_TICK_MASK;
    uint32_t slot = (was & 0xFF) - 1;
    if ((was & 0xFF) != 0 && slot != near && silence <= settings->stay_ticks &&
        select(datagram, slot)) {
        count->by_home++;
    } else if (select(datagram, near)) {
        slot = near;
        count->by_cpu++;
    } else {
        return 0;
    }
    // Written once per tick and flow at most, so that the line stays shared between the CPUs.
    uint16_t is = (uint16_t)(tick << 8 | (slot + 1));
    if (is != was)
        *home = is;
    return 1;
}

// Chooses the worker's socket. What no client sends goes uncounted to some worker, whose filter
// below drops it: SK_DROP here would make the kernel answer with an ICMP port unreachable, so that
// anybody who forges a client's address could tell that client that its server is gone.
SEC("sk_reuseport")
int steer(struct sk_reuseport_md *datagram)
{
    uint32_t zero = 0;
    struct steering_config *settings = bpf_map_lookup_elem(&config, &zero);
    struct steering_counters *count = bpf_map_lookup_elem(&counters, &zero);
    if (settings == NULL || count == NULL)
        return SK_PASS;  // cannot be, but must be said

    uint64_t one = classify(datagram, datagram->len) == STEERING_KEEP;
    if (settings->mode == STEERING_BY_CPU && select_by_cpu(datagram, settings, count, one == 0)) {
        return SK_PASS;
    }
    // The kernel's hash covers both addresses and both ports under a secret of this boot, so nobody
    // outside can aim many flows at one worker.
    if (select(datagram, settings->slot_of_lot[datagram->hash % STEERING_LOTS])) {
        count->by_flow += one;
        return SK_PASS;
    }
    count->by_kernel += one;
    return SK_PASS;
}

// The filter of each worker's socket: drops what no client sends, silently. Returns how many bytes
// to keep; 0 drops the datagram.
SEC("socket")
int drop_junk(struct __sk_buff *datagram)
{
    enum steering_verdict verdict = classify(datagram, datagram->len);
    if (verdict == STEERING_KEEP)
        return (int)datagram->len;
    uint32_t zero = 0;
    struct steering_counters *count = bpf_map_lookup_elem(&counters, &zero);
    if (count != NULL)
        count_drop(count, verdict);
    return 0;
}

// What the kernel asks of programs that use helpers made for GPL programs alone; these use none.
char LICENSE[] SEC("license") = "Dual MIT/GPL";
