// From a request to a WebSocket. What the client sent is looked at and answered here; then
// libwebsockets is given the connection, as one that carries bytes.
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

enum { ANSWER_BYTES_MAX = 256 };

static const struct fault bad_version = {426, "bad_version", "Only WebSocket version 13 is known."};
static const struct fault bad_upgrade = {400, "bad_upgrade", "This is not a WebSocket handshake."};
static const struct fault bad_subprotocol = {
    400, "bad_subprotocol", "Offer the subprotocol " UPGRADE_PROTOCOL ", or none."};
static const struct fault nothing_here = {404, "not_found", "There is no WebSocket here."};
static const struct fault too_many = {503, "too_many_sockets", "No more WebSockets at the moment."};

bool upgrade_is_wanted(const struct head *head)
{
    return !strcmp(head->method, "GET") && !head->is_old &&
           head_lists(head, "upgrade", "websocket");
}

static bool is_key(struct text key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char copy[HANDSHAKE_KEY_BYTES + 1] = "";
    if (key.length != HANDSHAKE_KEY_BYTES)
        return false;
    memcpy(copy, key.at, HANDSHAKE_KEY_BYTES);
    return strspn(copy, digits) == HANDSHAKE_KEY_BYTES - 2 &&
           !strcmp(copy + HANDSHAKE_KEY_BYTES - 2, "==");
}

// Whether the client offers the subprotocol; `offers_any`: this one or others.
static bool offers_ours(const struct head *head, bool *offers_any)
{
    *offers_any = false;
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct head_field *field = &head->fields[i];
        if (!text_is(field->name, "sec-websocket-protocol"))
            continue;
        *offers_any = true;
        if (list_holds(field->value, UPGRADE_PROTOCOL, false))
            return true;
    }
    return false;
}

const struct fault *upgrade_fault(const struct head *head)
{
    struct text version, key;
    bool offers_any;
    if (head_find(head, "sec-websocket-version", &version) != 1 || !text_is(version, "13"))
        return &bad_version;
    if (head_find(head, "sec-websocket-key", &key) != 1 || !is_key(key) ||
        !head_lists(head, "connection", "upgrade") || head->is_chunked || head->length > 0)
        return &bad_upgrade;
    return offers_ours(head, &offers_any) || !offers_any ? NULL : &bad_subprotocol;
}

static size_t write_answer(char *out, const struct head *head)
{
    struct text key;
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];
    bool offers_any;
    head_find(head, "sec-websocket-key", &key);
    handshake_accept(key.at, accept);
    const char *protocol =
        offers_ours(head, &offers_any) ? "Sec-WebSocket-Protocol: " UPGRADE_PROTOCOL "\r\n" : "";
    return (size_t)snprintf(out, ANSWER_BYTES_MAX,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                            accept, protocol);
}

// It was let in, but has no connection (any more): its owner hears of that.
static void abandon(struct ws_server *server, struct ws_socket *socket)
{
    const struct ws_socket_events *events = &server->sockets.events;
    if (events->on_close)
        events->on_close(server->sockets.context, socket, &socket->ending);
    socket_discard(socket);
}

// Nothing that the client sent before waits to be answered: the answer fits into the empty socket.
static bool answers(int fd, const struct head *head)
{
    char answer[ANSWER_BYTES_MAX];
    size_t length = write_answer(answer, head);
    return send(fd, answer, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static void hand_over(struct connection *connection, struct ws_socket *socket,
                      const struct head *head, const uint8_t *input, size_t length)
{
    struct ws_server *server = connection->server;
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    if (!answers(connection->fd, head)) {
        close(connection->fd);
        return abandon(server, socket);
    }
    lws_sock_file_fd_type fd = {.sockfd = connection->fd};
    // It closes the descriptor when it fails.
    struct lws *wsi =
        lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_SOCKET, fd, server_protocol_name, NULL);
    if (!wsi)
        return abandon(server, socket);
    socket_bind(socket, wsi);
    websocket_begin(socket);
    socket_established(socket);
    // What came behind the request is looked at in the socket's first turn.
    if (!websocket_keep(socket, input, length))
        lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    else if (length)
        lws_set_timer_usecs(wsi, 1);
}

bool upgrade_begin(struct exchange *exchange, const struct head *head, const uint8_t *input,
                   size_t length)
{
    struct ws_server *server = exchange->server;
    const struct ws_options *options = &server->options;
    bool has_room = server->sockets.count < options->sockets_max;
    struct ws_socket *socket =
        options->on_upgrade && has_room ? socket_create(&server->sockets) : NULL;
    if (!socket) {
        const struct fault *fault = options->on_upgrade ? &too_many : &nothing_here;
        exchange_refuse(exchange, fault);
        server_note_refusal(server, fault->status, fault->code, exchange->connection->peer);
        return false;
    }
    exchange->reply.status = 500;
    if (!options->on_upgrade(options->context, &exchange->request, &exchange->reply, socket)) {
        socket_discard(socket);
        return false;
    }
    hand_over(exchange->connection, socket, head, input, length);
    return true;
}
