// Writes the program of program.h, instruction by instruction: it depends on the length of the
// frames, and no compiler for it need be at hand. What it does:
//
//     if (the frame is too short) return XDP_ABORTED;
//     if (a rate is given) {
//         now = ktime();
//         if (now < due) return XDP_DROP;
//         due = max(due, now - BACKLOG) + interval;
//     }
//     index = next; next = next + 1 < count ? next + 1 : 0; sent += 1;
//     copy frames[index] over the frame;
//     if (stamps are wanted) frame[stamp] = ktime() + ahead;
//     return XDP_PASS;
#include "internal.h"
#include "program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSTRUCTIONS_MAX 2048
// A sender that is late makes up for so many nanoseconds and no more.
#define BACKLOG 300000

// Registers: 1 to 5 are free, 6 is the time, 7 the frame, 8 its end, 9 the ct_injection.
struct code {
    struct bpf_insn list[INSTRUCTIONS_MAX];
    int count;
};

static int put(struct code *code, int operation, int to, int from, int offset, int32_t value)
{
    struct bpf_insn instruction = {.code = (uint8_t)operation,
                                   .dst_reg = (uint8_t)(to & 15),
                                   .src_reg = (uint8_t)(from & 15),
                                   .off = (int16_t)offset,
                                   .imm = value};
    code->list[code->count] = instruction;
    return code->count++;
}

static void load(struct code *code, int to, int from, int offset)
{
    put(code, BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0);
}

static void store(struct code *code, int to, int offset, int from)
{
    put(code, BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0);
}

static void add(struct code *code, int to, int32_t value)
{
    put(code, BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value);
}

static void set(struct code *code, int to, int32_t value)
{
    put(code, BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}

static void move(struct code *code, int to, int from)
{
    put(code, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

// A map, or the memory of a map with one entry.
static void load_map(struct code *code, int to, int how, int map)
{
    put(code, BPF_LD | BPF_DW | BPF_IMM, to, how, 0, map);
    put(code, 0, 0, 0, 0, 0);
}

static void call(struct code *code, int function)
{
    put(code, BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

static void finish(struct code *code, int verdict)
{
    set(code, 0, verdict);
    put(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

// Lets the jump at `from` lead to what comes next.
static void land(struct code *code, int from)
{
    code->list[from].off = (int16_t)(code->count - from - 1);
}

#define FIELD(name) ((int)offsetof(struct ct_injection, name))

static void put_pace(struct code *code)
{
    call(code, BPF_FUNC_ktime_get_ns);
    move(code, 6, 0);
    load(code, 1, 9, FIELD(due));
    int go = put(code, BPF_JMP | BPF_JGE | BPF_X, 6, 1, 0, 0);
    finish(code, XDP_DROP);
    land(code, go);
    add(code, 6, -BACKLOG);
    int recent = put(code, BPF_JMP | BPF_JGE | BPF_X, 1, 6, 0, 0);
    move(code, 1, 6);
    land(code, recent);
    load(code, 2, 9, FIELD(interval));
    put(code, BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0);
    store(code, 9, FIELD(due), 1);
}

// Takes the number of the next frame into the stack's last four bytes.
static void put_choice(struct code *code)
{
    load(code, 1, 9, FIELD(next));
    put(code, BPF_STX | BPF_MEM | BPF_W, 10, 1, -4, 0);
    add(code, 1, 1);
    load(code, 2, 9, FIELD(count));
    int more = put(code, BPF_JMP | BPF_JLT | BPF_X, 1, 2, 0, 0);
    set(code, 1, 0);
    land(code, more);
    store(code, 9, FIELD(next), 1);
    load(code, 1, 9, FIELD(sent));
    add(code, 1, 1);
    store(code, 9, FIELD(sent), 1);
}

static void put_copy(struct code *code, const struct ct_program_options *options)
{
    move(code, 2, 10);
    add(code, 2, -4);
    load_map(code, 1, BPF_PSEUDO_MAP_FD, options->frames);
    call(code, BPF_FUNC_map_lookup_elem);
    int found = put(code, BPF_JMP | BPF_JNE | BPF_K, 0, 0, 0, 0);
    finish(code, XDP_ABORTED);
    land(code, found);
    for (int offset = 0; offset < (int)options->frame_bytes; offset += 8) {
        load(code, 1, 0, offset);
        store(code, 7, offset, 1);
    }
}

static void put_all(struct code *code, const struct ct_program_options *options)
{
    put(code, BPF_LDX | BPF_MEM | BPF_W, 7, 1, offsetof(struct xdp_md, data), 0);
    put(code, BPF_LDX | BPF_MEM | BPF_W, 8, 1, offsetof(struct xdp_md, data_end), 0);
    move(code, 2, 7);
    add(code, 2, (int32_t)options->frame_bytes);
    int whole = put(code, BPF_JMP | BPF_JLE | BPF_X, 2, 8, 0, 0);
    finish(code, XDP_ABORTED);
    land(code, whole);
    load_map(code, 9, BPF_PSEUDO_MAP_VALUE, options->injection);
    if (options->rate != 0)
        put_pace(code);
    put_choice(code);
    put_copy(code, options);
    if (options->stamp_offset != UINT32_MAX) {
        call(code, BPF_FUNC_ktime_get_ns);
        load(code, 1, 9, FIELD(ahead));
        put(code, BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 0);
        store(code, 7, (int)options->stamp_offset, 0);
    }
    finish(code, XDP_PASS);
}

int ct_program_load(const struct ct_program_options *options)
{
    if (options->frame_bytes % 8 != 0 || options->frame_bytes / 4 + 100 > INSTRUCTIONS_MAX) {
        errno = EINVAL;
        return -1;
    }
    struct code code = {.count = 0};
    put_all(&code, options);
    union bpf_attr request;
    memset(&request, 0, sizeof request);
    request.prog_type = BPF_PROG_TYPE_XDP;
    request.insns = (uint64_t)(uintptr_t)code.list;
    request.insn_cnt = (uint32_t)code.count;
    request.license = (uint64_t)(uintptr_t) "Dual MIT/GPL";
    return (int)syscall(__NR_bpf, BPF_PROG_LOAD, &request, sizeof request);
}
