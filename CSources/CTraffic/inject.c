// A sender that costs little: the kernel itself makes frames arrive on the loopback interface, as
// if a driver had received them (BPF_PROG_TEST_RUN with live frames, Linux 5.18). A program of ours
// fills each one (program.c). One system call lasts as long as the load; a packet takes about a
// third of what it takes to send it through a socket, so that one CPU can keep a forwarder behind.
//
// Frames with loopback addresses are taken from an interface only with route_localnet, and those
// from 127.0.0.1 only with accept_local, so this is for a network namespace of our own
// (ct_enter_namespace).
#include "inject.h"
#include "program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1u << 1)
#endif

// The first bytes of a frame: Ethernet, IPv4, UDP.
#define HEADER_BYTES 42
// What fits one page with the kernel's own.
#define FRAME_BYTES_MAX 3400
// Frames that the kernel hands over at once: as many as go, or few so that none waits.
#define BATCH_FREE 64
#define BATCH_PACED 4
#define WAKE_SIGNAL SIGUSR2

struct ct_injector {
    int frames, injection, program;
    uint32_t frame_bytes;
    uint64_t rate;
    uint64_t start;
    size_t bytes;
    uint8_t *memory;  // of the frames
    struct ct_injection *shared;
    atomic_bool stops;
};

static int make_map(uint32_t value_bytes, uint32_t count)
{
    union bpf_attr request;
    memset(&request, 0, sizeof request);
    request.map_type = BPF_MAP_TYPE_ARRAY;
    request.key_size = 4;
    request.value_size = value_bytes;
    request.max_entries = count;
    request.map_flags = BPF_F_MMAPABLE;
    return (int)syscall(__NR_bpf, BPF_MAP_CREATE, &request, sizeof request);
}

// Of the IPv4 header: the ones' complement of the ones' complement sum (RFC 791, section 3.1).
static uint16_t checksum(const struct iphdr *header)
{
    uint16_t words[10];
    uint32_t sum = 0;
    memcpy(words, header, sizeof words);
    for (int i = 0; i < 10; i++)
        sum += words[i];
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

// The UDP checksum is left out, which IPv4 allows: nobody pays for checking it.
static void write_frame(uint8_t *frame, const struct ct_datagram *datagram, const uint8_t *bytes)
{
    struct ether_header ethernet = {.ether_type = htons(ETHERTYPE_IP)};
    struct iphdr ip = {.version = 4,
                       .ihl = 5,
                       .tot_len = htons((uint16_t)(28 + datagram->length)),
                       .ttl = 64,
                       .frag_off = htons(IP_DF),
                       .protocol = IPPROTO_UDP,
                       .saddr = htonl(datagram->source),
                       .daddr = htonl(datagram->destination)};
    struct udphdr udp = {.source = htons(datagram->source_port),
                         .dest = htons(datagram->port),
                         .len = htons((uint16_t)(8 + datagram->length))};
    ip.check = checksum(&ip);
    memcpy(frame, &ethernet, sizeof ethernet);
    memcpy(frame + sizeof ethernet, &ip, sizeof ip);
    memcpy(frame + sizeof ethernet + sizeof ip, &udp, sizeof udp);
    memcpy(frame + HEADER_BYTES, bytes, datagram->length);
}

// The frames of this sender, one after the other.
static bool fill_frames(struct ct_injector *injector, const struct ct_sender_options *options)
{
    uint16_t length = options->datagrams[options->first].length;
    uint8_t *frame = injector->memory;
    for (uint32_t i = options->first; i < options->count; i += options->step) {
        const struct ct_datagram *datagram = &options->datagrams[i];
        if (datagram->length != length)
            return false;
        write_frame(frame, datagram, options->image + datagram->offset);
        frame += injector->frame_bytes;
    }
    return true;
}

static bool map_memory(struct ct_injector *injector, uint32_t count)
{
    injector->frames = make_map(injector->frame_bytes, count);
    injector->injection = make_map(sizeof(struct ct_injection), 1);
    if (injector->frames < 0 || injector->injection < 0)
        return false;
    injector->bytes = (size_t)injector->frame_bytes * count;
    injector->memory =
        mmap(NULL, injector->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, injector->frames, 0);
    injector->shared = mmap(NULL, sizeof(struct ct_injection), PROT_READ | PROT_WRITE, MAP_SHARED,
                            injector->injection, 0);
    return injector->memory != MAP_FAILED && injector->shared != MAP_FAILED;
}

static bool prepare(struct ct_injector *injector, const struct ct_sender_options *options)
{
    uint32_t count = (options->count - options->first + options->step - 1) / options->step;
    uint32_t length = HEADER_BYTES + options->datagrams[options->first].length;
    injector->frame_bytes = (length + 7) & ~7u;
    injector->rate = options->rate;
    if (injector->frame_bytes > FRAME_BYTES_MAX) {
        errno = EMSGSIZE;
        return false;
    }
    if (!map_memory(injector, count))
        return false;
    errno = EINVAL;
    if (!fill_frames(injector, options))
        return false;
    injector->shared->count = count;
    struct ct_program_options wanted = {.frames = injector->frames,
                                        .injection = injector->injection,
                                        .frame_bytes = injector->frame_bytes,
                                        .stamp_offset = UINT32_MAX,
                                        .rate = options->rate};
    if (options->stamp_offset != UINT32_MAX)
        wanted.stamp_offset = HEADER_BYTES + options->stamp_offset;
    injector->program = ct_program_load(&wanted);
    return injector->program >= 0;
}

struct ct_injector *ct_injector_create(const struct ct_sender_options *options)
{
    struct ct_injector *injector = calloc(1, sizeof *injector);
    if (injector == NULL)
        return NULL;
    injector->frames = injector->injection = injector->program = -1;
    injector->memory = MAP_FAILED;
    injector->shared = MAP_FAILED;
    if (prepare(injector, options))
        return injector;
    int failure = errno;
    ct_injector_destroy(injector);
    errno = failure;
    return NULL;
}

static void ignore(int signal)
{
    (void)signal;
}

void ct_injector_run(struct ct_injector *injector)
{
    struct sigaction wake = {.sa_handler = ignore};
    sigaction(WAKE_SIGNAL, &wake, NULL);
    uint64_t now = ct_clock(CLOCK_MONOTONIC);
    injector->shared->ahead = ct_clock(CLOCK_REALTIME) - now;
    injector->shared->interval = injector->rate == 0 ? 0 : CT_NANOSECONDS / injector->rate;
    injector->shared->due = now;
    injector->start = now;
    union bpf_attr request;
    memset(&request, 0, sizeof request);
    request.test.prog_fd = (uint32_t)injector->program;
    request.test.data_in = (uint64_t)(uintptr_t)injector->memory;
    request.test.data_size_in = injector->frame_bytes;
    request.test.repeat = 1u << 30;
    request.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    request.test.batch_size = injector->rate == 0 ? BATCH_FREE : BATCH_PACED;
    while (!atomic_load(&injector->stops)) {
        if (syscall(__NR_bpf, BPF_PROG_TEST_RUN, &request, sizeof request) < 0 && errno != EINTR)
            return;
    }
}

void ct_injector_interrupt(struct ct_injector *injector, pthread_t thread)
{
    atomic_store(&injector->stops, true);
    pthread_kill(thread, WAKE_SIGNAL);
}

uint64_t ct_injector_sent(const struct ct_injector *injector)
{
    return *(volatile uint64_t *)&injector->shared->sent;
}

uint64_t ct_injector_missed(const struct ct_injector *injector)
{
    if (injector->rate == 0 || injector->start == 0)
        return 0;
    uint64_t passed = ct_clock(CLOCK_MONOTONIC) - injector->start;
    uint64_t wanted = passed / (CT_NANOSECONDS / injector->rate);
    uint64_t sent = ct_injector_sent(injector);
    return wanted > sent ? wanted - sent : 0;
}

void ct_injector_destroy(struct ct_injector *injector)
{
    if (injector->memory != MAP_FAILED)
        munmap(injector->memory, injector->bytes);
    if (injector->shared != MAP_FAILED)
        munmap(injector->shared, sizeof(struct ct_injection));
    int descriptors[] = {injector->frames, injector->injection, injector->program};
    for (int i = 0; i < 3; i++) {
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    }
    free(injector);
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t count = write(fd, text, strlen(text));
    close(fd);
    return count == (ssize_t)strlen(text) ? 0 : -1;
}

int ct_enter_namespace(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
    if (fd >= 0)
        close(fd);
    if (result == 0)
        result = write_text("/proc/sys/net/ipv4/conf/all/route_localnet", "1\n");
    if (result == 0)
        result = write_text("/proc/sys/net/ipv4/conf/all/accept_local", "1\n");
    return result;
}
