// How long a datagram may be on its way to a peer.
#include "frames.h"

#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#define IPV4_HEADERS_BYTES (20 + 8)
#define IPV6_HEADERS_BYTES (40 + 8)

static bool is_wildcard(const struct pl_address *address)
{
    static const uint8_t zeros[16];
    bool is_ipv4 = pl_address_is_ipv4(address);
    return memcmp(address->ip + (is_ipv4 ? 12 : 0), zeros, is_ipv4 ? 4 : 16) == 0;
}

// What the kernel says of the way that a datagram would take now, all that can be known included:
// asked by a socket that sends nothing. Returns an MTU, or 0 when there is no way.
static int ask_mtu(const struct pl_address *local, const struct pl_address *peer)
{
    bool is_ipv4 = pl_address_is_ipv4(peer);
    sa_family_t family = is_ipv4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    struct sockaddr_in6 from, to;
    struct pl_address any_port = *local;
    any_port.port = 0;
    socklen_t from_length = pl_address_to_kernel(&any_port, family, false, &from);
    socklen_t to_length = pl_address_to_kernel(peer, family, false, &to);
    int mtu = 0;
    socklen_t size = sizeof mtu;
    bool is_bound = is_wildcard(local) ||
                    (from_length != 0 && bind(fd, (struct sockaddr *)&from, from_length) == 0);
    if (!is_bound || connect(fd, (struct sockaddr *)&to, to_length) != 0 ||
        getsockopt(fd, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, is_ipv4 ? IP_MTU : IPV6_MTU, &mtu,
                   &size) != 0) {
        mtu = 0;
    }
    close(fd);
    return mtu;
}

// Whether the way's MTU is what a hop has reported, and not what somebody here has set.
static bool is_reported(const struct pl_address *local, const struct pl_address *peer)
{
    struct pl_questions questions = {0};
    if (pl_questions_open(&questions) != 0)
        return false;
    struct pl_route route = {0};
    bool is_there = pl_netlink_route(&questions, local, peer, &route);
    close(questions.fd);
    return is_there && route.is_reported;
}

uint32_t pl_path_bytes(const struct pl_address *local, const struct pl_address *peer)
{
    bool is_ipv4 = pl_address_is_ipv4(peer);
    int headers = is_ipv4 ? IPV4_HEADERS_BYTES : IPV6_HEADERS_BYTES;
    int bytes = ask_mtu(local, peer) - headers;
    if (bytes <= 0)
        return 0;
    if (bytes < PL_REPORTED_BYTES_MIN && is_reported(local, peer))
        return PL_REPORTED_BYTES_MIN;
    return (uint32_t)bytes;
}
