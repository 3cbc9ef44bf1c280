// Sending without sockets. See inject.c.
#pragma once
#include "internal.h"

struct ct_injector;

// Prepares what a sender's options ask for; NULL and errno where this kernel or user may not.
struct ct_injector *ct_injector_create(const struct ct_sender_options *options);

// Sends until `ct_injector_interrupt`. On the sender's own thread.
void ct_injector_run(struct ct_injector *injector);

// Makes `ct_injector_run` return, sooner or later; to be repeated until it has.
void ct_injector_interrupt(struct ct_injector *injector, pthread_t thread);

// Frames that went, and frames that should have gone by the rate and did not.
uint64_t ct_injector_sent(const struct ct_injector *injector);
uint64_t ct_injector_missed(const struct ct_injector *injector);

void ct_injector_destroy(struct ct_injector *injector);
