// Memory that is allocated once, on the NUMA node of the thread that uses it.
#include "internal.h"

#include <numa.h>
#include <numaif.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2u << 20)

bool pl_numa_is_available(void)
{
    return numa_available() >= 0;
}

void *pl_memory_map(size_t size, int numa_node)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    // A node that does not exist is a matter of speed, not of truth: the memory works anyway.
    if (numa_node >= 0 && pl_numa_is_available() && numa_node <= numa_max_node()) {
        numa_tonode_memory(memory, size, numa_node);
    }
    // Large tables are looked into at random, which costs less with large pages.
    if (size >= LARGE_PAGE)
        (void)madvise(memory, size, MADV_HUGEPAGE);
    // Touching every page now puts it on its node and takes the page faults out of the packet path.
    memset(memory, 0, size);
    return memory;
}

int pl_node_of_memory(const void *memory)
{
    int node = -1;
    // The kernel only reads the address; its declaration lacks the const.
    if (get_mempolicy(&node, NULL, 0, (void *)memory, MPOL_F_NODE | MPOL_F_ADDR) != 0)
        return -1;
    return node;
}

void pl_memory_unmap(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}
