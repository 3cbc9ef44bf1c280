#include "CMemory.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

void cm_set_up(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

size_t cm_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    size_t whole, resident;
    int count = fscanf(file, "%zu %zu", &whole, &resident);
    fclose(file);
    return count == 2 ? resident * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

size_t cm_used_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void cm_trim(void)
{
    (void)malloc_trim(0);
}
