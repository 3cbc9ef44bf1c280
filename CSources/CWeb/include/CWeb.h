// The web, both ends, over libwebsockets: a small HTTP server whose requests may become WebSockets,
// and a client for WebSockets and TCP streams. The two share what a socket is: whole messages in
// and out, each with a bound.
#pragma once

#include "ws_client.h"
#include "ws_server.h"
#include "ws_socket.h"
