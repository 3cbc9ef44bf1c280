// Errors as a number and a sentence.
#include "internal.h"

#include <stdarg.h>
#include <string.h>

const char *pl_error_text(const struct pl_error *error)
{
    return error->text;
}

int pl_fail(struct pl_error *error, int number, const char *format, ...)
{
    if (error == NULL)
        return -1;
    error->number = number;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    size_t used = strlen(error->text);
    if (number != 0) {
        char reason[80];
        // The GNU form of strerror_r returns the text, which need not be in the buffer.
        snprintf(error->text + used, sizeof error->text - used, ": %s",
                 strerror_r(number, reason, sizeof reason));
    }
    return -1;
}
