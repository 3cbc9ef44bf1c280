// Errors as a number, a sentence, and whether to go on without BPF.
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *steering_error_text(const struct steering_error *error) {
    return error->text;
}

// EPERM and EACCES: no right to. ENOSYS and EOPNOTSUPP: a kernel built without BPF.
static bool means_not_permitted(int number) {
    return number == EPERM || number == EACCES || number == ENOSYS || number == EOPNOTSUPP;
}

int steering_fail(struct steering_error *error, int number, const char *format, ...) {
    if (error == NULL) return -1;
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
