// Loading the program into the kernel and attaching it.
#include "internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define FLOWS_DEFAULT 4096
#define HOMES_PER_FLOW 4
#define TICK_SECONDS 4
_Static_assert((uint64_t)STEERING_FLOWS_MAX *HOMES_PER_FLOW <= 1ull << 31, "rows_for counts so");

// The programs, built by tools/build-bpf. Aligned as an ELF file wants to be read.
static const unsigned char object_bytes[] __attribute__((aligned(8))) = {
#embed "steer.bpf.o"
};

// libbpf's own words would go to stderr; ours go where the caller wants them.
static int stay_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

static int find_program(struct bpf_object *object, const char *name)
{
    return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int find_map(struct bpf_object *object, const char *name)
{
    return bpf_object__find_map_fd_by_name(object, name);
}

// Few flows share a home with another, as long as there are not many more than were said; the table
// stays small enough for the processor's caches.
static uint32_t rows_for(const struct steering_options *options)
{
    uint32_t flows = options->flows;
    if (options->mode != STEERING_BY_CPU || flows == 0)
        flows = FLOWS_DEFAULT;
    if (flows > STEERING_FLOWS_MAX)
        flows = STEERING_FLOWS_MAX;
    uint32_t rows = 1;
    while (rows * STEERING_ROW < flows * HOMES_PER_FLOW)
        rows *= 2;
    return rows;
}

uint32_t steering_home_count(const struct steering_options *options)
{
    return rows_for(options) * STEERING_ROW;
}

size_t steering_map_bytes(const struct steering_options *options)
{
    return (size_t)rows_for(options) * sizeof(struct steering_row) +
           sizeof(struct steering_config) + options->slots * sizeof(void *) +
           (size_t)libbpf_num_possible_cpus() * sizeof(struct steering_counters);
}

static int set_entries(struct bpf_object *object, const char *name, uint32_t count)
{
    return bpf_map__set_max_entries(bpf_object__find_map_by_name(object, name), count);
}

// Opens and loads the object and finds its parts. Returns 0 or an errno.
static int load(struct steering *steering, uint32_t rows)
{
    libbpf_set_print(stay_silent);
    steering->object = bpf_object__open_mem(object_bytes, sizeof object_bytes, NULL);
    if (steering->object == NULL)
        return errno;
    int result = set_entries(steering->object, "workers", steering->slots);
    if (result == 0)
        result = set_entries(steering->object, "homes", rows);
    if (result == 0)
        result = bpf_object__load(steering->object);
    if (result != 0)
        return -result;

    steering->program = find_program(steering->object, "steer");
    steering->filter = find_program(steering->object, "drop_junk");
    steering->workers = find_map(steering->object, "workers");
    steering->config = find_map(steering->object, "config");
    steering->counters = find_map(steering->object, "counters");
    bool is_complete = steering->program >= 0 && steering->filter >= 0 && steering->workers >= 0 &&
                       steering->config >= 0 && steering->counters >= 0;
    return is_complete ? 0 : ENOENT;
}

// How often the kernel counts its jiffies up: the coarse clock's step tells.
static uint64_t jiffies_per_second(void)
{
    struct timespec step;
    if (clock_getres(CLOCK_MONOTONIC_COARSE, &step) != 0 || step.tv_nsec == 0)
        return 1;
    return 1000000000 / (uint64_t)step.tv_nsec;
}

// Chooses the ticks' length, and counts the seconds in them.
static void set_times(struct steering_config *settings, uint32_t stay_seconds)
{
    uint64_t frequency = jiffies_per_second();
    while (1ull << settings->tick_shift < frequency * TICK_SECONDS)
        settings->tick_shift++;
    uint64_t ticks = stay_seconds * frequency >> settings->tick_shift;
    uint64_t ticks_max = STEERING_TICK_MASK / 2;
    settings->stay_ticks = (uint32_t)(ticks < ticks_max ? ticks : ticks_max);
}

struct steering *steering_open(const struct steering_options *options, struct steering_error *error)
{
    uint32_t slots = options->slots;
    if (slots == 0 || slots > STEERING_SLOTS_MAX) {
        steering_fail(error, EINVAL, "cannot steer datagrams to %u workers", slots);
        return NULL;
    }
    struct steering *steering = calloc(1, sizeof *steering);
    if (steering == NULL) {
        steering_fail(error, ENOMEM, "cannot steer datagrams");
        return NULL;
    }
    steering->slots = slots;
    uint32_t rows = rows_for(options);
    steering->settings.mode = options->mode;
    steering->settings.rows_mask = rows - 1;
    set_times(&steering->settings, options->stay_seconds);
    memset(steering->settings.slot_of_cpu, STEERING_NO_SLOT, sizeof steering->settings.slot_of_cpu);
    steering_share_lots(steering);
    int number = load(steering, rows);
    if (number != 0) {
        steering_fail(error, number, "cannot load the steering programs into the kernel%s",
                      steering_missing_right(number));
    } else if (steering_publish(steering, error) == 0) {
        return steering;
    }
    steering_close(steering);
    return NULL;
}

void steering_close(struct steering *steering)
{
    if (steering == NULL)
        return;
    if (steering->object != NULL)
        bpf_object__close(steering->object);
    free(steering);
}

int steering_attach(struct steering *steering, int descriptor, struct steering_error *error)
{
    int program = steering->program;
    if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) !=
        0) {
        return steering_fail(error, errno, "cannot attach the steering program to a listener");
    }
    return 0;
}

int steering_publish(struct steering *steering, struct steering_error *error)
{
    uint32_t zero = 0;
    int result = bpf_map_update_elem(steering->config, &zero, &steering->settings, BPF_ANY);
    if (result == 0)
        return 0;
    return steering_fail(error, -result, "cannot change the steering program's settings");
}
