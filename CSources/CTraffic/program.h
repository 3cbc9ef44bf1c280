// The kernel's part of a sender: a program that the kernel runs for each frame that it is about to
// receive. See inject.c.
#pragma once
#include <stdint.h>

// What the program and its thread share: the value of a map with one entry.
struct ct_injection {
    uint64_t next;      // the frame that goes next
    uint64_t count;     // how many there are
    uint64_t sent;      // how many went
    uint64_t due;       // when the next one is to go, CLOCK_MONOTONIC
    uint64_t interval;  // nanoseconds from one to the next
    uint64_t ahead;     // CLOCK_REALTIME - CLOCK_MONOTONIC
};

struct ct_program_options {
    int frames;             // a map of frames, numbered from 0
    int injection;          // a map with one ct_injection
    uint32_t frame_bytes;   // of every frame; a multiple of 8
    uint32_t stamp_offset;  // in a frame; UINT32_MAX: nowhere
    uint64_t rate;          // 0: as many as go
};

// Loads the program; a descriptor, or -1 and errno.
int ct_program_load(const struct ct_program_options *options);
