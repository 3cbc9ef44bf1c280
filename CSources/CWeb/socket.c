#include "socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tls.h"

static size_t size_or(size_t value, size_t standard)
{
    return value ? value : standard;
}

void socket_family_init(struct socket_family *family, const struct ws_limits *limits,
                        const struct ws_socket_events *events, void *context)
{
    family->events = *events;
    family->context = context;
    family->limits = (struct ws_limits){
        .message_bytes_max = size_or(limits->message_bytes_max, 1 << 20),
        .assembly_bytes_max = size_or(limits->assembly_bytes_max, 64 << 20),
        .queue_bytes_max = size_or(limits->queue_bytes_max, 1 << 20),
        .rate_bytes = size_or(limits->rate_bytes, 4 << 20),
        .burst_bytes = size_or(limits->burst_bytes, 4 << 20),
        .ping_milliseconds = limits->ping_milliseconds ? limits->ping_milliseconds : 25000,
    };
    uint32_t silence = limits->silence_milliseconds;
    family->limits.silence_milliseconds = silence ? silence : 2 * family->limits.ping_milliseconds;
}

struct ws_socket *socket_create(struct socket_family *family)
{
    struct ws_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    socket->family = family;
    socket->budget = (int64_t)family->limits.burst_bytes;
    socket->budget_at = lws_now_usecs();
    socket->ending.code = 1006;
    family->count++;
    return socket;
}

void socket_bind(struct ws_socket *socket, struct lws *wsi)
{
    socket->wsi = wsi;
    lws_set_opaque_user_data(wsi, socket);
}

struct ws_socket *socket_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

static void drop_assembly(struct ws_socket *socket)
{
    if (socket->capacity > ASSEMBLY_FREE_BYTES)
        socket->family->assembly_bytes -= socket->capacity - ASSEMBLY_FREE_BYTES;
    free(socket->assembly);
    socket->assembly = NULL;
    socket->assembled = 0;
    socket->capacity = 0;
}

void socket_drop_queue(struct ws_socket *socket)
{
    while (socket->queue.first)
        queue_drop_first(&socket->queue);
}

void socket_discard(struct ws_socket *socket)
{
    socket_drop_queue(socket);
    drop_assembly(socket);
    websocket_free(socket);
    tls_free(socket->tls);
    socket->family->count--;
    handshake_free(socket->handshake);
    free(socket);
}

void socket_end(struct lws *wsi)
{
    struct ws_socket *socket = socket_of(wsi);
    if (!socket)
        return;
    socket_unwatch(socket);
    lws_set_opaque_user_data(wsi, NULL);
    socket->wsi = NULL;
    socket->closing = true;
    if (socket->opening) {
        socket->ended = true;
        return;
    }
    struct socket_family *family = socket->family;
    if (family->events.on_close)
        family->events.on_close(family->context, socket, &socket->ending);
    socket_discard(socket);
}

// Else the kernel takes megabytes, and our queue's bound says nothing of a peer that stopped
// reading. What is on its way is not counted, so a long way is as fast as before.
static void bound_unsent(struct ws_socket *socket)
{
    int most = UNSENT_BYTES_MAX;
    setsockopt(lws_get_socket_fd(socket->wsi), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
}

int socket_established(struct ws_socket *socket)
{
    socket->established = true;
    socket->moved_at = lws_now_usecs();
    bound_unsent(socket);
    // It may have been closed before it was open, and has the same time then.
    if (socket->closing)
        lws_set_timeout(socket->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_SECONDS);
    else
        lws_set_timeout(socket->wsi, NO_PENDING_TIMEOUT, 0);
    handshake_free(socket->handshake);
    socket->handshake = NULL;
    if (!socket->is_stream)
        socket_watch(socket);
    struct socket_family *family = socket->family;
    if (socket->is_client && family->events.on_open)
        family->events.on_open(family->context, socket);
    if (socket->queue.first || socket->closing)
        lws_callback_on_writable(socket->wsi);
    return 0;
}

// MARK: In

int socket_refuse(struct ws_socket *socket, uint16_t code, const char *reason)
{
    socket->ending.code = code;
    snprintf(socket->ending.reason, sizeof socket->ending.reason, "%s", reason);
    socket->closing = true;
    if (socket->is_stream)
        return -1;
    // The peer shall read why, behind what waits for it already, so the connection stays until it
    // is gone or its time is over.
    drop_assembly(socket);
    socket->reader.ended = true;
    lws_set_timeout(socket->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_SECONDS);
    lws_callback_on_writable(socket->wsi);
    return 0;
}

static bool make_room(struct ws_socket *socket, size_t wanted)
{
    if (wanted <= socket->capacity)
        return true;
    struct socket_family *family = socket->family;
    size_t capacity = socket->capacity ? socket->capacity : 4096;
    while (capacity < wanted)
        capacity *= 2;
    size_t before = socket->capacity > ASSEMBLY_FREE_BYTES ? socket->capacity : ASSEMBLY_FREE_BYTES;
    size_t extra = capacity > before ? capacity - before : 0;
    if (extra > family->limits.assembly_bytes_max - family->assembly_bytes)
        return false;
    uint8_t *larger = realloc(socket->assembly, capacity);
    if (!larger)
        return false;
    family->assembly_bytes += extra;
    socket->assembly = larger;
    socket->capacity = capacity;
    return true;
}

static void deliver(struct ws_socket *socket, const uint8_t *bytes, size_t length, bool is_text)
{
    struct socket_family *family = socket->family;
    socket->budget -= MESSAGE_COST_BYTES;
    if (family->events.on_message)
        family->events.on_message(family->context, socket, bytes, length, is_text);
}

int socket_take(struct ws_socket *socket, const uint8_t *bytes, size_t length, uint64_t announced,
                bool is_text, bool is_whole)
{
    size_t most = socket->family->limits.message_bytes_max;
    // Nothing is kept of a message whose header already says that it is too long.
    if (length > most - socket->assembled || announced > most - socket->assembled - length)
        return socket_refuse(socket, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "the message is too long");
    if (is_whole && socket->assembled == 0) {
        deliver(socket, bytes, length, is_text);
        return 0;
    }
    if (!make_room(socket, socket->assembled + length))
        return socket_refuse(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
                             "no room for the message");
    if (length)
        memcpy(socket->assembly + socket->assembled, bytes, length);
    socket->assembled += length;
    if (!is_whole)
        return 0;
    deliver(socket, socket->assembly, socket->assembled, is_text);
    drop_assembly(socket);
    return 0;
}

static void refill(struct ws_socket *socket)
{
    const struct ws_limits *limits = &socket->family->limits;
    lws_usec_t now = lws_now_usecs();
    lws_usec_t passed = now - socket->budget_at;
    // Beyond ten seconds it is full in any case, and the product stays small.
    if (passed > 10 * LWS_US_PER_SEC)
        passed = 10 * LWS_US_PER_SEC;
    socket->budget_at = now;
    socket->budget += (int64_t)limits->rate_bytes * passed / LWS_US_PER_SEC;
    if (socket->budget > (int64_t)limits->burst_bytes)
        socket->budget = (int64_t)limits->burst_bytes;
}

static bool may_read(struct ws_socket *socket)
{
    struct socket_family *family = socket->family;
    if (socket->budget < 0)
        refill(socket);
    if (socket->budget < 0)
        return false;
    return !family->events.may_read || family->events.may_read(family->context, socket);
}

void socket_pace(struct ws_socket *socket)
{
    bool reads = socket->closing || may_read(socket);
    if (reads == socket->held) {
        socket->held = !reads;
        lws_rx_flow_control(socket->wsi, reads);
    }
    if (!reads)
        lws_set_timer_usecs(socket->wsi, HELD_MICROSECONDS);
}

int socket_receive(struct ws_socket *socket, void *bytes, size_t length)
{
    if (!socket->is_stream)
        return websocket_receive(socket, bytes, length);
    if (socket->closing)
        return 0;  // what comes between our wish to close and the end is for nobody
    socket->budget -= (int64_t)length;
    if (socket_take(socket, bytes, length, 0, false, true))
        return -1;
    socket_pace(socket);
    return 0;
}

int socket_timer(struct ws_socket *socket)
{
    if (socket->held)
        socket_pace(socket);
    return socket->unread && !socket->held ? websocket_resume(socket) : 0;
}

// MARK: Out

bool ws_socket_send(struct ws_socket *socket, const uint8_t *bytes, size_t length, bool is_text)
{
    bool is_ending = socket->closing || socket->ending.by_peer;
    if (is_ending || socket->queue.bytes >= socket->family->limits.queue_bytes_max)
        return false;
    if (!socket->queue.first)
        socket->moved_at = lws_now_usecs();
    if (!queue_append(&socket->queue, bytes, length, is_text))
        return false;
    if (socket->established)
        lws_callback_on_writable(socket->wsi);
    return true;
}

size_t ws_socket_queued(const struct ws_socket *socket)
{
    return socket->queue.bytes;
}

uint32_t ws_socket_stalled_milliseconds(const struct ws_socket *socket)
{
    if (!socket->queue.first || !socket->established)
        return 0;
    lws_usec_t stalled = (lws_now_usecs() - socket->moved_at) / 1000;
    return stalled < UINT32_MAX ? (uint32_t)stalled : UINT32_MAX;
}

void ws_socket_close(struct ws_socket *socket, uint16_t code, const char *reason)
{
    if (socket->closing)
        return;
    socket->closing = true;
    socket->ending.code = code;
    size_t length = utf8_prefix((const uint8_t *)reason, strlen(reason), REASON_BYTES_MAX);
    snprintf(socket->ending.reason, sizeof socket->ending.reason, "%.*s", (int)length, reason);
    if (socket->established) {
        lws_set_timeout(socket->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_SECONDS);
        lws_callback_on_writable(socket->wsi);
    } else if (socket->is_client && socket->wsi) {
        lws_set_timeout(socket->wsi, PENDING_TIMEOUT_AWAITING_CONNECT_RESPONSE, LWS_TO_KILL_ASYNC);
    }
}

static int send_raw(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    return lws_write(socket->wsi, bytes, length, LWS_WRITE_RAW) < (int)length ? -1 : 0;
}

int socket_flush(struct ws_socket *socket)
{
    size_t length;
    uint8_t *bytes = tls_waiting(socket->tls, &length);
    if (length && send_raw(socket, bytes, length))
        return -1;
    tls_sent(socket->tls);
    return 0;
}

int socket_send_bytes(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    if (!socket->tls)
        return send_raw(socket, bytes, length);
    return tls_write(socket->tls, bytes, length) ? socket_flush(socket) : -1;
}

static int write_piece(struct ws_socket *socket)
{
    struct waiting_message *message = socket->queue.first;
    size_t length = message->length - message->sent;
    if (length > SOCKET_CHUNK_BYTES)
        length = SOCKET_CHUNK_BYTES;
    uint8_t *piece = message->space + LWS_PRE + message->sent;
    bool is_last = message->sent + length == message->length;
    enum frame_opcode opcode = message->sent      ? FRAME_CONTINUATION
                               : message->is_text ? FRAME_TEXT
                                                  : FRAME_BINARY;
    if (socket->is_stream ? socket_send_bytes(socket, piece, length)
                          : websocket_write_frame(socket, piece, length, opcode, is_last))
        return -1;
    message->sent += length;
    socket->moved_at = lws_now_usecs();
    if (is_last)
        queue_drop_first(&socket->queue);
    return 0;
}

// Control frames come between the pieces of a message, never within one.
static int write_next(struct ws_socket *socket, bool *is_last)
{
    *is_last = false;
    if (socket->pong_count)
        return websocket_pong(socket);
    if (socket->ping_is_due && !socket->closing)
        return socket_ping(socket);
    if (socket->queue.first)
        return write_piece(socket);
    *is_last = socket->closing;
    return socket->closing && !socket->is_stream ? websocket_close(socket) : 0;
}

int socket_write(struct ws_socket *socket)
{
    if (socket->close_sent)
        return websocket_shut(socket);
    // One at a time: a write that did not fit must not have another behind it.
    bool is_last;
    if (write_next(socket, &is_last) || (is_last && socket->is_stream))
        return -1;
    if (socket->pong_count || socket->queue.first || socket->closing)
        lws_callback_on_writable(socket->wsi);
    return 0;
}

void *ws_socket_context(const struct ws_socket *socket)
{
    return socket->context;
}

void ws_socket_set_context(struct ws_socket *socket, void *context)
{
    socket->context = context;
}
