// What the files of the steering library share, and nobody else sees.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "include/CSteering.h"

struct bpf_object;

struct steering {
    struct bpf_object *object;
    int program;  // descriptors, owned by `object`: the two programs and the three maps
    int filter;
    int workers;
    int config;
    int counters;
    uint32_t slots;
    bool is_filled[STEERING_SLOTS_MAX];
    struct steering_config settings;  // what the kernel has
};

// Fills `error` (may be NULL) from `number` and a format; returns -1 for the caller to return.
int steering_fail(struct steering_error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Which right we lack that would explain why the kernel refuses a program with this errno, as words
// in brackets, or "".
const char *steering_missing_right(int number);

// Shares the lots out among the filled slots, in `settings`.
void steering_share_lots(struct steering *steering);

// Gives `settings` to the kernel. Returns 0 or -1.
int steering_publish(struct steering *steering, struct steering_error *error);
