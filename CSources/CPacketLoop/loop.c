// The loop itself: wait, read, hand over, send.
#include "internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// Batches read from one socket before the others get their turn.
#define BATCHES_PER_TURN 4
#define NANOSECONDS_PER_SECOND 1000000000ull

uint64_t pl_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)time.tv_nsec;
}

// The options with their defaults filled in; false when one is out of range.
static bool complete_options(struct pl_loop_options *options)
{
    if (options->batch == 0)
        options->batch = PL_BATCH_DEFAULT;
    if (options->queue == 0)
        options->queue = PL_QUEUE_DEFAULT;
    if (options->sockets_max == 0)
        options->sockets_max = PL_SOCKETS_DEFAULT;
    return options->batch <= PL_BATCH_MAX && options->queue <= PL_QUEUE_MAX &&
           options->sockets_max <= PL_SOCKETS_MAX && options->gather_nanoseconds <= PL_GATHER_MAX &&
           options->rest_nanoseconds <= PL_REST_MAX && options->handlers.on_batch != NULL &&
           options->handlers.on_turn != NULL;
}

struct pl_loop *pl_loop_create(const struct pl_loop_options *given, struct pl_error *error)
{
    struct pl_loop_options options = *given;
    if (!complete_options(&options)) {
        pl_fail(error, EINVAL, "a packet loop's options are out of range");
        return NULL;
    }
    size_t size = sizeof(struct pl_loop) +
                  options.sockets_max * (sizeof(struct pl_socket *) + sizeof(uint16_t));
    struct pl_loop *loop = pl_memory_map(size, options.numa_node);
    if (loop == NULL) {
        pl_fail(error, ENOMEM, "cannot get %zu bytes for a packet loop", size);
        return NULL;
    }
    loop->options = options;
    loop->memory_size = size;
    loop->sockets = (struct pl_socket **)(loop + 1);
    loop->unsent = (uint16_t *)(loop->sockets + options.sockets_max);
    loop->epoll = -1;
    loop->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wakeup < 0 || pl_wait_open(loop) != 0 ||
        pl_wait_add(loop, loop->wakeup, PL_WAKEUP_MARK) != 0) {
        pl_fail(error, errno, "cannot set up a packet loop");
        pl_loop_destroy(loop);
        return NULL;
    }
    return loop;
}

void pl_loop_destroy(struct pl_loop *loop)
{
    if (loop == NULL)
        return;
    uint32_t count = atomic_load(&loop->socket_count);
    pl_frames_close(loop);
    pl_refused_close(loop);
    for (uint32_t i = 0; i < count; i++)
        pl_socket_destroy(loop->sockets[i]);
    if (loop->wakeup >= 0)
        close(loop->wakeup);
    pl_wait_close(loop);
    pl_memory_unmap(loop, loop->memory_size);
}

int pl_loop_add_socket(struct pl_loop *loop, int fd, uint32_t buffer_bytes, struct pl_error *error)
{
    uint32_t index = atomic_load(&loop->socket_count);
    if (index == loop->options.sockets_max) {
        return pl_fail(error, ENOSPC, "a packet loop for %u sockets is given one more", index);
    }
    if (buffer_bytes == 0 || buffer_bytes > 65536) {
        return pl_fail(error, EINVAL, "a datagram buffer of %u bytes is asked for", buffer_bytes);
    }
    struct pl_socket *socket = pl_socket_create(fd, &loop->options, buffer_bytes, error);
    if (socket == NULL)
        return -1;
    socket->index = (uint16_t)index;
    if (pl_wait_add(loop, fd, index) != 0) {
        int code = errno;
        pl_memory_unmap(socket, socket->memory_size);  // the descriptor stays the caller's
        return pl_fail(error, code, "cannot wait for socket %d", fd);
    }
    loop->sockets[index] = socket;
    atomic_store_explicit(&loop->socket_count, index + 1, memory_order_release);
    return (int)index;
}

static void read_socket(struct pl_loop *loop, struct pl_socket *socket)
{
    const struct pl_handlers *handlers = &loop->options.handlers;
    // A row of datagrams costs its handler as much as if they had come one by one.
    uint32_t most = socket->is_coalesced ? socket->batch : BATCHES_PER_TURN * socket->batch;
    uint32_t taken = 0;
    while (taken < most) {
        uint32_t messages = pl_socket_receive(socket);
        uint32_t count;
        while ((count = pl_socket_show(socket)) != 0) {
            taken += count;
            loop->has_read = true;
            handlers->on_batch(handlers->context, loop, socket->datagrams, count, pl_now());
            pl_loop_flush(loop);  // before the next batch takes the same memory
            if (loop->keeper != NULL)
                pl_refused_forget(loop);
        }
        if (messages < socket->messages)
            return;
    }
    loop->is_behind = true;
}

// Waits for more to come, when that is wanted and nothing is late already.
static void gather(struct pl_loop *loop, int ready)
{
    if (loop->options.gather_nanoseconds == 0 || ready == 0 || loop->is_behind)
        return;
    struct timespec time = {.tv_nsec = loop->options.gather_nanoseconds};
    (void)nanosleep(&time, NULL);  // a signal ends it early, which is as well
}

// Leaves what may come alone until the next moment at which a loop that rests reads.
static void rest(struct pl_loop *loop, uint64_t deadline)
{
    if (!loop->rests || loop->is_behind)
        return;
    uint64_t period = loop->options.rest_nanoseconds;
    uint64_t end = (pl_now() / period + 1) * period;
    pl_wait_deaf(loop, deadline < end ? deadline : end);
}

// Waits until there is something to do, and returns how many descriptors are ready.
static int wait(struct pl_loop *loop, uint64_t deadline)
{
    rest(loop, deadline);
    int count = pl_wait(loop, loop->rests ? 0 : deadline);
    PL_REQUIRE(count >= 0 || errno == EINTR);  // else a descriptor was closed under us
    if (!loop->rests)
        loop->waiting_since = pl_now();
    gather(loop, count);
    return count;
}

// Whether the loop rests from now on: what it has just read came soon after what it read before.
static void note_reading(struct pl_loop *loop)
{
    uint64_t period = loop->options.rest_nanoseconds;
    if (period == 0)
        return;
    uint64_t now = pl_now();
    uint64_t pause = now - loop->read_at;
    if (loop->has_read) {
        loop->rests = pause < period + period / 2;
        loop->read_at = now;
    } else if (pause >= period + period / 2) {
        loop->rests = false;
    }
    loop->waiting_since = now;
    loop->has_read = false;
}

static void handle_event(struct pl_loop *loop, uint32_t mark)
{
    if (mark == PL_WAKEUP_MARK) {
        uint64_t value;
        (void)!read(loop->wakeup, &value, sizeof value);  // the wake-up itself is all it says
        return;
    }
    if (mark != PL_NEWS_MARK)
        read_socket(loop, loop->sockets[mark]);
}

// News first: what is sent in this turn goes where it has to go now.
static void wake_frames(struct pl_loop *loop, int count)
{
    bool has_news = false;
    for (int i = 0; i < count; i++)
        has_news = has_news || loop->ready[i] == PL_NEWS_MARK;
    pl_frames_wake(loop, has_news);
}

static uint64_t finish_turn(struct pl_loop *loop)
{
    const struct pl_handlers *handlers = &loop->options.handlers;
    uint64_t deadline = handlers->on_turn(handlers->context, loop, pl_now());
    pl_loop_flush(loop);
    if (loop->keeper != NULL)
        pl_refused_forget(loop);
    pl_count(&loop->turns, 1);
    if (loop->frames == NULL)
        return deadline;
    uint64_t again = pl_frames_turn(loop);
    return again < deadline ? again : deadline;
}

void pl_loop_run(struct pl_loop *loop)
{
    // Else the kernel may make 50 microseconds more of it.
    if (loop->options.gather_nanoseconds != 0)
        (void)prctl(PR_SET_TIMERSLACK, 1ul);
    uint64_t deadline = finish_turn(loop);
    while (!atomic_load(&loop->stopping)) {
        int count = wait(loop, deadline);
        loop->is_behind = false;
        if (loop->frames != NULL)
            wake_frames(loop, count);
        for (int i = 0; i < count; i++)
            handle_event(loop, loop->ready[i]);
        note_reading(loop);
        deadline = finish_turn(loop);
    }
}

uint64_t pl_loop_waiting_since(const struct pl_loop *loop)
{
    return loop->waiting_since;
}

void pl_loop_wake(struct pl_loop *loop)
{
    int saved = errno;  // a signal handler must not change what it interrupted
    uint64_t one = 1;
    (void)!write(loop->wakeup, &one, sizeof one);  // fails only when a wake-up is due anyway
    errno = saved;
}

void pl_loop_stop(struct pl_loop *loop)
{
    atomic_store(&loop->stopping, true);
    pl_loop_wake(loop);
}
