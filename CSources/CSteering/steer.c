// Changing what the program does while it runs, and reading what it counts.
#include "internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../bpf/classify.h"

static int check_slot(const struct steering *steering, uint32_t slot, struct steering_error *error)
{
    if (slot < steering->slots)
        return 0;
    return steering_fail(error, EINVAL, "steering has %u slots, and slot %u is asked for",
                         steering->slots, slot);
}

int steering_set_slot(struct steering *steering, uint32_t slot, int descriptor,
                      struct steering_error *error)
{
    if (check_slot(steering, slot, error) != 0)
        return -1;
    // The filter first: no socket gets a datagram from us that it has not been applied to.
    int filter = steering->filter;
    if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof filter) != 0) {
        return steering_fail(error, errno, "cannot put the steering filter on a socket");
    }
    uint64_t value = (uint64_t)descriptor;
    int result = bpf_map_update_elem(steering->workers, &slot, &value, BPF_ANY);
    if (result != 0) {
        return steering_fail(error, -result, "cannot put a socket into steering slot %u", slot);
    }
    if (steering->is_filled[slot])
        return 0;
    steering->is_filled[slot] = true;
    steering_share_lots(steering);
    return steering_publish(steering, error);
}

int steering_clear_slot(struct steering *steering, uint32_t slot, struct steering_error *error)
{
    if (check_slot(steering, slot, error) != 0)
        return -1;
    // The flows go to the others first, so that none falls to the kernel's hash in between.
    steering->is_filled[slot] = false;
    steering_share_lots(steering);
    if (steering_publish(steering, error) != 0)
        return -1;
    int result = bpf_map_delete_elem(steering->workers, &slot);
    if (result == 0 || result == -ENOENT)
        return 0;  // a closed socket has left already
    return steering_fail(error, -result, "cannot empty steering slot %u", slot);
}

int steering_set_cpu(struct steering *steering, uint32_t cpu, uint32_t slot,
                     struct steering_error *error)
{
    if (cpu >= STEERING_CPUS_MAX) {
        return steering_fail(error, EINVAL, "cannot steer by CPU %u", cpu);
    }
    if (slot != STEERING_NO_SLOT && check_slot(steering, slot, error) != 0)
        return -1;
    steering->settings.slot_of_cpu[cpu] = (uint8_t)slot;
    return steering_publish(steering, error);
}

int steering_set_mode(struct steering *steering, enum steering_mode mode,
                      struct steering_error *error)
{
    steering->settings.mode = mode;
    return steering_publish(steering, error);
}

// Both structs are nothing but 64-bit figures, so they can be walked as arrays.
#define FIGURE_COUNT (sizeof(struct steering_counters) / sizeof(uint64_t))

int steering_read_counters(const struct steering *steering, struct steering_counters *out,
                           struct steering_error *error)
{
    memset(out, 0, sizeof *out);
    int cpus = libbpf_num_possible_cpus();
    if (cpus < 0)
        return steering_fail(error, -cpus, "cannot count the machine's CPUs");
    struct steering_counters *each = calloc((size_t)cpus, sizeof *each);
    if (each == NULL)
        return steering_fail(error, ENOMEM, "cannot read the steering counters");
    uint32_t zero = 0;
    int result = bpf_map_lookup_elem(steering->counters, &zero, each);
    for (int cpu = 0; result == 0 && cpu < cpus; cpu++) {
        const uint64_t *from = (const uint64_t *)&each[cpu];
        uint64_t *to = (uint64_t *)out;
        for (size_t i = 0; i < FIGURE_COUNT; i++)
            to[i] += from[i];
    }
    free(each);
    if (result == 0)
        return 0;
    return steering_fail(error, -result, "cannot read the steering counters");
}

uint64_t steering_dropped(const struct steering_counters *counters)
{
    return counters->dropped_short + counters->dropped_long + counters->dropped_kind +
           counters->dropped_stun_length + counters->dropped_stun_cookie +
           counters->dropped_dtls_version;
}

enum steering_verdict steering_classify(const uint8_t *bytes, size_t length)
{
    uint8_t first[CLASSIFY_BYTES] = {0};
    size_t copied = length >= CLASSIFY_BYTES ? CLASSIFY_BYTES : length > 0 ? 1 : 0;
    if (copied > 0)
        memcpy(first, bytes, copied);
    return classify_datagram(first, length > UINT32_MAX ? UINT32_MAX : (uint32_t)length);
}
