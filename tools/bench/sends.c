// What the kernel takes to send packets of 180 bytes to 1,000 addresses on the loopback interface,
// with nothing else done: the floor under everything that sends from a UDP socket.
//
//     cc -O2 -o /tmp/sends tools/bench/sends.c -luring -lpthread && /tmp/sends
//
// Prints nanoseconds of CPU time a packet, the median of five runs, for sendmmsg and for io_uring
// (sends with an address, a registered socket, completions only of failures), 64 and 256 at once.
// The receiver reads on CPU 0, the sender sends on the last CPU. Needs liburing-dev.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEERS 1000
#define BYTES 180
#define BATCH_MAX 256
#define PACKETS 500000
#define RUNS 5

static struct sockaddr_in peers[PEERS];
static char packets[PEERS][BYTES];

static void fail(const char *what)
{
    perror(what);
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

static int open_socket(uint32_t address, int option, int bytes)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    (void)setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0)
        fail("sends: cannot open a socket");
    return fd;
}

// Reads everything, in large batches and at leisure, as a busy receiver does.
static void *receive(void *argument)
{
    static char heads[BATCH_MAX][64];
    struct mmsghdr messages[BATCH_MAX] = {0};
    struct iovec pieces[BATCH_MAX];
    bind_to_cpu(0);
    for (int i = 0; i < BATCH_MAX; i++) {
        pieces[i] = (struct iovec){heads[i], sizeof heads[i]};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (true) {
        int count = recvmmsg(*(int *)argument, messages, BATCH_MAX, MSG_DONTWAIT, NULL);
        if (count < BATCH_MAX)
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

static int send_by_call(int fd, int first, int batch)
{
    static struct mmsghdr messages[BATCH_MAX];
    static struct iovec pieces[BATCH_MAX];
    for (int i = 0; i < batch; i++) {
        int peer = (first + i) % PEERS;
        pieces[i] = (struct iovec){packets[peer], BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[peer],
                                              .msg_namelen = sizeof peers[peer],
                                              .msg_iov = &pieces[i],
                                              .msg_iovlen = 1};
    }
    return sendmmsg(fd, messages, (unsigned)batch, 0);
}

static int send_by_ring(struct io_uring *ring, int first, int batch)
{
    for (int i = 0; i < batch; i++) {
        int peer = (first + i) % PEERS;
        struct io_uring_sqe *entry = io_uring_get_sqe(ring);
        io_uring_prep_send(entry, 0, packets[peer], BYTES, 0);
        entry->addr2 = (uint64_t)(uintptr_t)&peers[peer];
        entry->addr_len = sizeof peers[peer];
        entry->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    }
    int count = io_uring_submit_and_get_events(ring);
    if (io_uring_cq_ready(ring) != 0) {
        fprintf(stderr, "sends: io_uring does not send\n");
        exit(1);
    }
    return count;
}

static double run(int fd, struct io_uring *ring, int batch)
{
    double start = cpu_nanoseconds();
    int sent = 0;
    while (sent < PACKETS) {
        int count = ring == NULL ? send_by_call(fd, sent, batch) : send_by_ring(ring, sent, batch);
        if (count <= 0)
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

static void report(const char *name, int fd, struct io_uring *ring, int batch)
{
    double figures[RUNS];
    for (int i = 0; i < RUNS; i++)
        figures[i] = run(fd, ring, batch);
    qsort(figures, RUNS, sizeof figures[0], compare);
    printf("%-9s %3d at once  %5.0f ns a packet\n", name, batch, figures[RUNS / 2]);
    fflush(stdout);
}

int main(void)
{
    int sink = open_socket(INADDR_ANY, SO_RCVBUFFORCE, 64 << 20);
    int fd = open_socket(INADDR_LOOPBACK, SO_SNDBUFFORCE, 4 << 20);
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    if (getsockname(sink, (struct sockaddr *)&name, &length) != 0)
        fail("sends: cannot ask for a port");
    for (uint32_t i = 0; i < PEERS; i++) {
        peers[i] = name;
        peers[i].sin_addr.s_addr = htonl(0x7F010001 + i);
    }
    pthread_t receiver;
    if (pthread_create(&receiver, NULL, receive, &sink) != 0)
        fail("sends: cannot start a thread");
    bind_to_cpu(sysconf(_SC_NPROCESSORS_ONLN) - 1);
    report("sendmmsg", fd, NULL, 64);
    report("sendmmsg", fd, NULL, BATCH_MAX);
    struct io_uring ring;
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    if (io_uring_queue_init_params(2 * BATCH_MAX, &ring, &params) != 0
        || io_uring_register_files(&ring, &fd, 1) != 0) {
        fprintf(stderr, "sends: io_uring is refused\n");
        return 1;
    }
    report("io_uring", fd, &ring, 64);
    report("io_uring", fd, &ring, BATCH_MAX);
    return 0;
}
