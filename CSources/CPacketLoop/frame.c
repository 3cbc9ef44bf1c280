// Writing one frame: Ethernet, IPv4 (RFC 791) or IPv6 (RFC 8200), UDP (RFC 768).
#include "frames.h"

#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#define IP_DONT_FRAGMENT 0x4000

// Adds to a ones' complement sum, kept in 64 bits (RFC 1071: the order of the bytes in a word, and
// the width of the sum, do not matter). `bytes` begins at an even place of what is summed.
static uint64_t add_bytes(uint64_t sum, const uint8_t *bytes, uint32_t length)
{
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        sum += word;
        sum += sum < word;
        bytes += 8;
        length -= 8;
    }
    uint64_t rest = 0;
    memcpy(&rest, bytes, length);
    sum += rest;
    return sum + (sum < rest);
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xFFFFFFFF) + (sum >> 32);
    sum = (sum & 0xFFFFFFFF) + (sum >> 32);
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static void write_ethernet(uint8_t *frame, const struct pl_link *link, const struct pl_hop *hop,
                           uint16_t type)
{
    struct ether_header header = {.ether_type = htons(type)};
    memcpy(header.ether_dhost, hop->mac, sizeof header.ether_dhost);
    memcpy(header.ether_shost, link->mac, sizeof header.ether_shost);
    memcpy(frame, &header, sizeof header);
}

// The identification is 0, as it may be where DF is set (RFC 6864).
static uint32_t write_ipv4(uint8_t *place, uint8_t hop_limit, const struct pl_address *local,
                           const struct pl_address *peer, uint32_t length)
{
    struct iphdr header = {.version = 4,
                           .ihl = 5,
                           .tot_len = htons((uint16_t)(sizeof header + length)),
                           .frag_off = htons(IP_DONT_FRAGMENT),
                           .ttl = hop_limit,
                           .protocol = IPPROTO_UDP};
    memcpy(&header.saddr, local->ip + 12, sizeof header.saddr);
    memcpy(&header.daddr, peer->ip + 12, sizeof header.daddr);
    header.check = fold(add_bytes(0, (const uint8_t *)&header, sizeof header));
    memcpy(place, &header, sizeof header);
    return sizeof header;
}

// The flow label that RFC 6437 asks for: the same for all packets of a flow.
static uint32_t flow_label(const struct pl_address *local, const struct pl_address *peer)
{
    uint64_t words[2];
    memcpy(words, peer->ip, sizeof words);
    uint64_t mixed =
        (words[0] ^ words[1] ^ ((uint64_t)local->port << 16 | peer->port)) * 0x9E3779B97F4A7C15ull;
    return (uint32_t)(mixed >> 44);
}

static uint32_t write_ipv6(uint8_t *place, uint8_t hop_limit, const struct pl_address *local,
                           const struct pl_address *peer, uint32_t length)
{
    struct ip6_hdr header = {.ip6_flow = htonl(6u << 28 | flow_label(local, peer)),
                             .ip6_plen = htons((uint16_t)length)};
    header.ip6_nxt = IPPROTO_UDP;
    header.ip6_hlim = hop_limit;
    memcpy(&header.ip6_src, local->ip, sizeof header.ip6_src);
    memcpy(&header.ip6_dst, peer->ip, sizeof header.ip6_dst);
    memcpy(place, &header, sizeof header);
    return sizeof header;
}

// The header, and the sum over it, the payload behind it, and the addresses. Both families' pseudo
// headers give the same sum (RFC 8200, section 8.1).
static void write_udp(uint8_t *place, const struct pl_address *local, const struct pl_address *peer,
                      uint32_t length)
{
    bool is_ipv4 = pl_address_is_ipv4(peer);
    uint32_t skip = is_ipv4 ? 12 : 0;
    uint16_t udp_length = (uint16_t)(sizeof(struct udphdr) + length);
    struct udphdr header = {
        .source = htons(local->port), .dest = htons(peer->port), .len = htons(udp_length)};
    uint64_t sum = (uint64_t)htons(IPPROTO_UDP) + htons(udp_length);
    sum = add_bytes(sum, local->ip + skip, 16 - skip);
    sum = add_bytes(sum, peer->ip + skip, 16 - skip);
    sum = add_bytes(sum, (const uint8_t *)&header, sizeof header);
    header.check = fold(add_bytes(sum, place + sizeof header, length));
    if (header.check == 0)
        header.check = 0xFFFF;  // 0 would say that there is none
    memcpy(place, &header, sizeof header);
}

uint32_t pl_frame_write(uint8_t *frame, const struct pl_link *link, const struct pl_hop *hop,
                        uint8_t hop_limit, const struct pl_address *local,
                        const struct pl_address *peer, const uint8_t *bytes, uint32_t length)
{
    bool is_ipv4 = pl_address_is_ipv4(peer);
    uint32_t udp_length = (uint32_t)sizeof(struct udphdr) + length;
    uint8_t *place = frame + sizeof(struct ether_header);
    write_ethernet(frame, link, hop, is_ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
    place += is_ipv4 ? write_ipv4(place, hop_limit, local, peer, udp_length)
                     : write_ipv6(place, hop_limit, local, peer, udp_length);
    memcpy(place + sizeof(struct udphdr), bytes, length);
    write_udp(place, local, peer, length);
    return (uint32_t)(place - frame) + udp_length;
}
