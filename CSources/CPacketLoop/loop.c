// A turn: wait, read what is ready in batches, let the owner work, send.
#include "internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

// Batches read from one socket before the others get their turn.
#define BATCHES_PER_TURN 4

static uint64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int read_batch(struct pl_loop *loop, uint16_t index) {
    struct pl_socket *socket = &loop->sockets[index];
    for (uint32_t i = 0; i < loop->batch; i++)
        socket->messages[i].msg_hdr.msg_namelen = sizeof socket->peers[i];
    int count;
    do {
        count = recvmmsg(socket->descriptor, socket->messages, loop->batch, MSG_DONTWAIT, NULL);
    } while (count < 0 && errno == EINTR);
    pl_count(&loop->counters.receive_calls, 1);
    // An error here is one that an earlier send brought back; the next read takes the datagrams.
    if (count <= 0) return 0;
    uint64_t bytes = 0, truncated = 0;
    for (int i = 0; i < count; i++) {
        struct pl_datagram *datagram = &loop->datagrams[i];
        datagram->bytes = socket->vectors[i].iov_base;
        datagram->length = socket->messages[i].msg_len;
        datagram->socket = index;
        datagram->truncated = (socket->messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
        pl_from_sockaddr(&socket->peers[i], &datagram->peer);
        bytes += datagram->length;
        truncated += datagram->truncated;
    }
    pl_count(&loop->counters.received, (uint64_t)count);
    pl_count(&loop->counters.received_bytes, bytes);
    if (truncated) pl_count(&loop->counters.truncated, truncated);
    return count;
}

static void read_socket(struct pl_loop *loop, uint16_t index) {
    for (int i = 0; i < BATCHES_PER_TURN; i++) {
        int count = read_batch(loop, index);
        if (count == 0) return;
        loop->handlers.on_batch(loop->handlers.context, loop, loop->datagrams, (uint32_t)count,
                                clock_now());
        pl_loop_flush(loop);
        if ((uint32_t)count < loop->batch) return;
    }
}

static void arm(struct pl_loop *loop, uint64_t deadline) {
    if (deadline == loop->armed_deadline) return;
    loop->armed_deadline = deadline;
    struct itimerspec when = {0};
    if (deadline != UINT64_MAX) {
        // An all-zero time would disarm; the past fires at once.
        uint64_t at = deadline ? deadline : 1;
        when.it_value.tv_sec = (time_t)(at / 1000000000u);
        when.it_value.tv_nsec = (long)(at % 1000000000u);
    }
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void drain(int descriptor) {
    uint64_t count;
    while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

void pl_loop_run(struct pl_loop *loop) {
    struct epoll_event events[PL_SOCKETS_MAX + 2];
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire)) {
        uint64_t deadline = loop->handlers.on_turn(loop->handlers.context, loop, clock_now());
        pl_loop_flush(loop);
        pl_count(&loop->counters.turns, 1);
        if (atomic_load_explicit(&loop->stopping, memory_order_acquire)) return;
        arm(loop, deadline);
        int count = epoll_wait(loop->epoll, events, PL_SOCKETS_MAX + 2, -1);
        for (int i = 0; i < count; i++) {
            uint32_t tag = events[i].data.u32;
            if (tag == PL_WAKE_TAG) {
                drain(loop->wake_event);
            } else if (tag == PL_TIMER_TAG) {
                drain(loop->timer);
                loop->armed_deadline = UINT64_MAX;
            } else {
                read_socket(loop, (uint16_t)tag);
            }
        }
    }
}

void pl_loop_wake(struct pl_loop *loop) {
    uint64_t one = 1;
    ssize_t written = write(loop->wake_event, &one, sizeof one);
    (void)written;  // full means that a wake is already waiting
}

void pl_loop_stop(struct pl_loop *loop) {
    atomic_store_explicit(&loop->stopping, true, memory_order_release);
    pl_loop_wake(loop);
}
