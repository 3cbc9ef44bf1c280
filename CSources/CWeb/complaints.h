// What the server and the client tell of libwebsockets' own troubles.
#pragma once

#include <libwebsockets.h>

#include "ws_socket.h"

// Fills an error: an errno value and a sentence.
__attribute__((format(printf, 3, 4))) void web_fail(struct ws_error *error, int number,
                                                    const char *format, ...);

// Silences libwebsockets' log and forgets this thread's last complaint.
void web_keep_complaints(void);
// The last error that libwebsockets logged on this thread; "" when there is none.
const char *web_last_complaint(void);

// No keepalive of the library: 4.1 writes its ping over the Pong that waits for its turn (change
// 2413 of its authors), and the peer gives up a connection that answers it wrongly. See pings.c for
// ours.
extern const lws_retry_bo_t web_no_keepalive;
