// Who holds a port: /proc/net names a socket by its inode, /proc/*/fd says whose inode that is.
#include "internal.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTEN_STATE 0x0A
#define TABLE_READS_MAX 4

static bool is_wildcard(const struct pl_address *address)
{
    size_t start = pl_address_is_ipv4(address) ? 12 : 0;
    for (size_t i = start; i < 16; i++) {
        if (address->ip[i] != 0)
            return false;
    }
    return true;
}

// True when both may be in each other's way. The IPv6 wildcard usually takes IPv4 too, ours among
// them; the table does not say whether it does.
static bool collide(const struct pl_address *ours, const struct pl_address *theirs)
{
    if (ours->port != theirs->port)
        return false;
    bool is_ipv4 = pl_address_is_ipv4(ours);
    if (is_ipv4 != pl_address_is_ipv4(theirs))
        return is_wildcard(is_ipv4 ? theirs : ours);
    return is_wildcard(ours) || is_wildcard(theirs) || memcmp(ours->ip, theirs->ip, 16) == 0;
}

// Reads the hexadecimal address of a /proc/net line: 8 or 32 digits, each group of 8 a 32-bit word
// in the machine's own byte order.
static bool parse_local(const char *ip, unsigned port, struct pl_address *out)
{
    size_t words = strlen(ip) / 8;
    if (words != 1 && words != 4)
        return false;
    *out = (struct pl_address){.ip = {[10] = 0xFF, [11] = 0xFF}, .port = (uint16_t)port};
    for (size_t i = 0; i < words; i++) {
        unsigned word;
        if (sscanf(ip + 8 * i, "%8x", &word) != 1)
            return false;
        memcpy(out->ip + (words == 1 ? 12 : 4 * i), &word, 4);
    }
    return true;
}

// Looks through one table for a socket that collides with `ours`; returns its inode or 0.
static unsigned long find_inode(const char *path, enum pl_transport transport,
                                const struct pl_address *ours)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    unsigned long found = 0;
    char line[512];
    while (found == 0 && fgets(line, sizeof line, file) != NULL) {
        char ip[33];
        unsigned port, state;
        unsigned long inode;
        struct pl_address theirs;
        if (sscanf(line, " %*d: %32[0-9A-F]:%4x %*s %2x %*s %*s %*s %*u %*d %lu", ip, &port, &state,
                   &inode) != 4) {
            continue;  // the heading
        }
        if (transport == PL_TCP && state != TCP_LISTEN_STATE)
            continue;
        if (parse_local(ip, port, &theirs) && collide(ours, &theirs))
            found = inode;
    }
    fclose(file);
    return found;
}

// True when one of the process's descriptors is the socket `link` ("socket:[inode]").
static bool holds_socket(const char *process, const char *link)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/fd", process);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(folder)) != NULL) {
        char target[64];
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        found = strcmp(target, link) == 0;
    }
    closedir(folder);
    return found;
}

// Reads the first words of a file below /proc/`process`; "" when it is hidden.
static void read_words(int process, const char *file_name, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, file_name);
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(out, (int)size, file) != NULL)
        out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

// The program's name from its command line, because the kernel's own short form ends after 15
// characters; that form where the command line is hidden.
static void read_name(int process, char *name, size_t size)
{
    char line[512];
    read_words(process, "cmdline", line, sizeof line);  // ends with the first word's NUL
    const char *slash = strrchr(line, '/');
    snprintf(name, size, "%s", slash == NULL ? line : slash + 1);
    if (name[0] == '\0')
        read_words(process, "comm", name, size);
    // A name is whatever its owner made it; it ends in our log.
    for (char *at = name; *at != '\0'; at++) {
        if (!isprint((unsigned char)*at))
            *at = '?';
    }
}

static void find_process(unsigned long inode, struct pl_port_holder *out)
{
    char link[64];
    snprintf(link, sizeof link, "socket:[%lu]", inode);
    DIR *processes = opendir("/proc");
    if (processes == NULL)
        return;
    const struct dirent *entry;
    while (out->process == 0 && (entry = readdir(processes)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (holds_socket(entry->d_name, link))
            out->process = atoi(entry->d_name);
    }
    closedir(processes);
    if (out->process != 0)
        read_name(out->process, out->name, sizeof out->name);
}

static bool find_once(enum pl_transport transport, const struct pl_address *address,
                      struct pl_port_holder *out)
{
    bool is_udp = transport == PL_UDP;
    const char *ipv4_table = is_udp ? "/proc/net/udp" : "/proc/net/tcp";
    const char *ipv6_table = is_udp ? "/proc/net/udp6" : "/proc/net/tcp6";
    unsigned long inode = find_inode(ipv4_table, transport, address);
    if (inode == 0)
        inode = find_inode(ipv6_table, transport, address);
    if (inode == 0)
        return false;
    find_process(inode, out);
    return true;
}

bool pl_port_find_holder(enum pl_transport transport, const struct pl_address *address,
                         struct pl_port_holder *out)
{
    *out = (struct pl_port_holder){0};
    // The kernel writes its table page by page, and a line can be skipped when sockets before it
    // close in between; so an answer of "nobody" is asked for again.
    for (int i = 0; i < TABLE_READS_MAX; i++) {
        if (find_once(transport, address, out))
            return true;
    }
    return false;
}
