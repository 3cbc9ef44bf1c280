// The interfaces that frames leave by: finding them, reading their state, opening their rings.
#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#define HOP_LIMIT_DEFAULT 64

// Reads a number that the kernel tells in a file; `otherwise` when it does not.
static int read_number(const char *path, int otherwise)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return otherwise;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    return length > 0 ? atoi(text) : otherwise;
}

static bool is_set(const char *name)
{
    const char *devices[] = {"all", "lo"};
    for (int i = 0; i < 2; i++) {
        char path[96];
        snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/%s", devices[i], name);
        if (read_number(path, 0) == 1)
            return true;
    }
    return false;
}

static void read_hop_limits(struct pl_link *link, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/hop_limit", name);
    link->hop_limits[0] =
        (uint8_t)read_number("/proc/sys/net/ipv4/ip_default_ttl", HOP_LIMIT_DEFAULT);
    link->hop_limits[1] = (uint8_t)read_number(path, HOP_LIMIT_DEFAULT);
}

void pl_link_read(struct pl_link *link)
{
    struct ifreq request = {0};
    link->is_up = false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (if_indextoname((unsigned)link->index, request.ifr_name) != NULL) {
        bool has_flags = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
        int flags = request.ifr_flags;
        bool has_mtu = ioctl(fd, SIOCGIFMTU, &request) == 0;
        link->mtu = (uint32_t)request.ifr_mtu;
        bool has_mac = ioctl(fd, SIOCGIFHWADDR, &request) == 0;
        int type = request.ifr_hwaddr.sa_family;
        memcpy(link->mac, request.ifr_hwaddr.sa_data, sizeof link->mac);
        link->is_loopback = type == ARPHRD_LOOPBACK;
        link->has_frames = has_mac && (type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK);
        link->is_up = link->has_frames && has_flags && has_mtu && (flags & IFF_UP) != 0 &&
                      (flags & IFF_RUNNING) != 0;
        // A frame on the loopback interface is treated like one that comes from outside.
        if (link->is_loopback) {
            link->takes_ipv4 = is_set("route_localnet") && is_set("accept_local");
        }
        read_hop_limits(link, request.ifr_name);
    }
    close(fd);
}

static bool has_address(const struct ifaddrs *entry, const struct pl_address *address)
{
    if (entry->ifa_addr == NULL)
        return false;
    bool is_ipv4 = entry->ifa_addr->sa_family == AF_INET;
    if (!is_ipv4 && entry->ifa_addr->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 name = {0};
    memcpy(&name, entry->ifa_addr, is_ipv4 ? sizeof(struct sockaddr_in) : sizeof name);
    struct pl_address own;
    pl_address_from_kernel(&name, &own);
    // All of 127.0.0.0/8 is the loopback interface's.
    bool is_near =
        is_ipv4 && own.ip[12] == 127 && address->ip[12] == 127 && pl_address_is_ipv4(address);
    return is_near || memcmp(own.ip, address->ip, sizeof own.ip) == 0;
}

// The interface that has the address; 0 when there is none. Writes its name.
static int find_interface(const struct pl_address *address, char name[IF_NAMESIZE])
{
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0)
        return 0;
    int index = 0;
    for (struct ifaddrs *entry = list; entry != NULL && index == 0; entry = entry->ifa_next) {
        if (!has_address(entry, address))
            continue;
        index = (int)if_nametoindex(entry->ifa_name);
        snprintf(name, IF_NAMESIZE, "%s", entry->ifa_name);
    }
    freeifaddrs(list);
    return index;
}

static int fail_to_open(int code, const char *name, uint32_t queue, struct pl_error *error)
{
    switch (code) {
    case EPERM:
        return pl_fail(error, code, "sending frames wants CAP_NET_RAW");
    case EBUSY:
        return pl_fail(error, code, "another AF_XDP socket has queue %u of %s", queue, name);
    case EINVAL:
        return pl_fail(error, code, "%s has no queue %u to send frames by", name, queue);
    default:
        return pl_fail(error, code, "%s takes no frames from us", name);
    }
}

static int add_link(struct pl_loop *loop, int index, const char *name, uint32_t queue,
                    struct pl_error *error)
{
    struct pl_frames *frames = loop->frames;
    for (uint32_t i = 0; i < frames->link_count; i++) {
        if (frames->links[i].index == index)
            return 0;
    }
    if (frames->link_count == PL_LINKS_MAX) {
        return pl_fail(error, 0, "frames leave by %d interfaces at most", PL_LINKS_MAX);
    }
    struct pl_link *link = &frames->links[frames->link_count];
    *link = (struct pl_link){.index = index, .queue = queue};
    pl_link_read(link);
    if (!link->has_frames)
        return pl_fail(error, 0, "%s is no Ethernet interface", name);
    if (link->ring.memory == NULL) {
        link->ring.memory = pl_memory_map(PL_RING_FRAMES * PL_FRAME_BYTES, loop->options.numa_node);
    }
    if (link->ring.memory == NULL)
        return pl_fail(error, ENOMEM, "no memory for frames");
    if (pl_ring_open(&link->ring, index, queue) != 0) {
        int code = errno;
        pl_memory_unmap(link->ring.memory, PL_RING_FRAMES * PL_FRAME_BYTES);
        return fail_to_open(code, name, queue, error);
    }
    frames->link_count++;
    return 0;
}

static int open_frames(struct pl_loop *loop, struct pl_error *error)
{
    if (loop->frames != NULL)
        return 0;
    struct pl_frames *frames = pl_memory_map(sizeof *frames, loop->options.numa_node);
    if (frames == NULL)
        return pl_fail(error, ENOMEM, "no memory for the ways of frames");
    loop->frames = frames;
    frames->generation = 1;
    frames->now = pl_now();
    // Without it (which cannot be), who chooses addresses could fill a few places of the table.
    (void)!getrandom(&frames->secret, sizeof frames->secret, GRND_NONBLOCK);
    if (pl_netlink_open(frames) != 0 || pl_wait_add(loop, frames->news, PL_NEWS_MARK) != 0) {
        int code = errno;
        pl_frames_close(loop);
        return pl_fail(error, code, "cannot ask the kernel for routes");
    }
    return 0;
}

void pl_frames_close(struct pl_loop *loop)
{
    struct pl_frames *frames = loop->frames;
    if (frames == NULL)
        return;
    for (uint32_t i = 0; i < frames->link_count; i++) {
        pl_ring_close(&frames->links[i].ring);
        pl_memory_unmap(frames->links[i].ring.memory, PL_RING_FRAMES * PL_FRAME_BYTES);
    }
    if (frames->news > 0)
        close(frames->news);
    if (frames->questions.fd > 0)
        close(frames->questions.fd);
    pl_memory_unmap(frames, sizeof *frames);
    loop->frames = NULL;
}

uint64_t pl_frames_bytes(uint32_t interfaces)
{
    return sizeof(struct pl_frames) + (uint64_t)interfaces * PL_RING_FRAMES * PL_FRAME_BYTES;
}

// One address that frames can leave from: no wildcard, and none that means another host elsewhere.
static bool is_one_address(const struct pl_address *address)
{
    struct in6_addr ip;
    memcpy(&ip, address->ip, sizeof ip);
    struct pl_address any = {.ip = {[10] = 0xFF, [11] = 0xFF}};
    return memcmp(address->ip, any.ip, sizeof any.ip) != 0 && !IN6_IS_ADDR_UNSPECIFIED(&ip) &&
           !IN6_IS_ADDR_LINKLOCAL(&ip);
}

int pl_loop_send_frames(struct pl_loop *loop, uint16_t socket_index, uint32_t queue,
                        struct pl_error *error)
{
    PL_REQUIRE(socket_index < atomic_load(&loop->socket_count));
    struct pl_socket *socket = loop->sockets[socket_index];
    char name[IF_NAMESIZE] = "";
    if (pl_socket_address(socket->fd, &socket->local, error) != 0)
        return -1;
    if (socket_index > UINT8_MAX || !is_one_address(&socket->local)) {
        return pl_fail(error, 0, "frames leave only from sockets with one address, no wildcard");
    }
    int index = find_interface(&socket->local, name);
    if (index == 0)
        return pl_fail(error, 0, "no interface has the address to send frames from");
    if (open_frames(loop, error) != 0 || add_link(loop, index, name, queue, error) != 0)
        return -1;
    socket->sends_frames = true;
    return 0;
}
