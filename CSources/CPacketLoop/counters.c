// Reading the counters from another thread.
#include "internal.h"

#include <linux/sock_diag.h>

// struct pl_counters is nothing but 64-bit figures, so it can be walked as an array.
#define FIGURE_COUNT (sizeof(struct pl_counters) / sizeof(uint64_t))

static uint64_t read_kernel_drops(int fd)
{
    uint32_t figures[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof figures;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &length) != 0)
        return 0;
    return figures[SK_MEMINFO_DROPS];
}

static void add_socket(const struct pl_socket *socket, struct pl_counters *out)
{
    const uint64_t *from = (const uint64_t *)&socket->counters;
    uint64_t *to = (uint64_t *)out;
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
    out->dropped_by_kernel += read_kernel_drops(socket->fd);
}

void pl_loop_counters(const struct pl_loop *loop, struct pl_counters *out)
{
    *out = (struct pl_counters){.turns = __atomic_load_n(&loop->turns, __ATOMIC_RELAXED)};
    uint32_t count = atomic_load_explicit(&loop->socket_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++)
        add_socket(loop->sockets[i], out);
}

void pl_loop_socket_counters(const struct pl_loop *loop, uint16_t socket, struct pl_counters *out)
{
    PL_REQUIRE(socket < atomic_load_explicit(&loop->socket_count, memory_order_acquire));
    *out = (struct pl_counters){0};
    add_socket(loop->sockets[socket], out);
}
