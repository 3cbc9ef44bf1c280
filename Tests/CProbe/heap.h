// Shared by the two halves of the probe.
#pragma once

#include "CProbe.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PROBE_OWNS_MALLOC 0
#endif
#endif
#ifndef PROBE_OWNS_MALLOC
#define PROBE_OWNS_MALLOC 1
#endif

// The calling thread's counters, which only grow.
struct probe_counts *probe_thread_counts(void);
