// Processes: what `martlet up` needs of the kernel to own its children, and what a child needs to
// be owned. Not for the packet path.
#pragma once

#include <sys/types.h>

// The file descriptor by which a child says that it is ready, open in it from its start. It is the
// write end of a pipe: the owner reads a line when the child is ready, and end of file when the
// child has ended for whatever reason.
#define CP_READY_DESCRIPTOR 3

struct cp_child {
    pid_t pid;
    int ready;  // read end of the ready pipe
};

// Starts the program at `path` in a process group of its own (so that Ctrl-C in a terminal reaches
// only the owner, which then stops it), with all signals unblocked. The kernel sends it SIGTERM
// when the owner dies, even by SIGKILL. To be called from a thread that lives as long as the
// process. Other threads may run: the child uses nothing of theirs before exec. Returns 0, or the
// errno of what failed, the exec too.
int cp_spawn(const char *path, char *const argv[], struct cp_child *child);

// Puts bytes into a file that has no name anywhere, so that nothing of it stays whenever this
// process is killed; only its user may read it. Children inherit the descriptor, which is beyond
// CP_READY_DESCRIPTOR, and read it at /proc/self/fd/N, each from its beginning. -1 with errno.
int cp_nameless_file(const void *bytes, size_t length);

// Empties such a file for everybody who has it open, and closes it here.
void cp_forget_file(int descriptor);

// How a process ended.
struct cp_end {
    int exited;  // 1: by itself, with `code`; 0: by the signal `code`
    int code;
};

// Waits until the child has ended, without limit. Returns 0 or errno.
int cp_wait(pid_t pid, struct cp_end *end);

// Asks the kernel to send SIGTERM to this process when its parent dies; sends it at once when the
// parent is dead already. Returns 0 or errno.
int cp_exit_with_parent(void);

// Blocks SIGINT, SIGTERM and SIGHUP and returns a descriptor that becomes readable when one comes,
// or -1 with errno.
int cp_stop_signals(void);

// The signal that came on a descriptor of cp_stop_signals, or 0 when there is none.
int cp_next_signal(int descriptor);
