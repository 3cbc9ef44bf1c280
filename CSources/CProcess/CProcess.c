#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

// Moves a descriptor to the number `place` and lets it survive exec.
static int place_descriptor(int descriptor, int place)
{
    if (descriptor != place)
        return dup2(descriptor, place);
    return fcntl(descriptor, F_SETFD, 0);
}

// The child's side, between fork and exec: async-signal-safe calls only. Returns only on failure.
static void become(const char *path, char *const argv[], int ready, pid_t owner)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return;
    if (getppid() != owner)  // died before prctl: no signal will come
        _exit(1);
    if (place_descriptor(ready, CP_READY_DESCRIPTOR) < 0)
        return;
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(path, argv);
}

// Reads the errno that a failed child wrote; 0 when exec closed the pipe.
static int exec_failure(int descriptor)
{
    int failure = 0;
    ssize_t count;
    do {
        count = read(descriptor, &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    return count == sizeof failure ? failure : 0;
}

// A pipe whose ends are closed by exec and do not collide with CP_READY_DESCRIPTOR.
static int high_pipe(int ends[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0)
        return errno;
    for (int i = 0; i < 2; i++)
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, CP_READY_DESCRIPTOR + 1);
    int failure = ends[0] < 0 || ends[1] < 0 ? errno : 0;
    close(low[0]);
    close(low[1]);
    return failure;
}

int cp_spawn(const char *path, char *const argv[], struct cp_child *child)
{
    int ready[2], report[2];
    int failure = high_pipe(ready);
    if (failure != 0)
        return failure;
    failure = high_pipe(report);
    if (failure != 0) {
        close(ready[0]);
        close(ready[1]);
        return failure;
    }
    pid_t owner = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(path, argv, ready[1], owner);
        int reason = errno;
        _exit(write(report[1], &reason, sizeof reason) == sizeof reason ? 127 : 126);
    }
    failure = pid < 0 ? errno : 0;
    close(ready[1]);
    close(report[1]);
    if (failure == 0)
        failure = exec_failure(report[0]);
    close(report[0]);
    if (failure != 0) {
        if (pid > 0)
            waitpid(pid, NULL, 0);
        close(ready[0]);
        return failure;
    }
    child->pid = pid;
    child->ready = ready[0];
    return 0;
}

static int write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(descriptor, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return -1;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

int cp_nameless_file(const void *bytes, size_t length)
{
    int low = memfd_create("martlet", MFD_CLOEXEC);
    if (low < 0)
        return -1;
    int high = -1;
    if (fchmod(low, S_IRUSR | S_IWUSR) == 0 && write_all(low, bytes, length) == 0)
        high = fcntl(low, F_DUPFD, CP_READY_DESCRIPTOR + 1);
    int failure = errno;
    close(low);
    errno = failure;
    return high;
}

void cp_forget_file(int descriptor)
{
    while (ftruncate(descriptor, 0) != 0 && errno == EINTR)
        ;
    close(descriptor);
}

int cp_wait(pid_t pid, struct cp_end *end)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return errno;
    }
    end->exited = WIFEXITED(status);
    end->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    return 0;
}

int cp_exit_with_parent(void)
{
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return errno;
    if (getppid() != parent)
        raise(SIGTERM);
    return 0;
}

int cp_stop_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0)
        return -1;
    return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

int cp_next_signal(int descriptor)
{
    struct signalfd_siginfo information;
    ssize_t count = read(descriptor, &information, sizeof information);
    return count == sizeof information ? (int)information.ssi_signo : 0;
}
