// Addresses between the kernel's two families and our single form.
#include "internal.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool pl_address_is_ipv4(const struct pl_address *address)
{
    return memcmp(address->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

socklen_t pl_address_to_kernel(const struct pl_address *address, sa_family_t family,
                               bool takes_ipv4, struct sockaddr_in6 *out)
{
    bool is_ipv4 = pl_address_is_ipv4(address);
    if (is_ipv4 != (family == AF_INET) && !(is_ipv4 && takes_ipv4))
        return 0;
    if (family == AF_INET) {
        struct sockaddr_in *name = (struct sockaddr_in *)out;
        memset(name, 0, sizeof *name);
        name->sin_family = AF_INET;
        name->sin_port = htons(address->port);
        memcpy(&name->sin_addr, address->ip + 12, 4);
        return sizeof *name;
    }
    memset(out, 0, sizeof *out);
    out->sin6_family = AF_INET6;
    out->sin6_port = htons(address->port);
    memcpy(&out->sin6_addr, address->ip, 16);
    return sizeof *out;
}

void pl_address_from_kernel(const struct sockaddr_in6 *name, struct pl_address *out)
{
    if (name->sin6_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)name;
        memcpy(out->ip, mapped_prefix, sizeof mapped_prefix);
        memcpy(out->ip + 12, &ipv4->sin_addr, 4);
        out->port = ntohs(ipv4->sin_port);
        return;
    }
    memcpy(out->ip, &name->sin6_addr, 16);
    out->port = ntohs(name->sin6_port);
}

const char *pl_address_text(const struct pl_address *address, char text[PL_ADDRESS_TEXT_SIZE])
{
    char ip[INET6_ADDRSTRLEN];
    if (pl_address_is_ipv4(address)) {
        inet_ntop(AF_INET, address->ip + 12, ip, sizeof ip);
        snprintf(text, PL_ADDRESS_TEXT_SIZE, "%s:%u", ip, address->port);
    } else {
        inet_ntop(AF_INET6, address->ip, ip, sizeof ip);
        snprintf(text, PL_ADDRESS_TEXT_SIZE, "[%s]:%u", ip, address->port);
    }
    return text;
}
