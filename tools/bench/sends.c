// What the kernel takes to send packets of 180 bytes to 1,000 addresses, with nothing else done:
// the floor under everything that sends so.
//
//     cc -O2 -o /tmp/sends tools/bench/sends.c -luring -lpthread && sudo /tmp/sends [--json]
//
// Six ways, on the loopback interface and over a veth pair into another network namespace, where
// the receiver is: sendmmsg and io_uring on a UDP socket; io_uring on a connected UDP socket for
// each address; IP_HDRINCL; and frames with headers and checksums of our own by AF_PACKET (sendmmsg
// past the qdisc) and AF_XDP (copy mode). Nanoseconds of the sender's CPU time for each packet, the
// median of three runs, and how many arrived. The receiver reads on CPU 0, the sender sends on the
// last CPU, and so the receiving half of either interface runs in the sender's time. Needs root,
// ip(8) and liburing-dev; makes network namespaces of its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEERS 1000
#define BYTES 180
#define HEADERS 42  // Ethernet, IPv4, UDP
#define BATCH 256
#define PACKETS 200000
#define RUNS 3
#define CHUNK 2048  // AF_XDP: the memory of a frame, and how many there are
#define CHUNKS 2048
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

// Where packets go: an interface, our address there, and the first of the addresses sent to.
struct place {
    const char *name, *device;
    uint32_t home, first;
};
static const struct place loopback = {"lo", "lo", 0x7F000001, 0x7F100001};
static const struct place wire = {"veth", "here0", 0x0A4C0001, 0x0A4D0001};

static struct sockaddr_in own, peers[PEERS];
static uint8_t packets[PEERS][BYTES];
static uint8_t headers[PEERS][HEADERS];  // without the UDP checksum
static _Atomic uint64_t received;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void command(const char *words)
{
    if (system(words) == 0)
        return;
    fprintf(stderr, "sends: failed: %s\n", words);
    exit(1);
}

static void bind_to_cpu(long cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("sends: cannot choose a CPU");
}

static int open_socket(int type, int protocol, uint32_t address, uint16_t port)
{
    int bytes = 64 << 20, one = 1;
    int fd = socket(AF_INET, type, protocol);
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = port};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    bytes = 4 << 20;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0)
        fail("sends: cannot open a socket");
    return fd;
}

// Reads everything, in large batches and at leisure, as a busy receiver does.
static void *receive(void *argument)
{
    static __thread char heads[BATCH][64];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec pieces[BATCH];
    bind_to_cpu(0);
    for (int i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){heads[i], sizeof heads[i]};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (true) {
        int count = recvmmsg((int)(intptr_t)argument, messages, BATCH, MSG_DONTWAIT, NULL);
        if (count > 0)
            received += (uint64_t)count;
        if (count < BATCH)
            usleep(300);
    }
    return NULL;
}

static double cpu_nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

// The ones' complement sum (RFC 1071), to be added up and folded; `length` is even.
static uint64_t sum_of(const uint8_t *bytes, int length)
{
    uint64_t sum = 0;
    for (; length >= 4; bytes += 4, length -= 4) {
        uint32_t word;
        memcpy(&word, bytes, sizeof word);
        sum += word;
    }
    uint16_t rest = 0;
    memcpy(&rest, bytes, (size_t)length);
    return sum + rest;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static void prepare_headers(const uint8_t from[6], const uint8_t to[6])
{
    for (int i = 0; i < PEERS; i++) {
        struct ether_header ethernet = {.ether_type = htons(ETHERTYPE_IP)};
        memcpy(ethernet.ether_shost, from, 6);
        memcpy(ethernet.ether_dhost, to, 6);
        struct iphdr ip = {.version = 4,
                           .ihl = 5,
                           .ttl = 64,
                           .protocol = IPPROTO_UDP,
                           .tot_len = htons(28 + BYTES),
                           .frag_off = htons(0x4000),
                           .saddr = own.sin_addr.s_addr,
                           .daddr = peers[i].sin_addr.s_addr};
        ip.check = fold(sum_of((uint8_t *)&ip, sizeof ip));
        struct udphdr udp = {
            .source = own.sin_port, .dest = peers[i].sin_port, .len = htons(8 + BYTES)};
        memcpy(headers[i], &ethernet, 14);
        memcpy(headers[i] + 14, &ip, 20);
        memcpy(headers[i] + 34, &udp, 8);
    }
}

// Writes a whole frame, as somebody has to who gets another payload each time.
static void write_frame(uint8_t *frame, int peer)
{
    memcpy(frame, headers[peer], HEADERS);
    memcpy(frame + HEADERS, packets[peer], BYTES);
    uint16_t check = fold(sum_of(frame + 26, 16 + BYTES) + htons(IPPROTO_UDP) + htons(8 + BYTES));
    memcpy(frame + 40, &check, sizeof check);
}

// The sockets of the ways. Each way sends some packets, the first of them to `first`, and returns
// how many.
static int udp, raw, packet, xdp;
static struct io_uring ring, connected_ring;
static uint8_t frames[BATCH][HEADERS + BYTES];

static int send_messages(int fd, int first, bool is_udp, int skip)
{
    static struct mmsghdr messages[BATCH];
    static struct iovec pieces[BATCH];
    for (int i = 0; i < BATCH; i++) {
        int peer = (first + i) % PEERS;
        pieces[i] = (struct iovec){packets[peer], BYTES};
        if (!is_udp) {
            write_frame(frames[i], peer);
            pieces[i] = (struct iovec){frames[i] + skip, HEADERS + BYTES - (size_t)skip};
        }
        bool is_named = fd != packet;
        messages[i].msg_hdr = (struct msghdr){.msg_name = is_named ? &peers[peer] : NULL,
                                              .msg_namelen = is_named ? sizeof peers[peer] : 0,
                                              .msg_iov = &pieces[i],
                                              .msg_iovlen = 1};
    }
    return sendmmsg(fd, messages, BATCH, 0);
}

static int by_sendmmsg(int first)
{
    return send_messages(udp, first, true, 0);
}

static int by_raw(int first)
{
    return send_messages(raw, first, false, 14);
}

static int by_packet(int first)
{
    return send_messages(packet, first, false, 0);
}

static int submit(struct io_uring *to)
{
    int count = io_uring_submit_and_get_events(to);
    if (io_uring_cq_ready(to) != 0) {
        fprintf(stderr, "sends: io_uring does not send\n");
        exit(1);
    }
    return count;
}

static int by_ring(int first)
{
    for (int i = 0; i < BATCH; i++) {
        int peer = (first + i) % PEERS;
        struct io_uring_sqe *entry = io_uring_get_sqe(&ring);
        io_uring_prep_send(entry, 0, packets[peer], BYTES, 0);
        entry->addr2 = (uint64_t)(uintptr_t)&peers[peer];
        entry->addr_len = sizeof peers[peer];
        entry->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    }
    return submit(&ring);
}

static int by_connected(int first)
{
    for (int i = 0; i < BATCH; i++) {
        int peer = (first + i) % PEERS;
        struct io_uring_sqe *entry = io_uring_get_sqe(&connected_ring);
        io_uring_prep_send(entry, peer, packets[peer], BYTES, 0);
        entry->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    }
    return submit(&connected_ring);
}

static uint8_t *chunks;
static struct xdp_desc *out;
static uint64_t *done;
static uint32_t *out_next, *out_taken, *done_next, *done_taken;

// A frame's memory follows its place in the ring; it is used again when it has come back.
static int by_xdp(int first)
{
    uint32_t next = *out_next;
    __atomic_store_n(done_taken, __atomic_load_n(done_next, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    int room = CHUNKS - (int)(next - *done_taken);
    int count = room < BATCH ? room : BATCH;
    for (int i = 0; i < count; i++, next++) {
        uint64_t address = (uint64_t)(next % CHUNKS) * CHUNK;
        write_frame(chunks + address, (first + i) % PEERS);
        out[next % CHUNKS] = (struct xdp_desc){.addr = address, .len = HEADERS + BYTES};
    }
    __atomic_store_n(out_next, next, __ATOMIC_RELEASE);
    while (__atomic_load_n(out_taken, __ATOMIC_ACQUIRE) != next) {
        if (sendto(xdp, NULL, 0, MSG_DONTWAIT, NULL, 0) != 0 && errno != EAGAIN)
            return -1;
    }
    return count;
}

static void *map_ring(size_t bytes, off_t which)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, xdp, which);
    if (memory == MAP_FAILED)
        fail("sends: AF_XDP gives no memory");
    return memory;
}

static void open_xdp(int device)
{
    int count = CHUNKS, budget = BATCH;
    size_t bytes = (size_t)CHUNKS * CHUNK;
    chunks = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct xdp_umem_reg memory = {
        .addr = (uint64_t)(uintptr_t)chunks, .len = bytes, .chunk_size = CHUNK};
    struct xdp_mmap_offsets offsets;
    socklen_t length = sizeof offsets;
    struct sockaddr_xdp name = {
        .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = (uint32_t)device};
    xdp = socket(AF_XDP, SOCK_RAW, 0);
    if (setsockopt(xdp, SOL_XDP, XDP_UMEM_REG, &memory, sizeof memory) != 0 ||
        setsockopt(xdp, SOL_XDP, XDP_UMEM_FILL_RING, &count, sizeof count) != 0 ||
        setsockopt(xdp, SOL_XDP, XDP_UMEM_COMPLETION_RING, &count, sizeof count) != 0 ||
        setsockopt(xdp, SOL_XDP, XDP_TX_RING, &count, sizeof count) != 0 ||
        getsockopt(xdp, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) != 0)
        fail("sends: AF_XDP");
    (void)setsockopt(xdp, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof budget);
    count = 4 << 20;
    (void)setsockopt(xdp, SOL_SOCKET, SO_SNDBUFFORCE, &count, sizeof count);
    uint8_t *ring_out = map_ring(offsets.tx.desc + CHUNKS * sizeof *out, XDP_PGOFF_TX_RING);
    uint8_t *ring_done =
        map_ring(offsets.cr.desc + CHUNKS * sizeof *done, XDP_UMEM_PGOFF_COMPLETION_RING);
    out = (struct xdp_desc *)(ring_out + offsets.tx.desc);
    out_next = (uint32_t *)(ring_out + offsets.tx.producer);
    out_taken = (uint32_t *)(ring_out + offsets.tx.consumer);
    done = (uint64_t *)(ring_done + offsets.cr.desc);
    done_next = (uint32_t *)(ring_done + offsets.cr.producer);
    done_taken = (uint32_t *)(ring_done + offsets.cr.consumer);
    if (bind(xdp, (struct sockaddr *)&name, sizeof name) != 0)
        fail("sends: AF_XDP is refused");
}

static void open_packet(int device)
{
    int one = 1, bytes = 4 << 20;
    struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_ifindex = device};
    packet = socket(AF_PACKET, SOCK_RAW, 0);
    (void)setsockopt(packet, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    if (setsockopt(packet, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) != 0 ||
        bind(packet, (struct sockaddr *)&name, sizeof name) != 0)
        fail("sends: AF_PACKET is refused");
}

static void open_ring(struct io_uring *to, const int *files, unsigned count)
{
    struct io_uring_params params = {.flags =
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    if (io_uring_queue_init_params(2 * BATCH, to, &params) != 0 ||
        io_uring_register_files(to, files, count) != 0)
        fail("sends: io_uring is refused");
}

static void open_ways(const struct place *place)
{
    static int sockets[PEERS];
    int device = (int)if_nametoindex(place->device);
    raw = open_socket(SOCK_RAW, IPPROTO_RAW, place->home, 0);
    open_packet(device);
    open_xdp(device);
    open_ring(&ring, &udp, 1);
    // Beside the socket's own port, which would else be theirs.
    for (int i = 0; i < PEERS; i++) {
        sockets[i] = open_socket(SOCK_DGRAM, 0, place->home, htons(ntohs(own.sin_port) ^ 1));
        if (connect(sockets[i], (struct sockaddr *)&peers[i], sizeof peers[i]) != 0)
            fail("sends: cannot connect");
    }
    open_ring(&connected_ring, sockets, PEERS);
}

static double run(int (*way)(int))
{
    double start = cpu_nanoseconds();
    int sent = 0;
    while (sent < PACKETS) {
        int count = way(sent);
        if (count < 0 || (count == 0 && way != by_xdp))
            fail("sends: nothing was sent");
        sent += count;
    }
    return (cpu_nanoseconds() - start) / sent;
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void report(const struct place *place, bool as_json)
{
    static const struct {
        const char *name;
        int (*way)(int);
    } ways[] = {{"udp sendmmsg", by_sendmmsg},
                {"udp io_uring", by_ring},
                {"connected io_uring", by_connected},
                {"IP_HDRINCL", by_raw},
                {"AF_PACKET", by_packet},
                {"AF_XDP copy", by_xdp}};
    double first = 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        double figures[RUNS];
        uint64_t before = received;
        for (int j = 0; j < RUNS; j++)
            figures[j] = run(ways[i].way);
        qsort(figures, RUNS, sizeof figures[0], compare);
        usleep(200000);
        double came = 100.0 * (double)(received - before) / ((double)PACKETS * RUNS);
        if (i == 0)
            first = figures[RUNS / 2];
        printf(as_json ? "{\"on\":\"%s\",\"way\":\"%s\",\"cpu_ns_per_packet\":%.0f,"
                         "\"ratio\":%.2f,\"arrived_percent\":%.1f}\n"
                       : "%-5s %-19s %6.0f ns  %5.2f  %6.1f %% arrived\n",
               place->name, ways[i].name, figures[RUNS / 2], figures[RUNS / 2] / first,
               came > 100 ? 100 : came);
        fflush(stdout);
    }
}

static void read_mac(const char *device, uint8_t mac[6])
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
        fail("sends: cannot read a hardware address");
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    close(fd);
}

static int new_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        fail("sends: a network namespace is refused");
    command("ip link set lo up");
    return open("/proc/self/ns/net", O_RDONLY);
}

// Makes the wire, and leaves this thread at its sending end. Returns the receiver's socket.
static int make_wire(uint8_t from[6], uint8_t to[6])
{
    char words[160];
    int here = new_namespace();
    new_namespace();
    snprintf(words, sizeof words,
             "ip link add there0 type veth peer name here0 netns /proc/%d/fd/%d", getpid(), here);
    command(words);
    command("ip addr add 10.76.0.2/24 dev there0 && ip link set there0 up"
            " && ip route add local 10.77.0.0/16 dev lo");
    int sink = open_socket(SOCK_DGRAM, 0, INADDR_ANY, 0);
    read_mac("there0", to);
    if (setns(here, CLONE_NEWNET) != 0)
        fail("sends: setns");
    command("ip addr add 10.76.0.1/24 dev here0 && ip link set here0 up"
            " && ip route add 10.77.0.0/16 via 10.76.0.2");
    read_mac("here0", from);
    return sink;
}

static int make_loopback(void)
{
    new_namespace();
    // Frames on the loopback interface are treated like ones that come from outside.
    command("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet"
            " && echo 1 > /proc/sys/net/ipv4/conf/all/accept_local");
    return open_socket(SOCK_DGRAM, 0, INADDR_ANY, 0);
}

static void measure(const struct place *place, bool as_json)
{
    uint8_t from[6] = {0}, to[6] = {0};
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    pthread_t receiver;
    int sink = place == &wire ? make_wire(from, to) : make_loopback();
    (void)getsockname(sink, (struct sockaddr *)&name, &length);
    for (uint32_t i = 0; i < PEERS; i++) {
        peers[i] = name;
        peers[i].sin_addr.s_addr = htonl(place->first + i);
    }
    udp = open_socket(SOCK_DGRAM, 0, place->home, 0);
    (void)getsockname(udp, (struct sockaddr *)&own, &length);
    prepare_headers(from, to);
    if (pthread_create(&receiver, NULL, receive, (void *)(intptr_t)sink) != 0)
        fail("sends: cannot start a thread");
    open_ways(place);
    bind_to_cpu(sysconf(_SC_NPROCESSORS_ONLN) - 1);
    (void)by_sendmmsg(0);  // has the kernel ask for the neighbour
    usleep(500000);
    report(place, as_json);
}

int main(int argc, char **argv)
{
    bool as_json = argc > 1 && strcmp(argv[1], "--json") == 0;
    struct rlimit limit = {4 * PEERS, 4 * PEERS};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail("sends: cannot have so many sockets");
    measure(&loopback, as_json);
    measure(&wire, as_json);
    return 0;
}
