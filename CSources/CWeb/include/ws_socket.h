// A connection that carries messages both ways: a WebSocket (RFC 6455) of the server or the client,
// or a TCP stream, whose messages are the pieces of bytes that happen to arrive together.
//
// Text is valid UTF-8 (else the socket ends with 1007). Fragments are put together before anybody
// sees them. Pings are answered, and sent: a peer of which nothing comes, no Pong either, is gone.
//
// A socket belongs to the thread that runs its server or client; nothing here is for any other.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ws_socket;

// Why something could not be made: an errno value (0 when there is none) and a sentence.
struct ws_error {
    int number;
    char text[256];
};

// One header field; of a request that came in, the name is in lower case.
struct ws_field {
    const char *name;
    const char *value;
};

// What the sockets of one server or client may take. 0 means the default.
struct ws_limits {
    size_t message_bytes_max;  // of one message; longer ends the socket with 1009; 1 MiB
    // Of all unfinished messages, beyond the first 64 KiB of each; 64 MiB. A message that finds no
    // room ends its socket with 1011.
    size_t assembly_bytes_max;
    // Waiting to be sent on one socket; from there on it takes no more. 1 MiB. A single message may
    // be longer.
    size_t queue_bytes_max;
    // How fast a socket is read, bytes a second; each message counts as 512 more. Beyond it the
    // peer waits (TCP holds it back), and nobody else does. 0: 4 MiB.
    size_t rate_bytes;
    size_t burst_bytes;  // what may come at once, on top of the rate; 4 MiB
    // Silence before a WebSocket's peer is sent a Ping, and before it is given up. Every socket's
    // are up to a tenth shorter or longer, always the same for the first, the second and so on.
    uint32_t ping_milliseconds;     // 25,000: not the 20 s of others, so that Pings do not cross
    uint32_t silence_milliseconds;  // twice ping_milliseconds
};

// How a socket ended. A peer that vanished leaves 1006 (RFC 6455, section 7.1.5).
struct ws_ending {
    uint16_t code;
    bool by_peer;          // the peer closed; else we did, or the network
    uint16_t http_status;  // what a server said instead of 101; 0 when it is not known
    char reason[128];      // for people, of the peer's making: not to be trusted
};

// What happens to sockets. `context` is the server's or the client's.
struct ws_socket_events {
    // A client's socket is connected, and upgraded if it is a WebSocket. A server's has no such
    // moment: it takes messages to send from on_upgrade on. May be NULL.
    void (*on_open)(void *context, struct ws_socket *socket);
    // A whole message; the bytes live until the handler returns.
    void (*on_message)(void *context, struct ws_socket *socket, const uint8_t *bytes, size_t length,
                       bool is_text);
    // The end: once for each socket, the last that is heard of it, whoever ended it.
    void (*on_close)(void *context, struct ws_socket *socket, const struct ws_ending *ending);
    // Whether more of this socket's messages are wanted now. After a no, nothing is read and the
    // question comes again within 20 ms. NULL: always.
    bool (*may_read)(void *context, struct ws_socket *socket);
};

// Queues a message; copies it. False when it was not: the queue is full, or the socket is ending.
bool ws_socket_send(struct ws_socket *socket, const uint8_t *bytes, size_t length, bool is_text);

// Bytes that wait to be sent.
size_t ws_socket_queued(const struct ws_socket *socket);

// For how long the network has taken nothing of what waits to be sent, milliseconds; 0 when nothing
// waits. The kernel keeps 64 KiB of its own before that, and the peer's what its buffers take.
uint32_t ws_socket_stalled_milliseconds(const struct ws_socket *socket);

// Sends what waits, then a Close frame (RFC 6455, section 7.4.1), then ends; a peer that does not
// take it within 5 s is cut off. At most 123 bytes of the reason are told.
void ws_socket_close(struct ws_socket *socket, uint16_t code, const char *reason);

// What the socket's owner wants to find again.
void *ws_socket_context(const struct ws_socket *socket);
void ws_socket_set_context(struct ws_socket *socket, void *context);

#ifdef __cplusplus
}
#endif
