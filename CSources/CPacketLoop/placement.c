// Which CPUs there are, to which NUMA node each belongs, and putting a thread on one.
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <numa.h>
#include <sched.h>
#include <string.h>

#define NODES_MAX 1024

// Reads a decimal number at *text and steps over it. False when there is none (strtoul alone would
// take signs and blanks).
static bool parse_number(const char **text, unsigned long *out) {
    if (!isdigit((unsigned char)**text)) return false;
    char *end;
    *out = strtoul(*text, &end, 10);
    *text = end;
    return true;
}

// Reads a CPU list in the kernel's form, "0-3,8,10-11", into `set` (a byte per CPU).
// False when it is anything else; CPUs from PL_CPUS_MAX on are left out.
static bool parse_cpu_list(const char *text, uint8_t set[PL_CPUS_MAX]) {
    while (*text != '\0' && *text != '\n') {
        unsigned long first, last;
        if (!parse_number(&text, &first)) return false;
        last = first;
        if (*text == '-') {
            text++;
            if (!parse_number(&text, &last) || last < first) return false;
        }
        for (unsigned long cpu = first; cpu <= last && cpu < PL_CPUS_MAX; cpu++) set[cpu] = 1;
        if (*text == ',') text++;
        else if (*text != '\0' && *text != '\n') return false;
    }
    return true;
}

// Reads one line of a file under the root. Returns 0 or an errno.
static int read_line(const char *root, const char *name, char *line, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) return errno;
    int code = fgets(line, (int)size, file) == NULL ? EIO : 0;
    fclose(file);
    return code;
}

// Takes out the CPUs on which this process may not run.
static void keep_allowed(uint8_t online[PL_CPUS_MAX]) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    for (int cpu = 0; cpu < PL_CPUS_MAX; cpu++) {
        if (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &allowed)) online[cpu] = 0;
    }
}

// Fills in the node of each CPU. A memory-only node has an empty list; a kernel without NUMA has no
// node folder at all, and then every CPU is on node 0.
static void read_nodes(const char *root, struct pl_topology *out) {
    char line[4096];
    for (int node = 0; node < NODES_MAX; node++) {
        char name[64];
        uint8_t members[PL_CPUS_MAX] = {0};
        snprintf(name, sizeof name, "devices/system/node/node%d/cpulist", node);
        if (read_line(root, name, line, sizeof line) != 0) continue;
        if (!parse_cpu_list(line, members)) continue;
        for (uint32_t i = 0; i < out->count; i++) {
            if (members[out->cpus[i].cpu]) out->cpus[i].node = (int16_t)node;
        }
    }
}

int pl_topology_read(const char *sysfs_root, struct pl_topology *out, struct pl_error *error) {
    const char *root = sysfs_root == NULL ? "/sys" : sysfs_root;
    char line[4096];
    uint8_t online[PL_CPUS_MAX] = {0};
    memset(out, 0, sizeof *out);
    int code = read_line(root, "devices/system/cpu/online", line, sizeof line);
    if (code == 0 && !parse_cpu_list(line, online)) code = EBADMSG;
    if (code != 0) {
        return pl_fail(error, code, "cannot read the list of CPUs in %s/devices/system/cpu", root);
    }
    if (sysfs_root == NULL) keep_allowed(online);
    for (int cpu = 0; cpu < PL_CPUS_MAX; cpu++) {
        if (online[cpu]) out->cpus[out->count++].cpu = (int16_t)cpu;
    }
    read_nodes(root, out);
    return 0;
}

int pl_pin_to_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < 0 || cpu >= CPU_SETSIZE) return EINVAL;
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int pl_node_of_cpu(int cpu) {
    return pl_numa_is_available() ? numa_node_of_cpu(cpu) : -1;
}
