// Busy polling: a thread that waits asks the network interface itself, so that a packet costs no
// interrupt and no wake-up. It pays with the whole CPU for latency and throughput under load.
#include "internal.h"

#include <errno.h>
#include <sys/ioctl.h>

// Packets taken by one poll of an interface; more needs a right of its own.
#define POLL_BUDGET 64

// Linux 6.9's way of telling one epoll instance, which Debian 12's headers do not have yet.
struct poll_settings {
    uint32_t microseconds;
    uint16_t budget;
    uint8_t prefers;
    uint8_t padding;
};
#define SET_POLL_SETTINGS _IOW(0x8A, 0x01, struct poll_settings)

// The same for those who read the socket without epoll; the kernel also looks at it to decide
// whether the interface's interrupts stay off.
static int set_socket(int fd, int microseconds)
{
    const int names[] = {SO_PREFER_BUSY_POLL, SO_BUSY_POLL, SO_BUSY_POLL_BUDGET};
    const int values[] = {1, microseconds, POLL_BUDGET};
    int code = 0;
    for (size_t i = 0; i < 3; i++) {
        if (setsockopt(fd, SOL_SOCKET, names[i], &values[i], sizeof values[i]) != 0)
            code = errno;
    }
    return code;
}

int pl_loop_busy_poll(struct pl_loop *loop, uint32_t microseconds, struct pl_error *error)
{
    int code = 0;
    uint32_t count = atomic_load(&loop->socket_count);
    for (uint32_t i = 0; i < count; i++) {
        int result = set_socket(loop->sockets[i]->fd, (int)microseconds);
        if (result != 0)
            code = result;
    }
    struct poll_settings settings = {
        .microseconds = microseconds, .budget = POLL_BUDGET, .prefers = 1};
    // poll() looks at a setting of the whole system instead (net.core.busy_poll).
    if (pl_wait_use_epoll(loop) != 0)
        code = errno;
    else if (ioctl(loop->epoll, SET_POLL_SETTINGS, &settings) != 0)
        code = errno;
    return code == 0 ? 0 : pl_fail(error, code, "busy polling is refused in part");
}
