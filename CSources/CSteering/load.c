// Loading the program into the kernel and attaching it.
#include "internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// The programs, built by tools/build-bpf. Aligned as an ELF file wants to be read.
static const unsigned char object_bytes[] __attribute__((aligned(8))) = {
#embed "steer.bpf.o"
};

// libbpf's own words would go to stderr; ours go where the caller wants them.
static int stay_silent(enum libbpf_print_level level, const char *format, va_list arguments) {
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

static int find_program(struct bpf_object *object, const char *name) {
    return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int find_map(struct bpf_object *object, const char *name) {
    return bpf_object__find_map_fd_by_name(object, name);
}

// Opens and loads the object and finds its parts. Returns 0 or an errno.
static int load(struct steering *steering) {
    libbpf_set_print(stay_silent);
    steering->object = bpf_object__open_mem(object_bytes, sizeof object_bytes, NULL);
    if (steering->object == NULL) return errno;
    struct bpf_map *workers = bpf_object__find_map_by_name(steering->object, "workers");
    int result = bpf_map__set_max_entries(workers, steering->slots);
    if (result == 0) result = bpf_object__load(steering->object);
    if (result != 0) return -result;

    steering->program = find_program(steering->object, "steer");
    steering->filter = find_program(steering->object, "drop_junk");
    steering->workers = find_map(steering->object, "workers");
    steering->config = find_map(steering->object, "config");
    steering->counters = find_map(steering->object, "counters");
    bool is_complete = steering->program >= 0 && steering->filter >= 0 && steering->workers >= 0
                       && steering->config >= 0 && steering->counters >= 0;
    return is_complete ? 0 : ENOENT;
}

struct steering *steering_open(uint32_t slots, enum steering_mode mode,
                               struct steering_error *error) {
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
    steering->settings.mode = mode;
    memset(steering->settings.slot_of_cpu, STEERING_NO_SLOT, sizeof steering->settings.slot_of_cpu);
    steering_share_lots(steering);
    int number = load(steering);
    if (number != 0) {
        steering_fail(error, number, "cannot load the steering programs into the kernel");
    } else if (steering_publish(steering, error) == 0) {
        return steering;
    }
    steering_close(steering);
    return NULL;
}

void steering_close(struct steering *steering) {
    if (steering == NULL) return;
    if (steering->object != NULL) bpf_object__close(steering->object);
    free(steering);
}

int steering_attach(struct steering *steering, int descriptor, struct steering_error *error) {
    int program = steering->program;
    if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program)
        != 0) {
        return steering_fail(error, errno, "cannot attach the steering program to a listener");
    }
    return 0;
}

int steering_publish(struct steering *steering, struct steering_error *error) {
    uint32_t zero = 0;
    int result = bpf_map_update_elem(steering->config, &zero, &steering->settings, BPF_ANY);
    if (result == 0) return 0;
    return steering_fail(error, -result, "cannot change the steering program's settings");
}
