// A WebSocket (RFC 6455) over a connection that carries bytes: its frames are read and written.
//
// libwebsockets 4.1 can do that too, and does it wrong: it takes frames of clients without a mask,
// echoes Close codes that nobody may send, answers the first of several Pings and not the last, and
// fails connections without a word.
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "socket.h"

void websocket_begin(struct ws_socket *socket)
{
    socket->reader = (struct frame_reader){.of_client = !socket->is_client};
}

// MARK: In

static void peer_closes(struct ws_socket *socket, const struct frame_piece *piece)
{
    if (socket->close_sent)
        return;
    socket_drop_queue(socket);
    if (!socket->closing) {
        socket->closing = true;
        socket->ending.by_peer = true;
        socket->ending.code = piece->code;
        memcpy(socket->ending.reason, piece->bytes, piece->length);
        socket->ending.reason[piece->length] = 0;
    }
    lws_set_timeout(socket->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_SECONDS);
    lws_callback_on_writable(socket->wsi);
}

static void drop_pong(struct ws_socket *socket)
{
    queue_drop_first(&socket->pongs);
    socket->pong_count--;
}

// Each Ping is answered, of many at once the most recent ones (section 5.5.3).
static int answer(struct ws_socket *socket, const struct frame_piece *ping)
{
    if (socket->pong_count == PONGS_MAX)
        drop_pong(socket);
    if (!queue_append(&socket->pongs, ping->bytes, ping->length, false))
        return -1;
    socket->pong_count++;
    lws_callback_on_writable(socket->wsi);
    return 0;
}

static int take(struct ws_socket *socket, const struct frame_piece *piece)
{
    switch (piece->kind) {
    case PIECE_NONE:
        return 0;
    case PIECE_DATA:
        // What comes between our wish to close and the end is for nobody.
        return socket->closing ? 0
                               : socket_take(socket, piece->bytes, piece->length, piece->announced,
                                             piece->is_text, piece->is_last);
    case PIECE_PING:
        socket->budget -= MESSAGE_COST_BYTES;
        return answer(socket, piece);
    case PIECE_PONG:
        socket->budget -= MESSAGE_COST_BYTES;
        return 0;
    case PIECE_CLOSE:
        peer_closes(socket, piece);
        // Both have said it. A client waits for the server to go (section 7.1.1).
        return socket->close_sent && !socket->is_client ? -1 : 0;
    case PIECE_FAULT:
        return socket->closing ? -1 : socket_refuse(socket, piece->code, piece->fault);
    }
    return -1;
}

bool websocket_keep(struct ws_socket *socket, const uint8_t *bytes, size_t length)
{
    if (!length)
        return true;
    uint8_t *larger = realloc(socket->unread, socket->unread_length + length);
    if (!larger)
        return false;
    memcpy(larger + socket->unread_length, bytes, length);
    socket->unread = larger;
    socket->unread_length += length;
    return true;
}

static int look_at(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    while (length > 0 && !socket->held) {
        struct frame_piece piece;
        size_t used = frame_read(&socket->reader, bytes, length, &piece);
        bytes += used;
        length -= used;
        socket->budget -= (int64_t)used;
        if (take(socket, &piece))
            return -1;
        socket_pace(socket);
    }
    return websocket_keep(socket, bytes, length) ? 0 : -1;
}

int websocket_resume(struct ws_socket *socket)
{
    uint8_t *bytes = socket->unread;
    size_t length = socket->unread_length;
    socket->unread = NULL;
    socket->unread_length = 0;
    int verdict = look_at(socket, bytes, length);
    free(bytes);
    return verdict;
}

int websocket_receive(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    socket_heard(socket);
    if (!socket->unread)
        return look_at(socket, bytes, length);
    if (!websocket_keep(socket, bytes, length))
        return -1;
    return socket->held ? 0 : websocket_resume(socket);
}

// MARK: Out

int websocket_write_frame(struct ws_socket *socket, uint8_t *payload, size_t length,
                          enum frame_opcode opcode, bool is_final)
{
    uint8_t mask[4];
    if (socket->is_client && getrandom(mask, sizeof mask, 0) != sizeof mask)
        return -1;
    size_t header = frame_write(payload, length, opcode, is_final, socket->is_client ? mask : NULL);
    return socket_send_bytes(socket, payload - header, header + length);
}

int websocket_pong(struct ws_socket *socket)
{
    struct waiting_message *pong = socket->pongs.first;
    int verdict =
        websocket_write_frame(socket, pong->space + LWS_PRE, pong->length, FRAME_PONG, true);
    drop_pong(socket);
    return verdict;
}

int websocket_close(struct ws_socket *socket)
{
    uint8_t space[LWS_PRE + FRAME_CONTROL_BYTES_MAX], *payload = space + LWS_PRE;
    uint16_t code = socket->ending.code;
    size_t length = 0;
    if (code != FRAME_NO_CODE) {
        payload[length++] = (uint8_t)(code >> 8);
        payload[length++] = (uint8_t)code;
    }
    // An echo says the code again, and no reason.
    if (length && !socket->ending.by_peer) {
        size_t reason = strlen(socket->ending.reason);
        reason = utf8_prefix((const uint8_t *)socket->ending.reason, reason, REASON_BYTES_MAX);
        memcpy(payload + length, socket->ending.reason, reason);
        length += reason;
    }
    socket->close_sent = true;
    return websocket_write_frame(socket, payload, length, FRAME_CLOSE, true);
}

// All is written: nothing more will be. A server whose client has said Close too is done; else the
// peer shall be able to read what was written before the connection is gone.
int websocket_shut(struct ws_socket *socket)
{
    if (socket->ending.by_peer && !socket->is_client)
        return -1;
    if (!socket->is_shut && (socket->reader.ended || socket->ending.by_peer))
        shutdown(lws_get_socket_fd(socket->wsi), SHUT_WR);
    socket->is_shut = true;
    return 0;
}

void websocket_free(struct ws_socket *socket)
{
    while (socket->pong_count)
        drop_pong(socket);
    free(socket->unread);
}
