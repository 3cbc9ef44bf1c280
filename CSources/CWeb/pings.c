// Whether the peer of a WebSocket is still there (RFC 6455, section 5.5.2).

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "socket.h"

// The same for the same socket of each run, and far apart for neighbours: a multiple of 2^32 over
// the golden ratio.
static lws_usec_t jittered(uint32_t milliseconds, uint32_t number)
{
    uint32_t permille = 900 + (uint32_t)((uint64_t)(number * 2654435769u) * 201 >> 32);
    return (lws_usec_t)milliseconds * permille;
}

// What came and was not looked at yet: because we were told to wait, or had no time.
static bool has_unread_bytes(struct ws_socket *socket)
{
    int count = 0;
    return socket->held || (!ioctl(lws_get_socket_fd(socket->wsi), FIONREAD, &count) && count > 0);
}

static void give_up(struct ws_socket *socket, lws_usec_t silence)
{
    struct lws *wsi = socket->wsi;
    snprintf(socket->ending.reason, sizeof socket->ending.reason,
             "it was silent for %lld ms and answered no ping", (long long)(silence / 1000));
    lws_set_timeout(wsi, PENDING_TIMEOUT_WS_PONG_CHECK_GET_PONG, LWS_TO_KILL_ASYNC);
    socket_end(wsi);
}

static void look(lws_sorted_usec_list_t *timer)
{
    struct ws_socket *socket = lws_container_of(timer, struct ws_socket, ping_timer);
    if (socket->closing)
        return;  // which has a limit of its own
    if (has_unread_bytes(socket))
        socket_heard(socket);
    lws_usec_t silence = lws_now_usecs() - socket->heard_at;
    lws_usec_t most = socket->ping_period / socket->family->limits.ping_milliseconds *
                      socket->family->limits.silence_milliseconds;
    if (silence >= most)
        return give_up(socket, silence);
    lws_usec_t next = socket->ping_period - silence;
    if (silence >= socket->ping_period) {
        socket->ping_is_due = true;
        lws_callback_on_writable(socket->wsi);
        next = socket->ping_period;
    }
    if (next > most - silence)
        next = most - silence;
    lws_sul_schedule(lws_get_context(socket->wsi), 0, timer, look, next);
}

void socket_watch(struct ws_socket *socket)
{
    uint32_t milliseconds = socket->family->limits.ping_milliseconds;
    socket->ping_period = jittered(milliseconds, socket->family->made++);
    socket_heard(socket);
    lws_sul_schedule(lws_get_context(socket->wsi), 0, &socket->ping_timer, look,
                     socket->ping_period);
}

void socket_unwatch(struct ws_socket *socket)
{
    lws_sul_cancel(&socket->ping_timer);
}

void socket_heard(struct ws_socket *socket)
{
    socket->heard_at = lws_now_usecs();
}

int socket_ping(struct ws_socket *socket)
{
    static const char payload[] = {'p', 'i', 'n', 'g'};
    uint8_t space[LWS_PRE + sizeof payload];
    memcpy(space + LWS_PRE, payload, sizeof payload);
    socket->ping_is_due = false;
    return websocket_write_frame(socket, space + LWS_PRE, sizeof payload, FRAME_PING, true);
}
