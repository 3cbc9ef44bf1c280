// Network namespaces of a thread.
#define _GNU_SOURCE
#include "CProbe.h"

#include <fcntl.h>
#include <sched.h>

int probe_new_network(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int probe_enter_network(int network)
{
    return setns(network, CLONE_NEWNET);
}
