// Where threads run and where their memory lies.
#include "internal.h"

#include <errno.h>
#include <numa.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

void *pl_memory(size_t bytes, int numa_node) {
    if (numa_node >= 0 && numa_available() >= 0) return numa_alloc_onnode(bytes, numa_node);
    return calloc(1, bytes);
}

void pl_memory_free(void *memory, size_t bytes, int numa_node) {
    if (!memory) return;
    if (numa_node >= 0 && numa_available() >= 0)
        numa_free(memory, bytes);
    else
        free(memory);
}

int pl_pin_to_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int pl_node_of_cpu(int cpu) { return numa_available() >= 0 ? numa_node_of_cpu(cpu) : -1; }
