// What the kernel says about a process, and where threads run.
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// Adds what one thread has used; a thread that has just ended counts nothing.
static void add_thread(int process, const char *thread, struct ct_usage *usage)
{
    char path[320], line[256];
    uint64_t run = 0, wait = 0, switches = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", process, thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &run, &wait) == 2) {
        usage->run += run;
        usage->wait += wait;
        usage->threads++;
    }
    fclose(file);
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", process, thread);
    file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &switches) == 1)
            usage->switches += switches;
    }
    fclose(file);
}

int ct_usage_read(int process, struct ct_usage *usage)
{
    char path[64];
    *usage = (struct ct_usage){0};
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -1;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            add_thread(process, entry->d_name, usage);
    }
    closedir(folder);
    return usage->threads > 0 ? 0 : -1;
}

uint64_t ct_queue_drops(void)
{
    char line[512];
    uint64_t full = 0, memory = 0;
    FILE *file = fopen("/proc/net/snmp", "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL) {
        // InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors
        // IgnoredMulti MemErrors; the line with the names has no numbers
        if (sscanf(line, "Udp: %*u %*u %*u %*u %" SCNu64 " %*u %*u %*u %" SCNu64, &full, &memory) >=
            1)
            break;
    }
    fclose(file);
    return full + memory;
}

int64_t ct_resident_bytes(int process)
{
    char path[64], line[256];
    int64_t kibibytes = -1;
    snprintf(path, sizeof path, "/proc/%d/status", process);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %" SCNd64, &kibibytes) == 1)
            break;
    }
    fclose(file);
    return kibibytes < 0 ? -1 : kibibytes * 1024;
}

int ct_set_level(int process, int steps)
{
    return setpriority(PRIO_PGRP, (id_t)process, getpriority(PRIO_PROCESS, 0) + steps);
}

uint32_t ct_cpus(int *cpus, uint32_t capacity)
{
    cpu_set_t set;
    uint32_t count = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set))
            continue;
        if (count < capacity)
            cpus[count] = cpu;
        count++;
    }
    return count;
}

int ct_bind(const int *cpus, uint32_t count)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (uint32_t i = 0; i < count; i++)
        CPU_SET(cpus[i], &set);
    return sched_setaffinity(0, sizeof set, &set);
}

void ct_prepare_thread(int cpu)
{
    if (cpu >= 0)
        ct_bind(&cpu, 1);
    prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
}
