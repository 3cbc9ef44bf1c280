// What the kernel knows of routes and neighbours, asked and listened to (rtnetlink(7)).
#include "frames.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

// Messages of news that one turn reads.
#define NEWS_PER_TURN 64
#define NEIGHBOUR_IS_THERE \
    (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

// A question under construction. The header is followed by an rtmsg or an ndmsg.
struct question {
    struct nlmsghdr header;
    uint8_t rest[256];
};

static uint32_t group(uint32_t number)
{
    return 1u << (number - 1);
}

static int open_netlink(uint32_t groups)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

int pl_questions_open(struct pl_questions *questions)
{
    questions->fd = open_netlink(0);
    return questions->fd < 0 ? -1 : 0;
}

int pl_path_news_open(struct pl_error *error)
{
    int fd =
        open_netlink(group(RTNLGRP_LINK) | group(RTNLGRP_IPV4_IFADDR) | group(RTNLGRP_IPV4_ROUTE) |
                     group(RTNLGRP_IPV4_RULE) | group(RTNLGRP_IPV6_IFADDR) |
                     group(RTNLGRP_IPV6_ROUTE) | group(RTNLGRP_IPV6_RULE) | group(RTNLGRP_NEXTHOP));
    return fd < 0 ? pl_fail(error, errno, "cannot listen to changes of routes") : fd;
}

bool pl_path_news_read(int fd)
{
    uint8_t news[16384];
    bool is_any = false;
    for (int i = 0; i < NEWS_PER_TURN; i++) {
        ssize_t length = recv(fd, news, sizeof news, MSG_DONTWAIT);
        if (length < 0 && errno == EAGAIN)
            break;
        is_any = true;  // or something was missed (ENOBUFS)
    }
    return is_any;
}

int pl_netlink_open(struct pl_frames *frames)
{
    frames->news = open_netlink(
        group(RTNLGRP_LINK) | group(RTNLGRP_NEIGH) | group(RTNLGRP_IPV4_IFADDR) |
        group(RTNLGRP_IPV4_ROUTE) | group(RTNLGRP_IPV4_RULE) | group(RTNLGRP_IPV6_IFADDR) |
        group(RTNLGRP_IPV6_ROUTE) | group(RTNLGRP_IPV6_RULE) | group(RTNLGRP_NEXTHOP));
    int result = pl_questions_open(&frames->questions);
    return frames->news < 0 ? -1 : result;
}

static void begin(struct question *question, struct pl_questions *questions, uint16_t type,
                  const void *body, uint32_t length)
{
    memset(question, 0, sizeof *question);
    question->header.nlmsg_type = type;
    question->header.nlmsg_flags = NLM_F_REQUEST;
    question->header.nlmsg_seq = ++questions->sequence;
    question->header.nlmsg_len = NLMSG_LENGTH(length);
    memcpy(NLMSG_DATA(&question->header), body, length);
}

static void add(struct question *question, uint16_t type, const void *value, uint16_t length)
{
    struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(length)};
    uint8_t *place = (uint8_t *)question + NLMSG_ALIGN(question->header.nlmsg_len);
    memcpy(place, &attribute, sizeof attribute);
    memcpy(place + RTA_LENGTH(0), value, length);
    question->header.nlmsg_len = NLMSG_ALIGN(question->header.nlmsg_len) + RTA_LENGTH(length);
}

// An address as the kernel has it: 4 or 16 bytes.
static void add_ip(struct question *question, uint16_t type, const uint8_t ip[16], bool is_ipv4)
{
    if (is_ipv4)
        add(question, type, ip + 12, 4);
    else
        add(question, type, ip, 16);
}

// Sends the question and reads the answer to it, which is there at once: the kernel answers in the
// sender's own call. NULL when the answer is an error.
static struct nlmsghdr *ask(const struct pl_questions *questions, const struct question *question,
                            uint8_t *answer, size_t size)
{
    if (send(questions->fd, question, question->header.nlmsg_len, 0) < 0)
        return NULL;
    while (true) {
        ssize_t length = recv(questions->fd, answer, size, MSG_DONTWAIT);
        struct nlmsghdr *header = (struct nlmsghdr *)answer;
        if (length < 0)
            return NULL;
        if (!NLMSG_OK(header, (uint32_t)length))
            continue;
        // What is left of an earlier question is passed over.
        if (header->nlmsg_seq != question->header.nlmsg_seq)
            continue;
        return header->nlmsg_type == NLMSG_ERROR ? NULL : header;
    }
}

static void read_ip(const struct rtattr *attribute, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (RTA_PAYLOAD(attribute) == 16) {
        memcpy(ip, RTA_DATA(attribute), 16);
    } else if (RTA_PAYLOAD(attribute) == 4) {
        ip[10] = ip[11] = 0xFF;
        memcpy(ip + 12, RTA_DATA(attribute), 4);
    }
}

static uint8_t hop_limit_of(struct rtattr *metrics)
{
    struct rtattr *metric = RTA_DATA(metrics);
    int left = (int)RTA_PAYLOAD(metrics);
    for (; RTA_OK(metric, left); metric = RTA_NEXT(metric, left)) {
        uint32_t value = 0;
        if (metric->rta_type != RTAX_HOPLIMIT || RTA_PAYLOAD(metric) < sizeof value)
            continue;
        memcpy(&value, RTA_DATA(metric), sizeof value);
        return value > 255 ? 0 : (uint8_t)value;
    }
    return 0;
}

// Whether something of the route is known for a time only, as what hops have reported is.
static bool expires(const struct rtattr *attribute)
{
    struct rta_cacheinfo information;
    if (RTA_PAYLOAD(attribute) < sizeof information)
        return false;
    memcpy(&information, RTA_DATA(attribute), sizeof information);
    return information.rta_expires != 0;
}

// Whether a frame can go the way that the attributes describe: not through a tunnel, not to a
// gateway of the other family, not by several ways at once.
static bool read_way(struct rtattr *attribute, int left, struct pl_route *route)
{
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        switch (attribute->rta_type) {
        case RTA_OIF:
            if (RTA_PAYLOAD(attribute) < sizeof route->link_index)
                return false;
            memcpy(&route->link_index, RTA_DATA(attribute), sizeof route->link_index);
            break;
        case RTA_GATEWAY:
            route->has_gateway = true;
            read_ip(attribute, route->gateway);
            break;
        case RTA_CACHEINFO:
            route->is_reported = expires(attribute);
            break;
        case RTA_METRICS:
            route->hop_limit = hop_limit_of(attribute);
            break;
        case RTA_VIA:
        case RTA_ENCAP:
        case RTA_MULTIPATH:
            return false;
        default:
            break;
        }
    }
    return route->link_index > 0;
}

bool pl_netlink_route(struct pl_questions *questions, const struct pl_address *local,
                      const struct pl_address *peer, struct pl_route *route)
{
    bool is_ipv4 = pl_address_is_ipv4(peer);
    uint8_t bits = is_ipv4 ? 32 : 128;
    uint8_t protocol = IPPROTO_UDP;
    uint16_t from = htons(local->port);
    uint16_t to = htons(peer->port);
    struct rtmsg body = {
        .rtm_family = is_ipv4 ? AF_INET : AF_INET6, .rtm_dst_len = bits, .rtm_src_len = bits};
    struct question question;
    begin(&question, questions, RTM_GETROUTE, &body, sizeof body);
    add_ip(&question, RTA_DST, peer->ip, is_ipv4);
    add_ip(&question, RTA_SRC, local->ip, is_ipv4);
    // So that rules which look at them decide as they would for the datagram.
    add(&question, RTA_IP_PROTO, &protocol, sizeof protocol);
    add(&question, RTA_SPORT, &from, sizeof from);
    add(&question, RTA_DPORT, &to, sizeof to);
    alignas(struct nlmsghdr) uint8_t answer[4096];
    struct nlmsghdr *header = ask(questions, &question, answer, sizeof answer);
    if (header == NULL || header->nlmsg_type != RTM_NEWROUTE)
        return false;
    const struct rtmsg *found = NLMSG_DATA(header);
    if (found->rtm_type != RTN_UNICAST && found->rtm_type != RTN_LOCAL)
        return false;
    *route = (struct pl_route){.is_local = found->rtm_type == RTN_LOCAL};
    return read_way(RTM_RTA(found), (int)RTM_PAYLOAD(header), route);
}

// Reads a neighbour's address and, where it is known, its hardware address. Returns what it is
// worth: false when frames cannot go there.
static bool read_neighbour(const struct nlmsghdr *header, uint8_t ip[16], uint8_t mac[6])
{
    const struct ndmsg *body = NLMSG_DATA(header);
    struct rtattr *attribute =
        (struct rtattr *)((uint8_t *)NLMSG_DATA(header) + NLMSG_ALIGN(sizeof *body));
    int left = (int)NLMSG_PAYLOAD(header, sizeof *body);
    bool has_mac = false;
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == NDA_DST)
            read_ip(attribute, ip);
        if (attribute->rta_type == NDA_LLADDR && RTA_PAYLOAD(attribute) == 6) {
            memcpy(mac, RTA_DATA(attribute), 6);
            has_mac = true;
        }
    }
    return has_mac && header->nlmsg_type == RTM_NEWNEIGH &&
           (body->ndm_state & NEIGHBOUR_IS_THERE) != 0;
}

bool pl_netlink_neighbour(struct pl_questions *questions, int link_index, const uint8_t address[16],
                          uint8_t mac[6])
{
    struct pl_address whole = {.port = 0};
    memcpy(whole.ip, address, 16);
    bool is_ipv4 = pl_address_is_ipv4(&whole);
    struct ndmsg body = {.ndm_family = is_ipv4 ? AF_INET : AF_INET6, .ndm_ifindex = link_index};
    struct question question;
    begin(&question, questions, RTM_GETNEIGH, &body, sizeof body);
    add_ip(&question, NDA_DST, address, is_ipv4);
    alignas(struct nlmsghdr) uint8_t answer[4096];
    struct nlmsghdr *header = ask(questions, &question, answer, sizeof answer);
    uint8_t ip[16];
    return header != NULL && read_neighbour(header, ip, mac);
}

// Returns whether more than a neighbour has changed.
static bool take_news(struct pl_frames *frames, const struct nlmsghdr *header)
{
    const struct ndmsg *body = NLMSG_DATA(header);
    bool is_neighbour = header->nlmsg_type == RTM_NEWNEIGH || header->nlmsg_type == RTM_DELNEIGH;
    if (!is_neighbour)
        return true;
    if (body->ndm_family == AF_INET || body->ndm_family == AF_INET6) {
        uint8_t ip[16] = {0};
        uint8_t mac[6];
        bool is_there = read_neighbour(header, ip, mac);
        pl_frames_neighbour(frames, body->ndm_ifindex, ip, is_there ? mac : NULL);
    }
    return false;
}

// Reads one bundle of news. Returns false when there is none; sets `forgets` when what is known of
// routes may have become wrong.
static bool read_some(struct pl_frames *frames, bool *forgets)
{
    alignas(struct nlmsghdr) uint8_t news[16384];
    ssize_t length = recv(frames->news, news, sizeof news, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && errno == EINTR)
        return true;
    if (length < 0 && errno == EAGAIN)
        return false;
    if (length < 0 || length > (ssize_t)sizeof news) {
        *forgets = true;  // something was missed (ENOBUFS)
        return length >= 0 || errno == ENOBUFS;
    }
    struct nlmsghdr *header = (struct nlmsghdr *)news;
    uint32_t left = (uint32_t)length;
    for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
        *forgets = take_news(frames, header) || *forgets;
    }
    return true;
}

void pl_netlink_read(struct pl_frames *frames)
{
    bool forgets = false;
    for (int i = 0; i < NEWS_PER_TURN && read_some(frames, &forgets); i++) {
    }
    if (forgets)
        pl_frames_forget(frames);
}
