// The sending side: one thread sends prepared datagrams, at a rate or as fast as it can.
#include "inject.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// At a fixed rate the sender wakes this often, in nanoseconds: so many packets make one batch.
#define TICK 50000
// A sender that is later than this gives up what it is late with, and says so.
#define LATENESS_MAX 20000000
// How often an injecting sender is asked to stop, in nanoseconds.
#define STOP_PERIOD 1000000

struct slot {
    struct sockaddr_in peer;
    struct iovec piece;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
};

struct ct_sender {
    struct ct_sender_options options;
    pthread_t thread;
    atomic_bool stops;
    _Atomic uint64_t sent;
    _Atomic uint64_t missed;
    uint32_t position;
    uint64_t followed;             // what the followed sink had counted at the start
    struct ct_injector *injector;  // NULL: it sends from its socket
    atomic_bool has_ended;
    struct slot slots[CT_BATCH];
    struct mmsghdr messages[CT_BATCH];
};

static void prepare_slots(struct ct_sender *sender)
{
    for (int i = 0; i < CT_BATCH; i++) {
        struct slot *slot = &sender->slots[i];
        struct msghdr *message = &sender->messages[i].msg_hdr;
        slot->peer.sin_family = AF_INET;
        slot->control.header.cmsg_level = IPPROTO_IP;
        slot->control.header.cmsg_type = IP_PKTINFO;
        slot->control.header.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
        message->msg_name = &slot->peer;
        message->msg_namelen = sizeof slot->peer;
        message->msg_iov = &slot->piece;
        message->msg_iovlen = 1;
        message->msg_control = &slot->control;
        message->msg_controllen = sizeof slot->control;
    }
}

static void fill(struct ct_sender *sender, int index, uint64_t stamp)
{
    struct ct_sender_options *options = &sender->options;
    const struct ct_datagram *datagram = &options->datagrams[sender->position];
    struct slot *slot = &sender->slots[index];
    slot->peer.sin_port = htons(datagram->port);
    slot->peer.sin_addr.s_addr = htonl(datagram->destination);
    slot->piece.iov_base = options->image + datagram->offset;
    slot->piece.iov_len = datagram->length;
    struct in_pktinfo *from = (struct in_pktinfo *)CMSG_DATA(&slot->control.header);
    from->ipi_spec_dst.s_addr = htonl(datagram->source);
    if (options->stamp_offset != UINT32_MAX)
        memcpy(options->image + datagram->offset + options->stamp_offset, &stamp, sizeof stamp);
    sender->position += options->step;
    if (sender->position >= options->count)
        sender->position = options->first;
}

// Sends the next `count` datagrams, at most CT_BATCH.
static void send_batch(struct ct_sender *sender, int count)
{
    uint64_t stamp = sender->options.stamp_offset == UINT32_MAX ? 0 : ct_clock(CLOCK_REALTIME);
    for (int i = 0; i < count; i++)
        fill(sender, i, stamp);
    int done = 0;
    while (done < count) {
        int taken = sendmmsg(sender->options.descriptor, sender->messages + done,
                             (unsigned)(count - done), 0);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0) {
            atomic_fetch_add_explicit(&sender->missed, 1, memory_order_relaxed);
            done++;
            continue;
        }
        done += taken;
        atomic_fetch_add_explicit(&sender->sent, (uint64_t)taken, memory_order_relaxed);
    }
}

static int smaller(uint64_t left, uint64_t right)
{
    return (int)(left < right ? left : right);
}

// As many as go, up to the limit.
static void run_free(struct ct_sender *sender)
{
    uint64_t limit = sender->options.limit;
    uint64_t begun = 0;
    while (!atomic_load_explicit(&sender->stops, memory_order_relaxed)) {
        if (limit != 0 && begun >= limit)
            return;
        int count = limit == 0 ? CT_BATCH : smaller(limit - begun, CT_BATCH);
        send_batch(sender, count);
        begun += (uint64_t)count;
    }
}

// Evenly, `rate` in a second.
static void run_paced(struct ct_sender *sender)
{
    uint64_t rate = sender->options.rate, limit = sender->options.limit;
    uint64_t start = ct_clock(CLOCK_MONOTONIC), begun = 0;
    while (!atomic_load_explicit(&sender->stops, memory_order_relaxed)) {
        if (limit != 0 && begun >= limit)
            return;
        uint64_t now = ct_clock(CLOCK_MONOTONIC);
        uint64_t due = (uint64_t)((double)(now - start) * (double)rate / 1e9) + 1;
        if (limit != 0 && due > limit)
            due = limit;
        if (due <= begun) {
            uint64_t next = start + (uint64_t)((double)begun * 1e9 / (double)rate);
            ct_wait_until(next > now + TICK ? next : now + TICK);
            continue;
        }
        uint64_t most = (uint64_t)((double)rate * LATENESS_MAX / 1e9) + CT_BATCH;
        if (due - begun > most) {
            atomic_fetch_add_explicit(&sender->missed, due - begun - most, memory_order_relaxed);
            begun = due - most;
        }
        int count = smaller(due - begun, CT_BATCH);
        send_batch(sender, count);
        begun += (uint64_t)count;
    }
}

// As many packets as the other direction has brought.
static void run_following(struct ct_sender *sender)
{
    uint64_t begun = 0;
    while (!atomic_load_explicit(&sender->stops, memory_order_relaxed)) {
        struct ct_count count =
            ct_sink_count(sender->options.follows, sender->options.follows_group);
        uint64_t wanted = (count.packets - sender->followed) / sender->options.packets_each;
        if (wanted <= begun) {
            ct_wait_until(ct_clock(CLOCK_MONOTONIC) + TICK);
            continue;
        }
        int batch = smaller(wanted - begun, CT_BATCH);
        send_batch(sender, batch);
        begun += (uint64_t)batch;
    }
}

static void *run(void *argument)
{
    struct ct_sender *sender = argument;
    ct_prepare_thread(sender->options.cpu);
    if (sender->injector != NULL)
        ct_injector_run(sender->injector);
    else if (sender->options.follows != NULL)
        run_following(sender);
    else if (sender->options.rate != 0)
        run_paced(sender);
    else
        run_free(sender);
    atomic_store(&sender->has_ended, true);
    return NULL;
}

struct ct_sender *ct_sender_start(const struct ct_sender_options *options)
{
    if (options->count == 0 || options->step == 0 || options->first >= options->count) {
        errno = EINVAL;
        return NULL;
    }
    struct ct_sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL)
        return NULL;
    sender->options = *options;
    sender->position = options->first;
    prepare_slots(sender);
    if (options->follows != NULL)
        sender->followed = ct_sink_count(options->follows, options->follows_group).packets;
    if (options->injects && options->limit == 0 && options->follows == NULL)
        sender->injector = ct_injector_create(options);
    int failure = pthread_create(&sender->thread, NULL, run, sender);
    if (failure != 0) {
        if (sender->injector != NULL)
            ct_injector_destroy(sender->injector);
        free(sender);
        errno = failure;
        return NULL;
    }
    return sender;
}

uint64_t ct_sender_sent(const struct ct_sender *sender)
{
    return sender->injector != NULL ? ct_injector_sent(sender->injector)
                                    : atomic_load_explicit(&sender->sent, memory_order_relaxed);
}

uint64_t ct_sender_missed(const struct ct_sender *sender)
{
    return sender->injector != NULL ? ct_injector_missed(sender->injector)
                                    : atomic_load_explicit(&sender->missed, memory_order_relaxed);
}

void ct_sender_wait(struct ct_sender *sender)
{
    pthread_join(sender->thread, NULL);
    sender->thread = 0;
}

void ct_sender_stop(struct ct_sender *sender)
{
    atomic_store(&sender->stops, true);
    while (sender->injector != NULL && !atomic_load(&sender->has_ended)) {
        ct_injector_interrupt(sender->injector, sender->thread);
        ct_wait_until(ct_clock(CLOCK_MONOTONIC) + STOP_PERIOD);
    }
    if (sender->thread != 0)
        pthread_join(sender->thread, NULL);
    if (sender->injector != NULL)
        ct_injector_destroy(sender->injector);
    free(sender);
}
