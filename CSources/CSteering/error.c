// Errors as a number, a sentence, and whether to go on without BPF.
#include "internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *steering_error_text(const struct steering_error *error)
{
    return error->text;
}

// EPERM and EACCES: no right to. ENOSYS and EOPNOTSUPP: a kernel built without BPF.
static bool means_not_permitted(int number)
{
    return number == EPERM || number == EACCES || number == ENOSYS || number == EOPNOTSUPP;
}

// Whether we have a right, or the one that stands for all of BPF's.
static bool has_right(int capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return true;  // then it cannot be said
    uint64_t all = (uint64_t)data[1].effective << 32 | data[0].effective;
    return (all >> capability & 1) != 0 || (all >> CAP_SYS_ADMIN & 1) != 0;
}

const char *steering_missing_right(int number)
{
    if (number == EPERM && !has_right(CAP_BPF))
        return " (CAP_BPF is missing)";
    // The verifier's own refusal. Linux 6.18 takes our programs without this right.
    if (number == EACCES && !has_right(CAP_PERFMON)) {
        return " (CAP_PERFMON is missing, without which this kernel's verifier asks for more)";
    }
    return "";
}

int steering_fail(struct steering_error *error, int number, const char *format, ...)
{
    if (error == NULL)
        return -1;
    error->number = number;
    error->not_permitted = means_not_permitted(number);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    size_t used = strlen(error->text);
    char reason[80];
    // The GNU form of strerror_r returns the text, which need not be in the buffer.
    snprintf(error->text + used, sizeof error->text - used, ": %s",
             strerror_r(number, reason, sizeof reason));
    return -1;
}
