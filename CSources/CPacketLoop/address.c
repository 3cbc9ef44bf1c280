// Addresses between the kernel's forms and the one that Swift sees, and errors as sentences.
#include "internal.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool pl_is_v4(const struct pl_address *address) {
    return memcmp(address->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

void pl_to_sockaddr(const struct pl_address *address, bool is_v4, union pl_sockaddr *out,
                    socklen_t *length) {
    if (is_v4) {
        out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&out->v4.sin_addr, address->ip + 12, 4);
        *length = sizeof out->v4;
    } else {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
        memcpy(&out->v6.sin6_addr, address->ip, 16);
        *length = sizeof out->v6;
    }
}

void pl_from_sockaddr(const union pl_sockaddr *address, struct pl_address *out) {
    if (address->any.sa_family == AF_INET) {
        memcpy(out->ip, mapped_prefix, sizeof mapped_prefix);
        memcpy(out->ip + 12, &address->v4.sin_addr, 4);
        out->port = ntohs(address->v4.sin_port);
    } else {
        memcpy(out->ip, &address->v6.sin6_addr, 16);
        out->port = ntohs(address->v6.sin6_port);
    }
}

int pl_fail(struct pl_error *error, int number, const char *format, ...) {
    if (error) {
        error->number = number;
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length < sizeof error->text && number)
            snprintf(error->text + length, sizeof error->text - (size_t)length, ": %s",
                     strerror(number));
    }
    return -1;
}
