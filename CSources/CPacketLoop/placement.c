// Putting a thread on a CPU, and a socket's datagrams on the thread's CPU.
#include "internal.h"

#include <errno.h>
#include <sched.h>

int pl_pin_to_cpu(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return EINVAL;
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int pl_current_cpu(void)
{
    return sched_getcpu();
}

int pl_socket_prefer_cpu(int fd, int cpu)
{
    return setsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof cpu) == 0 ? 0 : errno;
}
