#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    INPUT_BYTES_FIRST = 2048,
    LINGER_MICROSECONDS = 2000000,
    LINGER_BYTES_MAX = 4 << 20,
};

static const struct fault not_http = {400, "bad_request", "This is not an HTTP request."};
static const struct fault tls_here = {
    400, "bad_request",
    "This port speaks plain HTTP: use http://, or a proxy in front that speaks TLS."};
static const struct fault head_too_large = {
    431, "headers_too_large", "Request line and header fields may have 16,384 bytes together."};
static const struct fault target_too_long = {
    414, "target_too_long", "Request line and header fields may have 16,384 bytes together."};
static const struct fault out_of_time = {408, "request_timeout",
                                         "The request did not come whole in time."};

static lws_usec_t deadline_in(uint32_t seconds)
{
    return lws_now_usecs() + (lws_usec_t)seconds * LWS_US_PER_SEC;
}

// MARK: Beginning and end

static void name_peer(struct connection *connection, const struct sockaddr *address)
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (!inet_ntop(address->sa_family, bytes, connection->peer, sizeof connection->peer))
        connection->peer[0] = 0;
}

bool connection_begin(struct ws_server *server, int fd, const struct sockaddr *address)
{
    struct connection *connection = calloc(1, sizeof *connection);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (!connection || epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event)) {
        free(connection);
        close(fd);
        return false;
    }
    connection->server = server;
    connection->fd = fd;
    connection->interest = EPOLLIN;
    connection->deadline = deadline_in(server->options.timeout_seconds);
    connection->exchange.server = server;
    connection->exchange.connection = connection;
    name_peer(connection, address);
    guests_enter(&server->guests, &connection->guest, address);
    return true;
}

// Forgets it, but for the descriptor.
static void let_go(struct connection *connection)
{
    guests_leave(&connection->server->guests, &connection->guest);
    exchange_end(&connection->exchange);
    free(connection->reply_head);
    free(connection->input);
    free(connection);
}

// A closed descriptor stays in the epoll while another one of its connection is open, as in a child
// between fork and exec: its events would then be those of a connection that is gone.
static void end(struct connection *connection)
{
    epoll_ctl(connection->server->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    close(connection->fd);
    let_go(connection);
}

void connection_abort(struct connection *connection)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    end(connection);
}

static void look_for(struct connection *connection, uint32_t events)
{
    if (connection->has_turn)
        events |= EPOLLOUT;
    if (events == connection->interest)
        return;
    struct epoll_event event = {.events = events, .data.ptr = connection};
    connection->interest = events;
    epoll_ctl(connection->server->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

// MARK: Writing

void connection_reply(struct connection *connection)
{
    connection->state = WRITES;
    connection->deadline = deadline_in(connection->server->options.timeout_seconds);
    guests_wait(&connection->server->guests, &connection->guest);
    look_for(connection, EPOLLOUT);
}

static void refuse(struct connection *connection, const struct fault *fault)
{
    struct exchange *exchange = &connection->exchange;
    bool is_head = exchange->is_head;
    exchange_end(exchange);
    exchange->is_head = is_head;
    exchange_refuse(exchange, fault);
    server_note_refusal(connection->server, fault->status, fault->code, connection->peer);
    connection_reply(connection);
}

static void drop_input(struct connection *connection, size_t length)
{
    connection->input_length -= length;
    if (connection->input_length > 0)
        memmove(connection->input, connection->input + length, connection->input_length);
    // An idle connection keeps no room.
    if (connection->input_length > 0)
        return;
    free(connection->input);
    connection->input = NULL;
    connection->input_capacity = 0;
}

// Whether a request has begun. Empty lines before it are left out (RFC 9112, section 2.2), also
// when half of one is here.
static bool begins_request(struct connection *connection)
{
    size_t at = 0;
    if (connection->scan.seen > 0)
        return true;
    while (connection->input_length - at >= 2 && !memcmp(connection->input + at, "\r\n", 2))
        at += 2;
    if (at > 0)
        drop_input(connection, at);
    size_t left = connection->input_length;
    return left > 1 || (left == 1 && connection->input[0] != '\r');
}

// The reply is out: the next request, or the end.
static bool finish_reply(struct connection *connection)
{
    bool closes = connection->exchange.closes;
    exchange_end(&connection->exchange);
    free(connection->reply_head);
    connection->reply_head = NULL;
    connection->written = 0;
    if (closes) {
        connection->state = LINGERS;
        connection->guest.has_spoken = false;
        connection->deadline = lws_now_usecs() + LINGER_MICROSECONDS;
        shutdown(connection->fd, SHUT_WR);
        look_for(connection, EPOLLIN);
        return true;
    }
    connection->state = READS_HEAD;
    connection->scan = (struct head_scan){0};
    // One request a turn, so that who sends many together keeps nobody waiting.
    connection->has_turn = begins_request(connection);
    connection->guest.has_spoken = connection->has_turn;
    connection->deadline =
        deadline_in(connection->has_turn ? connection->server->options.timeout_seconds
                                         : connection->server->options.idle_seconds);
    guests_wait(&connection->server->guests, &connection->guest);
    look_for(connection, EPOLLIN);
    return true;
}

// False: the connection has gone.
static bool write_reply(struct connection *connection)
{
    struct exchange *exchange = &connection->exchange;
    if (!connection->reply_head && exchange->reply.failed)
        refuse(connection, &fault_internal);
    if (!connection->reply_head)
        connection->reply_head = exchange_reply_head(exchange, &connection->reply_head_length);
    if (!connection->reply_head) {
        connection_abort(connection);
        return false;
    }
    size_t head = connection->reply_head_length;
    size_t body = exchange_sends_body(exchange) ? exchange->reply.body_length : 0;
    while (connection->written < head + body) {
        size_t done = connection->written, of_head = done < head ? done : head;
        struct iovec pieces[2] = {
            {connection->reply_head + of_head, head - of_head},
            {exchange->reply.body + (done - of_head), body - (done - of_head)},
        };
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = body ? 2 : 1};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            look_for(connection, EPOLLOUT);
            return true;
        }
        if (sent < 0) {
            end(connection);
            return false;
        }
        connection->written += (size_t)sent;
    }
    return finish_reply(connection);
}

// MARK: Reading

static bool say_continue(struct connection *connection)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t length = sizeof line - 1;
    return send(connection->fd, line, length, MSG_NOSIGNAL) == (ssize_t)length;
}

// The whole request is here: asks the handler.
static void answer(struct connection *connection)
{
    struct ws_server *server = connection->server;
    struct exchange *exchange = &connection->exchange;
    exchange->reply.status = 500;
    server->options.on_request(server->options.context, &exchange->request, &exchange->reply);
    if (!exchange->deferred) {
        connection_reply(connection);
        return;
    }
    connection->state = WAITS;
    guests_keep(&server->guests, &connection->guest);
    look_for(connection, 0);
}

// A piece of the body, from `*at` on; answers when it was the last.
static void take_body(struct connection *connection, const uint8_t **at, const uint8_t *end_at)
{
    struct exchange *exchange = &connection->exchange;
    size_t most = connection->server->options.body_bytes_max;
    const struct fault *fault = exchange_take_body(exchange, at, end_at, most);
    if (fault)
        refuse(connection, fault);
    else if (!exchange_has_body_to_come(exchange))
        answer(connection);
}

// False: the connection is no longer ours, or has gone.
static bool upgrade(struct connection *connection, const struct head *head)
{
    size_t behind = connection->scan.seen;
    const struct fault *fault = upgrade_fault(head);
    if (fault) {
        refuse(connection, fault);
        if (fault->status == 426)
            ws_reply_header(&connection->exchange.reply, "Sec-WebSocket-Version", "13");
        return true;
    }
    if (upgrade_begin(&connection->exchange, head, connection->input + behind,
                      connection->input_length - behind)) {
        let_go(connection);
        return false;
    }
    connection->exchange.closes = true;
    connection_reply(connection);
    return true;
}

// A whole head is in the input. False: the connection has gone.
static bool take_head(struct connection *connection)
{
    struct exchange *exchange = &connection->exchange;
    size_t length = connection->scan.seen, most = connection->server->options.body_bytes_max;
    struct head head;
    const struct fault *fault = head_read(&head, (const char *)connection->input, length);
    if (!fault)
        fault = exchange_begin(exchange, &head, length, connection->peer);
    if (!fault && upgrade_is_wanted(&head))
        return upgrade(connection, &head);
    if (!fault)
        fault = exchange_expect_body(exchange, &head, most);
    bool is_expected = !fault && !head.is_old && head_find(&head, "expect", &(struct text){0});
    drop_input(connection, length);
    if (fault) {
        refuse(connection, fault);
        return true;
    }
    if (!exchange_has_body_to_come(exchange)) {
        answer(connection);
        return true;
    }
    connection->state = READS_BODY;
    if (connection->input_length > 0) {
        const uint8_t *at = connection->input;
        take_body(connection, &at, at + connection->input_length);
        drop_input(connection, (size_t)(at - connection->input));
    } else if (is_expected && !say_continue(connection)) {
        end(connection);
        return false;
    }
    return true;
}

// Goes on with what is in the input. False: the connection has gone.
static bool go_on(struct connection *connection)
{
    if (!begins_request(connection))
        return true;
    if (!connection->guest.has_spoken) {
        connection->guest.has_spoken = true;
        connection->deadline = deadline_in(connection->server->options.timeout_seconds);
    }
    switch (head_look(&connection->scan, connection->input, connection->input_length)) {
    case HEAD_WHOLE:
        return take_head(connection);
    case HEAD_BROKEN:
        // A TLS handshake begins with this byte (RFC 8446, section 5.1).
        refuse(connection, connection->input[0] == 0x16 ? &tls_here : &not_http);
        return true;
    case HEAD_PARTIAL:
        break;
    }
    if (connection->input_length == HEAD_BYTES_MAX)
        refuse(connection, connection->scan.line_start ? &head_too_large : &target_too_long);
    return true;
}

static bool make_room(struct connection *connection)
{
    if (connection->input_length < connection->input_capacity)
        return true;
    size_t capacity = 2 * connection->input_capacity;
    if (capacity == 0)
        capacity = INPUT_BYTES_FIRST;
    uint8_t *larger = realloc(connection->input, capacity);
    if (!larger)
        return false;
    connection->input = larger;
    connection->input_capacity = capacity;
    return true;
}

// The state's place for what comes, and room for it.
static uint8_t *place_for_input(struct connection *connection, size_t *room)
{
    *room = SCRATCH_BYTES;
    if (connection->state != READS_HEAD)
        return connection->server->scratch;
    if (!make_room(connection))
        return NULL;
    *room = connection->input_capacity - connection->input_length;
    return connection->input + connection->input_length;
}

// What the body left over is the beginning of the next request.
static bool keep_rest(struct connection *connection, const uint8_t *at, size_t length)
{
    if (length == 0 || connection->exchange.closes)
        return true;
    connection->input = malloc(HEAD_BYTES_MAX);
    if (!connection->input)
        return false;
    memcpy(connection->input, at, length);
    connection->input_length = length;
    connection->input_capacity = HEAD_BYTES_MAX;
    return true;
}

// False: the connection has gone.
static bool read_some(struct connection *connection)
{
    size_t room;
    uint8_t *place = place_for_input(connection, &room);
    ssize_t count = place ? recv(connection->fd, place, room, 0) : 0;
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (count <= 0) {
        end(connection);
        return false;
    }
    const uint8_t *at = place, *end_at = place + count;
    bool is_good = true;
    switch (connection->state) {
    case READS_HEAD:
        connection->input_length += (size_t)count;
        return go_on(connection);
    case READS_BODY:
        take_body(connection, &at, end_at);
        is_good = keep_rest(connection, at, (size_t)(end_at - at));
        break;
    default:
        connection->lingered += (size_t)count;
        is_good = connection->lingered < LINGER_BYTES_MAX;
    }
    if (!is_good)
        connection_abort(connection);
    return is_good;
}

void connection_turn(struct connection *connection, uint32_t events)
{
    if (events & EPOLLERR || (events & EPOLLHUP && !(events & EPOLLIN))) {
        end(connection);
        return;
    }
    if (connection->has_turn) {
        connection->has_turn = false;
        look_for(connection, EPOLLIN);
        if (!go_on(connection))
            return;
    } else if (events & EPOLLIN && !read_some(connection)) {
        return;
    }
    if (connection->state == WRITES)
        write_reply(connection);
}

static bool can_be_written(const struct connection *connection)
{
    struct pollfd look = {.fd = connection->fd, .events = POLLOUT};
    return poll(&look, 1, 0) == 1;
}

void connection_tick(struct connection *connection, lws_usec_t now)
{
    if (now < connection->deadline)
        return;
    // Its request is here, and it waits for us; or we for the client, to take the replies before.
    if (connection->has_turn && can_be_written(connection))
        return;
    switch (connection->has_turn ? WRITES : connection->state) {
    case READS_HEAD:
    case READS_BODY:
        if (connection->guest.has_spoken)
            refuse(connection, &out_of_time);
        else
            end(connection);
        break;
    case WAITS:
    case WRITES:
        server_note_refusal(connection->server, out_of_time.status, out_of_time.code,
                            connection->peer);
        connection_abort(connection);
        break;
    case LINGERS:
        end(connection);
        break;
    }
}
