// Replies that come later than their handler returns.
#include <stddef.h>

#include "connection.h"
#include "server.h"

uint64_t ws_reply_defer(struct ws_reply *reply)
{
    struct exchange *exchange =
        (struct exchange *)((char *)reply - offsetof(struct exchange, reply));
    struct ws_server *server = exchange->server;
    if (!exchange->deferred) {
        exchange->deferred = ++server->last_deferred;
        exchange->next_deferred = server->deferred;
        server->deferred = exchange;
    }
    return exchange->deferred;
}

void exchange_undefer(struct exchange *exchange)
{
    if (!exchange->deferred)
        return;
    struct exchange **place = &exchange->server->deferred;
    while (*place && *place != exchange)
        place = &(*place)->next_deferred;
    if (*place)
        *place = exchange->next_deferred;
    exchange->deferred = 0;
    exchange->next_deferred = NULL;
}

struct ws_reply *ws_server_resume(struct ws_server *server, uint64_t number)
{
    struct exchange *exchange = server->deferred;
    while (exchange && exchange->deferred != number)
        exchange = exchange->next_deferred;
    if (!exchange || number == 0)
        return NULL;
    exchange_undefer(exchange);
    connection_reply(exchange->connection);
    return &exchange->reply;
}
