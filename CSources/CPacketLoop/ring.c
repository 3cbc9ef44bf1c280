// AF_XDP in copy mode, for sending alone: a ring of frames that one system call hands over.
#include "frames.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Frames that the kernel takes in one call; Linux 6.17 and later, else it takes 32.
#define KICK_FRAMES 256
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif
#define MASK (PL_RING_FRAMES - 1)

static int register_memory(struct pl_ring *ring)
{
    struct xdp_umem_reg memory = {.addr = (uint64_t)(uintptr_t)ring->memory,
                                  .len = PL_RING_FRAMES * PL_FRAME_BYTES,
                                  .chunk_size = PL_FRAME_BYTES};
    if (setsockopt(ring->fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof memory) != 0)
        return -1;
    // A ring for receiving has to be there, and stays empty.
    const int options[] = {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_TX_RING};
    int count = PL_RING_FRAMES;
    for (int i = 0; i < 3; i++) {
        if (setsockopt(ring->fd, SOL_XDP, options[i], &count, sizeof count) != 0)
            return -1;
    }
    count = KICK_FRAMES;
    (void)setsockopt(ring->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &count, sizeof count);
    int bytes = 4 << 20;
    (void)setsockopt(ring->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    return 0;
}

static void *map(int fd, size_t size, off_t offset)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

static int map_rings(struct pl_ring *ring)
{
    struct xdp_mmap_offsets offsets;
    socklen_t length = sizeof offsets;
    if (getsockopt(ring->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) != 0)
        return -1;
    ring->out_size = offsets.tx.desc + PL_RING_FRAMES * sizeof(struct xdp_desc);
    ring->done_size = offsets.cr.desc + PL_RING_FRAMES * sizeof(uint64_t);
    ring->out_map = map(ring->fd, ring->out_size, XDP_PGOFF_TX_RING);
    ring->done_map = map(ring->fd, ring->done_size, XDP_UMEM_PGOFF_COMPLETION_RING);
    if (ring->out_map == MAP_FAILED || ring->done_map == MAP_FAILED)
        return -1;
    uint8_t *out = ring->out_map;
    uint8_t *done = ring->done_map;
    ring->out = (struct xdp_desc *)(out + offsets.tx.desc);
    ring->out_producer = (uint32_t *)(out + offsets.tx.producer);
    ring->out_consumer = (uint32_t *)(out + offsets.tx.consumer);
    ring->done = (uint64_t *)(done + offsets.cr.desc);
    ring->done_producer = (uint32_t *)(done + offsets.cr.producer);
    ring->done_consumer = (uint32_t *)(done + offsets.cr.consumer);
    return 0;
}

int pl_ring_open(struct pl_ring *ring, int link_index, uint32_t queue)
{
    // Copy mode: any driver has it, and nothing changes for what the interface receives.
    struct sockaddr_xdp name = {.sxdp_family = AF_XDP,
                                .sxdp_flags = XDP_COPY,
                                .sxdp_ifindex = (uint32_t)link_index,
                                .sxdp_queue_id = queue};
    ring->out_map = MAP_FAILED;
    ring->done_map = MAP_FAILED;
    ring->produced = 0;
    ring->settled = 0;
    ring->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (ring->fd < 0 || register_memory(ring) != 0 || map_rings(ring) != 0 ||
        bind(ring->fd, (struct sockaddr *)&name, sizeof name) != 0) {
        int code = errno;
        pl_ring_close(ring);
        errno = code;
        return -1;
    }
    for (uint32_t i = 0; i < PL_RING_FRAMES; i++)
        ring->free[i] = i * PL_FRAME_BYTES;
    ring->free_count = PL_RING_FRAMES;
    return 0;
}

void pl_ring_close(struct pl_ring *ring)
{
    if (ring->out_map != MAP_FAILED)
        munmap(ring->out_map, ring->out_size);
    if (ring->done_map != MAP_FAILED)
        munmap(ring->done_map, ring->done_size);
    if (ring->fd >= 0)
        close(ring->fd);
    ring->fd = -1;
    ring->out_map = MAP_FAILED;
    ring->done_map = MAP_FAILED;
}

uint8_t *pl_ring_room(struct pl_ring *ring)
{
    // A frame's memory may come back before its place in the ring has been counted.
    if (ring->free_count == 0 || ring->produced - ring->settled == PL_RING_FRAMES)
        return NULL;
    return ring->memory + ring->free[ring->free_count - 1];
}

void pl_ring_add(struct pl_ring *ring, uint32_t frame_bytes, uint16_t socket, uint16_t bytes)
{
    uint32_t place = ring->produced++ & MASK;
    ring->out[place] =
        (struct xdp_desc){.addr = ring->free[--ring->free_count], .len = frame_bytes};
    ring->owners[place].socket = socket;
    ring->owners[place].bytes = bytes;
}

int pl_ring_kick(struct pl_ring *ring, uint32_t *taken)
{
    __atomic_store_n(ring->out_producer, ring->produced, __ATOMIC_RELEASE);
    int code = sendto(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? errno : 0;
    *taken = __atomic_load_n(ring->out_consumer, __ATOMIC_ACQUIRE);
    return code;
}

void pl_ring_reclaim(struct pl_ring *ring)
{
    uint32_t last = __atomic_load_n(ring->done_producer, __ATOMIC_ACQUIRE);
    uint32_t next = *ring->done_consumer;
    while (next != last && ring->free_count < PL_RING_FRAMES) {
        ring->free[ring->free_count++] = (uint32_t)ring->done[next++ & MASK];
    }
    __atomic_store_n(ring->done_consumer, next, __ATOMIC_RELEASE);
}
