// What system calls cost by themselves: the measure for a server that has to make as many. Times
// are those of this thread on a CPU (CLOCK_THREAD_CPUTIME_ID), less what reading that clock takes.
#include "internal.h"

#include "CTraffic.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    BYTES_MAX = 65507,
    CLOCK_ROUNDS = 10000,
    WAIT_NANOSECONDS = 100000,
};

struct bare {
    int near;  // the server's socket
    int far;   // the other side's, connected to it and it to that
    uint8_t *bytes;
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];
    struct sockaddr_in peers[BATCH];
};

static int64_t cpu_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// What two readings of the clock differ by when nothing lies between them.
static int64_t clock_cost(void) {
    int64_t start = cpu_now();
    for (int i = 0; i < CLOCK_ROUNDS; i++)
        cpu_now();
    return (cpu_now() - start) / CLOCK_ROUNDS;
}

static void bare_close(struct bare *bare) {
    if (bare->near >= 0) close(bare->near);
    if (bare->far >= 0) close(bare->far);
    free(bare->bytes);
    free(bare);
}

static struct bare *bare_open(void) {
    struct bare *bare = calloc(1, sizeof *bare);
    if (!bare) return NULL;
    uint16_t near_port = 0, far_port = 0;
    bare->near = ct_socket_open(INADDR_LOOPBACK, 8 << 20, false, &near_port);
    bare->far = ct_socket_open(INADDR_LOOPBACK, 8 << 20, false, &far_port);
    bare->bytes = calloc(BATCH, BYTES_MAX);
    if (bare->near < 0 || bare->far < 0 || !bare->bytes) {
        bare_close(bare);
        return NULL;
    }
    for (int i = 0; i < BATCH; i++) {
        bare->vectors[i].iov_base = bare->bytes + (size_t)i * BYTES_MAX;
        bare->messages[i].msg_hdr.msg_iov = &bare->vectors[i];
        bare->messages[i].msg_hdr.msg_iovlen = 1;
        bare->messages[i].msg_hdr.msg_name = &bare->peers[i];
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(near_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(bare->far, (struct sockaddr *)&address, sizeof address) == 0) {
        address.sin_port = htons(far_port);
        for (int i = 0; i < BATCH; i++)
            bare->peers[i] = address;
        return bare;
    }
    bare_close(bare);
    return NULL;
}

// The messages as `count` datagrams of `bytes`, with an address each where `has_peer`.
static void prepare(struct bare *bare, uint32_t count, uint32_t bytes, bool has_peer) {
    for (uint32_t i = 0; i < count; i++) {
        bare->vectors[i].iov_len = bytes;
        bare->messages[i].msg_hdr.msg_name = has_peer ? &bare->peers[i] : NULL;
        bare->messages[i].msg_hdr.msg_namelen = has_peer ? sizeof bare->peers[i] : 0;
    }
}

// Reads what waits at `descriptor`.
static void drain(struct bare *bare, int descriptor) {
    prepare(bare, BATCH, BYTES_MAX, false);
    while (recvmmsg(descriptor, bare->messages, BATCH, MSG_DONTWAIT, NULL) == BATCH) {
    }
}

// The datagrams of call number `call`.
static uint32_t part(const struct ct_calls *shape, uint32_t call) {
    uint64_t all = shape->datagrams;
    return (uint32_t)((call + 1) * all / shape->calls - call * all / shape->calls);
}

static bool is_good(const struct ct_calls *shape) {
    return shape->calls > 0 && shape->bytes > 0 && shape->bytes <= BYTES_MAX &&
           shape->datagrams <= (uint64_t)shape->calls * BATCH;
}

int64_t ct_bare_receive(const struct ct_calls *shape) {
    if (!is_good(shape)) return -EINVAL;
    struct bare *bare = bare_open();
    if (!bare) return -errno;
    int64_t clock = clock_cost(), spent = 0;
    for (uint32_t call = 0; call < shape->calls; call++) {
        uint32_t count = part(shape, call);
        prepare(bare, count, shape->bytes, false);
        if (count > 0) sendmmsg(bare->far, bare->messages, count, 0);
        prepare(bare, BATCH, BYTES_MAX, true);
        int64_t start = cpu_now();
        int received = recvmmsg(bare->near, bare->messages, BATCH, MSG_DONTWAIT, NULL);
        spent += cpu_now() - start - clock;
        if (received != (count > 0 ? (int)count : -1)) {
            bare_close(bare);
            return -EIO;
        }
    }
    bare_close(bare);
    return spent;
}

int64_t ct_bare_send(const struct ct_calls *shape) {
    if (!is_good(shape)) return -EINVAL;
    struct bare *bare = bare_open();
    if (!bare) return -errno;
    int64_t clock = clock_cost(), spent = 0;
    for (uint32_t call = 0; call < shape->calls; call++) {
        uint32_t count = part(shape, call);
        prepare(bare, count, shape->bytes, true);
        int64_t start = cpu_now();
        int sent = count > 0 ? sendmmsg(bare->near, bare->messages, count, MSG_DONTWAIT) : 0;
        spent += cpu_now() - start - clock;
        if (sent != (int)count) {
            bare_close(bare);
            return -EIO;
        }
        drain(bare, bare->far);
    }
    bare_close(bare);
    return spent;
}

int64_t ct_bare_wait(uint32_t calls) {
    struct bare *bare = bare_open();
    if (!bare) return -errno;
    int64_t clock = clock_cost(), spent = 0;
    struct timespec limit = {.tv_nsec = WAIT_NANOSECONDS};
    struct pollfd sockets[] = {{.fd = bare->near, .events = POLLIN},
                               {.fd = bare->far, .events = POLLIN}};
    for (uint32_t call = 0; call < calls; call++) {
        int64_t start = cpu_now();
        int ready = ppoll(sockets, 2, &limit, NULL);
        spent += cpu_now() - start - clock;
        if (ready != 0) {
            bare_close(bare);
            return -EIO;
        }
    }
    bare_close(bare);
    return spent;
}
