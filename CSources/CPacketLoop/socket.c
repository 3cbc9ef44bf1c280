// Opening UDP sockets.
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_BUFFER_BYTES (4 << 20)

static void address_text(const struct pl_address *address, char *text, size_t size) {
    if (pl_is_v4(address))
        inet_ntop(AF_INET, address->ip + 12, text, (socklen_t)size);
    else
        inet_ntop(AF_INET6, address->ip, text, (socklen_t)size);
}

// As root the limits of net.core do not bind; else the kernel gives what it allows.
static void set_buffers(int descriptor, int bytes) {
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int set_up(int descriptor, const struct pl_socket_options *options, bool is_v4) {
    int on = 1;
    set_buffers(descriptor, options->buffer_bytes ? options->buffer_bytes : DEFAULT_BUFFER_BYTES);
    if (!is_v4 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) return -1;
    if (options->reuse_port && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
        return -1;
    // Path MTU discovery on: a datagram that does not fit is refused and counted, never cut up.
    int discover = is_v4 ? IP_PMTUDISC_DO : IPV6_PMTUDISC_DO;
    return is_v4 ? setsockopt(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover)
                 : setsockopt(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover,
                              sizeof discover);
}

int pl_socket_open(const struct pl_socket_options *options, struct pl_address *bound,
                   struct pl_error *error) {
    bool is_v4 = pl_is_v4(&options->local);
    char text[INET6_ADDRSTRLEN];
    address_text(&options->local, text, sizeof text);
    int descriptor =
        socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return pl_fail(error, errno, "cannot make a UDP socket");
    union pl_sockaddr local;
    socklen_t length;
    pl_to_sockaddr(&options->local, is_v4, &local, &length);
    if (set_up(descriptor, options, is_v4)) {
        pl_fail(error, errno, "cannot set up a UDP socket for %s", text);
    } else if (bind(descriptor, &local.any, length)) {
        pl_fail(error, errno, "cannot bind %s port %u/udp", text, options->local.port);
    } else if (getsockname(descriptor, &local.any, &length)) {
        pl_fail(error, errno, "cannot read the address of a socket on %s", text);
    } else {
        if (bound) pl_from_sockaddr(&local, bound);
        return descriptor;
    }
    close(descriptor);
    return -1;
}
