// Opening UDP sockets with the options that a packet loop wants.
#include "internal.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES_DEFAULT (4 << 20)
#define CLAIM_ERRORS_MAX 16
#define BUFFER_BYTES_MAX (1 << 29)  // the kernel doubles it, in an int

// Asks for a kernel queue of `bytes`: past the system's limit when we may, up to it otherwise.
// Getting less is no error: pl_socket_receive_buffer_bytes tells what was granted.
static void set_buffer_bytes(int fd, int forced, int bounded, int bytes)
{
    if (bytes == 0)
        bytes = BUFFER_BYTES_DEFAULT;
    if (bytes > BUFFER_BYTES_MAX)
        bytes = BUFFER_BYTES_MAX;
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, bounded, &bytes, sizeof bytes);
}

// DF on every datagram, and EMSGSIZE instead of fragments above the path's known MTU. A fragment
// lost is the whole bundle lost, and many middleboxes drop fragments altogether.
static int forbid_fragments(int fd, sa_family_t family, bool takes_ipv4, bool ignores_path_mtu)
{
    int value = ignores_path_mtu ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DO;
    if (family == AF_INET || takes_ipv4) {
        int result = setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value);
        if (result != 0 || family == AF_INET)
            return result;
    }
    value = ignores_path_mtu ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DO;
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, sizeof value) != 0)
        return -1;
    value = 1;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &value, sizeof value);
}

static int set_options(int fd, sa_family_t family, const struct pl_socket_options *options,
                       struct pl_error *error)
{
    int one = 1;
    int is_ipv6_only = !options->takes_ipv4;
    if (family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only, sizeof is_ipv6_only) != 0) {
        return pl_fail(error, errno, "cannot choose the IP versions of a UDP socket");
    }
    if (options->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) {
        return pl_fail(error, errno, "cannot share a UDP port between workers (SO_REUSEPORT)");
    }
    if (forbid_fragments(fd, family, options->takes_ipv4 != 0, options->ignores_path_mtu != 0) !=
        0) {
        return pl_fail(error, errno, "cannot forbid fragmentation on a UDP socket");
    }
    // Without it a datagram is a message, as ever.
    if (options->coalesce)
        (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
    set_buffer_bytes(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->buffer_bytes);
    set_buffer_bytes(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->buffer_bytes);
    return 0;
}

// Says why an address could not be bound and, when it is taken, by whom.
static int fail_to_bind(const struct pl_address *address, int code, struct pl_error *error)
{
    char text[PL_ADDRESS_TEXT_SIZE];
    pl_fail(error, code, "cannot bind %s/udp", pl_address_text(address, text));
    struct pl_port_holder holder;
    if (error == NULL || code != EADDRINUSE || !pl_port_find_holder(PL_UDP, address, &holder) ||
        holder.process == 0) {
        return -1;
    }
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, " (by %s, process %d)", holder.name,
             holder.process);
    return -1;
}

// Binds and reads back the real address, into `bound` when that is wanted.
static int bind_socket(int fd, sa_family_t family, const struct pl_address *local,
                       struct pl_address *bound, struct pl_error *error)
{
    struct sockaddr_in6 name;
    socklen_t length = pl_address_to_kernel(local, family, false, &name);
    if (bind(fd, (struct sockaddr *)&name, length) != 0)
        return fail_to_bind(local, errno, error);
    return bound == NULL ? 0 : pl_socket_address(fd, bound, error);
}

int pl_claim_share(int fd, struct pl_error *error)
{
    int one = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0)
        return 0;
    return pl_fail(error, errno, "cannot share a UDP port between workers (SO_REUSEPORT)");
}

uint64_t pl_claim_empty(int fd)
{
    uint64_t count = 0;
    uint32_t errors = 0;
    char byte;
    // An error that the network has reported is told once, and what waits comes after it.
    while (errors < CLAIM_ERRORS_MAX) {
        if (recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0)
            count++;
        else if (errno == EAGAIN)
            break;
        else
            errors++;
    }
    return count;
}

int pl_socket_address(int fd, struct pl_address *out, struct pl_error *error)
{
    struct sockaddr_in6 name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        return pl_fail(error, errno, "cannot read the address of socket %d", fd);
    }
    pl_address_from_kernel(&name, out);
    return 0;
}

int pl_socket_open(const struct pl_socket_options *options, struct pl_address *bound,
                   struct pl_error *error)
{
    sa_family_t family = pl_address_is_ipv4(&options->local) ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return pl_fail(error, errno, "cannot open a UDP socket");
    if (set_options(fd, family, options, error) != 0 ||
        bind_socket(fd, family, &options->local, bound, error) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int64_t pl_socket_receive_buffer_bytes(int fd)
{
    int value = 0;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length) != 0)
        return -1;
    return value / 2;
}
