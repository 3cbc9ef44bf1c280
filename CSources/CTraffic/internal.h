#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CTraffic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define CT_BATCH 64
#define CT_NANOSECONDS 1000000000ull

static inline uint64_t ct_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * CT_NANOSECONDS + (uint64_t)time.tv_nsec;
}

// Waits until a moment of CLOCK_MONOTONIC.
static inline void ct_wait_until(uint64_t moment)
{
    struct timespec time = {.tv_sec = (time_t)(moment / CT_NANOSECONDS),
                            .tv_nsec = (long)(moment % CT_NANOSECONDS)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

// Prepares the calling thread: its CPU (-1: any), and waits that end when they should.
void ct_prepare_thread(int cpu);
