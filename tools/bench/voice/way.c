// The way between clients and servers: a bad network that is bad in the same way each time.
//
//     way ADDRESS CALLS PLAN LOG
//
// Each call has two sockets: the front, which its client sends to, and the back, which its server
// sends to. Datagrams take BASE_US each way; from the word "begin" on, what PLAN says happens to
// them too. The plan holds decisions by place, so every call of every run meets the same ones:
//
//     direction 0|1 CAP_BITS_PER_SECOND QUEUE_US KEEPS_ORDER         (0: towards the server)
//     hold START_US END_US          from "begin": what would arrive meanwhile arrives at its end
//     rtp FATE... | again FATE... | rtcp FATE...         -1: lost, else so many us more of delay
//
// A packet of RTP has its fate by its place: how many times 20 ms after "begin" the first packet of
// its source came, and from that on by its timestamp (of 48 kHz). So one that sends nothing in
// pauses loses what the others lose at that moment, not more of its speech; of several frames in a
// packet the first decides. A packet that came before (a resend) has the "again" of the newest
// place; the second resend since the newest came has that of the place after it, and so on.
//
// Standard input: "target CALL ADDRESS PORT" (the call's server), "begin", end of input (the end).
// Standard output: one line with the two ports of each call; "begun". LOG gets a line for each
// datagram after "begin": came (us of CLOCK_REALTIME), call, direction, kind, number, bytes, when
// it left, how late that was (us; -1: lost; -2: no room in the queue).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BASE_US 20000
#define CALLS_MAX 16
#define BYTES_MAX 2048
#define WAITING_MAX 8192
#define FATES_MAX 65536
#define PLACE_TICKS 960
#define PLACE_US 20000
#define HOLDS_MAX 4096
#define LOG_MAX (1 << 21)
#define HEADER_BYTES 28
#define LOST (-1)
#define NO_ROOM (-2)

enum kind { OTHER, RTP, RTCP, KINDS };

struct fates {
    int32_t at[FATES_MAX];
    int count;
};

struct hold {
    int64_t start, end;
};

// What happens in one direction, to every call alike.
struct direction {
    int64_t bits_per_second, queue_us;
    bool keeps_order;
    struct fates rtp, again, rtcp;
    struct hold holds[HOLDS_MAX];
    int hold_count;
};

// One direction of one call: where it stands.
struct lane {
    bool has_number;
    uint32_t ssrc;
    uint16_t newest_sequence;
    uint32_t first_timestamp;
    int64_t newest, first_place, newest_place, resends, rtcp_count;
    int64_t busy_until, last_due;
    uint8_t seen[FATES_MAX / 8];
};

struct call {
    int sockets[2];               // front, back
    struct sockaddr_in peers[2];  // client, server
    bool knows[2];
    struct lane lanes[2];
};

struct waiting {
    int64_t due, order;
    int call, direction, length, log;
    uint8_t bytes[BYTES_MAX];
};

struct line {
    int64_t came, left;
    int32_t number, late;
    int16_t bytes;
    uint8_t call, direction, kind;
};

static struct direction directions[2];
static struct call calls[CALLS_MAX];
static int call_count;
static struct waiting pool[WAITING_MAX];
static struct waiting *heap[WAITING_MAX];
static int heap_count;
static struct line log_lines[LOG_MAX];
static int log_count;
static int64_t begun, order;

static void fail(const char *what)
{
    fprintf(stderr, "way: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

// MARK: The plan

static void read_fates(struct fates *fates, const char *text)
{
    char *end;
    fates->count = 0;
    for (long value = strtol(text, &end, 10); end != text; value = strtol(text, &end, 10)) {
        if (fates->count < FATES_MAX)
            fates->at[fates->count++] = (int32_t)value;
        text = end;
    }
}

static void read_plan(const char *path)
{
    FILE *file = fopen(path, "r");
    struct direction *direction = &directions[0];
    char *line = NULL;
    size_t room = 0;
    if (!file)
        fail(path);
    while (getline(&line, &room, file) > 0) {
        int number, keeps_order;
        struct hold hold;
        long bits, queue;
        if (sscanf(line, "direction %d %ld %ld %d", &number, &bits, &queue, &keeps_order) == 4) {
            direction = &directions[number & 1];
            direction->bits_per_second = bits;
            direction->queue_us = queue;
            direction->keeps_order = keeps_order;
        } else if (sscanf(line, "hold %ld %ld", &hold.start, &hold.end) == 2) {
            if (direction->hold_count < HOLDS_MAX)
                direction->holds[direction->hold_count++] = hold;
        } else if (!strncmp(line, "rtp ", 4)) {
            read_fates(&direction->rtp, line + 4);
        } else if (!strncmp(line, "again ", 6)) {
            read_fates(&direction->again, line + 6);
        } else if (!strncmp(line, "rtcp ", 5)) {
            read_fates(&direction->rtcp, line + 5);
        }
    }
    free(line);
    fclose(file);
}

// MARK: Fates

// RFC 7983, section 7, and RFC 5761, section 4.
static enum kind kind_of(const uint8_t *bytes, int length)
{
    if (length < 12 || bytes[0] < 128 || bytes[0] > 191)
        return OTHER;
    return bytes[1] >= 192 && bytes[1] <= 223 ? RTCP : RTP;
}

static int32_t fate_at(const struct fates *fates, int64_t place)
{
    return fates->count && place >= 0 ? fates->at[place % fates->count] : 0;
}

static int32_t rtp_fate(struct direction *plan, struct lane *lane, const uint8_t *bytes,
                        int64_t came, int32_t *number)
{
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    uint32_t timestamp =
        (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
    uint32_t ssrc;
    memcpy(&ssrc, bytes + 8, 4);
    if (!lane->has_number || ssrc != lane->ssrc) {
        // Another source goes on where the one before has ended.
        lane->newest = lane->has_number ? lane->newest + 1 : 0;
        lane->first_place = (came - begun) / PLACE_US;
        lane->first_timestamp = timestamp;
        lane->newest_place = lane->first_place;
        lane->has_number = true;
        lane->ssrc = ssrc;
        lane->newest_sequence = sequence;
        memset(lane->seen, 0, sizeof lane->seen);
    }
    int16_t step = (int16_t)(sequence - lane->newest_sequence);
    int64_t own = lane->newest + step;
    *number = (int32_t)own;
    if (own < 0)
        return 0;
    int64_t place = lane->first_place + (int32_t)(timestamp - lane->first_timestamp) / PLACE_TICKS;
    uint8_t *seen = &lane->seen[own % FATES_MAX / 8], bit = (uint8_t)(1 << own % 8);
    bool is_resend = *seen & bit;
    *seen |= bit;
    if (step > 0) {
        lane->newest = own;
        lane->newest_sequence = sequence;
        lane->newest_place = place;
        lane->resends = 0;
    }
    if (!is_resend)
        return fate_at(&plan->rtp, place);
    return fate_at(&plan->again, lane->newest_place + lane->resends++);
}

// When a datagram that came at `came` shall leave; or LOST or NO_ROOM.
static int64_t due_of(int call, int direction, const uint8_t *bytes, int length, int64_t came,
                      struct line *line)
{
    struct direction *plan = &directions[direction];
    struct lane *lane = &calls[call].lanes[direction];
    int64_t due = came + BASE_US;
    int32_t fate = 0;
    if (!begun)
        return due;
    if (line->kind == RTP)
        fate = rtp_fate(plan, lane, bytes, came, &line->number);
    else if (line->kind == RTCP)
        fate = fate_at(&plan->rtcp, line->number = (int32_t)lane->rtcp_count++);
    if (plan->bits_per_second) {
        int64_t start = came > lane->busy_until ? came : lane->busy_until;
        if (start - came > plan->queue_us)
            return NO_ROOM;
        int64_t bits = (length + HEADER_BYTES) * 8;
        lane->busy_until = start + bits * 1000000 / plan->bits_per_second;
        due = lane->busy_until + BASE_US;
    }
    if (fate == LOST)
        return LOST;
    due += fate;
    for (int i = 0; i < plan->hold_count; i++)
        if (due - begun >= plan->holds[i].start && due - begun < plan->holds[i].end)
            due = begun + plan->holds[i].end;
    if (plan->keeps_order) {
        if (due < lane->last_due)
            due = lane->last_due;
        lane->last_due = due;
    }
    return due;
}

// MARK: What waits

static bool is_before(const struct waiting *a, const struct waiting *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void swap(int a, int b)
{
    struct waiting *kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
}

// The place behind the heap's end always holds an unused one.
static void push(void)
{
    int place = heap_count++;
    while (place > 0 && is_before(heap[place], heap[(place - 1) / 2])) {
        swap(place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

static struct waiting *pop(void)
{
    swap(0, --heap_count);
    for (int place = 0;;) {
        int least = place;
        for (int child = 2 * place + 1; child <= 2 * place + 2; child++)
            if (child < heap_count && is_before(heap[child], heap[least]))
                least = child;
        if (least == place)
            return heap[heap_count];
        swap(place, least);
        place = least;
    }
}

static void send_due(void)
{
    while (heap_count && heap[0]->due <= now_us()) {
        struct waiting *one = pop();
        struct call *call = &calls[one->call];
        int end = one->direction == 0 ? 1 : 0;
        sendto(call->sockets[end], one->bytes, (size_t)one->length, 0,
               (struct sockaddr *)&call->peers[end], sizeof call->peers[end]);
        if (one->log >= 0) {
            log_lines[one->log].left = now_us();
            log_lines[one->log].late = (int32_t)(log_lines[one->log].left - one->due);
        }
    }
}

// MARK: Sockets

static int64_t stamp_of(struct msghdr *message)
{
    struct cmsghdr *note = CMSG_FIRSTHDR(message);
    struct timespec time;
    if (!note || note->cmsg_type != SCM_TIMESTAMPNS)
        return now_us();
    memcpy(&time, CMSG_DATA(note), sizeof time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

// Takes one datagram of a socket; false when there is none.
static bool take(int number, int direction)
{
    struct call *call = &calls[number];
    if (heap_count == WAITING_MAX)
        send_due();
    if (heap_count == WAITING_MAX)
        fail("too much waits");
    struct waiting *one = heap[heap_count];
    struct iovec piece = {one->bytes, BYTES_MAX};
    struct sockaddr_in sender;
    char notes[64];
    struct msghdr message = {&sender, sizeof sender, &piece, 1, notes, sizeof notes, 0};
    ssize_t length = recvmsg(call->sockets[direction], &message, MSG_DONTWAIT);
    if (length < 0)
        return false;
    if (direction == 0) {
        call->peers[0] = sender;
        call->knows[0] = true;
    }
    if (!call->knows[!direction])
        return true;
    struct line line = {.came = stamp_of(&message), .bytes = (int16_t)length, .number = -1};
    line.call = (uint8_t)number;
    line.direction = (uint8_t)direction;
    line.kind = (uint8_t)kind_of(one->bytes, (int)length);
    one->due = due_of(number, direction, one->bytes, (int)length, line.came, &line);
    one->log = begun && log_count < LOG_MAX ? log_count++ : -1;
    line.late = (int32_t)(one->due < 0 ? one->due : 0);
    if (one->log >= 0)
        log_lines[one->log] = line;
    if (one->due < 0)
        return true;
    one->order = order++;
    one->call = number;
    one->direction = direction;
    one->length = (int)length;
    push();
    return true;
}

static int open_socket(const char *address, int *port)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t size = sizeof own;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    if (descriptor < 0 || inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
        bind(descriptor, (struct sockaddr *)&own, sizeof own) != 0)
        fail("socket");
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    getsockname(descriptor, (struct sockaddr *)&own, &size);
    *port = ntohs(own.sin_port);
    return descriptor;
}

// False at the end of input.
static bool obey(void)
{
    static char text[4096];
    static size_t length;
    ssize_t count = read(0, text + length, sizeof text - 1 - length);
    if (count <= 0)
        return false;
    length += (size_t)count;
    text[length] = 0;
    char *line = text, *end;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        char address[64];
        int number, port;
        if (sscanf(line, "target %d %63s %d", &number, address, &port) == 3 && number >= 0 &&
            number < call_count) {
            struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
            inet_pton(AF_INET, address, &server.sin_addr);
            calls[number].peers[1] = server;
            calls[number].knows[1] = true;
        } else if (!strncmp(line, "begin", 5)) {
            begun = now_us();
            printf("begun\n");
            fflush(stdout);
        }
    }
    length -= (size_t)(line - text);
    memmove(text, line, length);
    return true;
}

static void write_log(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        fail(path);
    fprintf(file, "begun %ld\n", begun);
    for (int i = 0; i < log_count; i++) {
        struct line *line = &log_lines[i];
        fprintf(file, "%ld %d %d %d %d %d %ld %d\n", line->came, line->call, line->direction,
                line->kind, line->number, line->bytes, line->left, line->late);
    }
    fclose(file);
}

static void carry(void)
{
    struct pollfd ends[2 * CALLS_MAX + 1] = {{.fd = 0, .events = POLLIN}};
    for (int i = 0; i < 2 * call_count; i++)
        ends[i + 1] = (struct pollfd){.fd = calls[i / 2].sockets[i % 2], .events = POLLIN};
    for (;;) {
        int64_t wait = heap_count ? heap[0]->due - now_us() : 1000000;
        if (wait < 0)
            wait = 0;
        struct timespec time = {wait / 1000000, wait % 1000000 * 1000};
        if (ppoll(ends, (nfds_t)(2 * call_count + 1), &time, NULL) < 0 && errno != EINTR)
            fail("ppoll");
        if (ends[0].revents && !obey())
            return;
        for (int i = 0; i < 2 * call_count; i++)
            if (ends[i + 1].revents)
                while (take(i / 2, i % 2))
                    send_due();
        send_due();
    }
}

int main(int count, char **words)
{
    if (count != 5) {
        fprintf(stderr, "usage: way ADDRESS CALLS PLAN LOG\n");
        return 2;
    }
    call_count = atoi(words[2]);
    if (call_count < 1 || call_count > CALLS_MAX)
        fail("calls");
    prctl(PR_SET_PDEATHSIG, 9);
    // Its sleeps end when they shall, not up to 50 us later.
    prctl(PR_SET_TIMERSLACK, 1);
    read_plan(words[3]);
    for (int i = 0; i < WAITING_MAX; i++)
        heap[i] = &pool[i];
    for (int i = 0; i < 2 * call_count; i++) {
        int port;
        calls[i / 2].sockets[i % 2] = open_socket(words[1], &port);
        printf("%d ", port);
    }
    printf("\n");
    fflush(stdout);
    carry();
    write_log(words[4]);
    return 0;
}
