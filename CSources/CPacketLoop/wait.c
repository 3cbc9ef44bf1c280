// Waiting for datagrams. A loop with few sockets asks about all of them each time (ppoll); one with
// many leaves a standing order (epoll). A standing order costs a call-back for every datagram that
// comes and for every one that has left, although nobody waits while there is work; measured, that
// is a twentieth of what sending costs.
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NANOSECONDS_PER_SECOND 1000000000ull

static bool asks_each_time(const struct pl_loop *loop)
{
    return loop->epoll < 0;
}

int pl_wait_open(struct pl_loop *loop)
{
    loop->has_precise_wait = true;
    // Beside the sockets there are the wake-up and, with frames, the kernel's news.
    if (loop->options.sockets_max + 2 <= PL_POLLED_MAX)
        return 0;
    return pl_wait_use_epoll(loop);
}

int pl_wait_use_epoll(struct pl_loop *loop)
{
    if (!asks_each_time(loop))
        return 0;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -1;
    for (uint32_t i = 0; i < loop->polled_count; i++) {
        if (pl_wait_add(loop, loop->polled[i].fd, loop->polled_marks[i]) != 0)
            return -1;
    }
    loop->polled_count = 0;
    return 0;
}

void pl_wait_close(struct pl_loop *loop)
{
    if (loop->epoll >= 0)
        close(loop->epoll);
}

int pl_wait_add(struct pl_loop *loop, int fd, uint32_t mark)
{
    if (!asks_each_time(loop)) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = mark};
        return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
    }
    PL_REQUIRE(loop->polled_count < PL_POLLED_MAX);
    loop->polled[loop->polled_count] = (struct pollfd){.fd = fd, .events = POLLIN};
    loop->polled_marks[loop->polled_count++] = mark;
    return 0;
}

static int poll_all(struct pl_loop *loop, const struct timespec *timeout)
{
    int count = ppoll(loop->polled, loop->polled_count, timeout, NULL);
    if (count < 0)
        return -1;
    uint32_t ready = 0;
    for (uint32_t i = 0; i < loop->polled_count; i++) {
        if (loop->polled[i].revents != 0)
            loop->ready[ready++] = loop->polled_marks[i];
    }
    return (int)ready;
}

// The deadline is kept to the nanosecond where the kernel can (5.11 and later), else rounded up to
// a millisecond: late rather than early and spinning.
static int take_events(struct pl_loop *loop, const struct timespec *timeout)
{
    struct epoll_event events[PL_READY_MAX];
    int count = -1;
    if (loop->has_precise_wait) {
        count = epoll_pwait2(loop->epoll, events, PL_READY_MAX, timeout, NULL);
        loop->has_precise_wait = count >= 0 || (errno != ENOSYS && errno != EPERM);
    }
    if (!loop->has_precise_wait) {
        int64_t milliseconds = -1;
        if (timeout != NULL) {
            milliseconds = timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
        }
        if (milliseconds > INT32_MAX)
            milliseconds = INT32_MAX;
        count = epoll_wait(loop->epoll, events, PL_READY_MAX, (int)milliseconds);
    }
    for (int i = 0; i < count; i++)
        loop->ready[i] = events[i].data.u32;
    return count;
}

static struct timespec time_until(uint64_t deadline)
{
    uint64_t now = deadline == UINT64_MAX ? 0 : pl_now();
    uint64_t left = deadline > now ? deadline - now : 0;
    return (struct timespec){.tv_sec = (time_t)(left / NANOSECONDS_PER_SECOND),
                             .tv_nsec = (long)(left % NANOSECONDS_PER_SECOND)};
}

void pl_wait_deaf(struct pl_loop *loop, uint64_t deadline)
{
    struct timespec timeout = time_until(deadline);
    struct pollfd wakeup = {.fd = loop->wakeup, .events = POLLIN};
    (void)ppoll(&wakeup, 1, &timeout, NULL);  // a signal ends it early, which is as well
}

int pl_wait(struct pl_loop *loop, uint64_t deadline)
{
    struct timespec timeout = time_until(deadline);
    const struct timespec *limit = deadline == UINT64_MAX ? NULL : &timeout;
    return asks_each_time(loop) ? poll_all(loop, limit) : take_events(loop, limit);
}
