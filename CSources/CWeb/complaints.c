#include "complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_complaint[128];

void web_fail(struct ws_error *error, int number, const char *format, ...)
{
    error->number = number;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
}

static void keep_complaint(int level, const char *line)
{
    if (level == LLL_ERR)
        snprintf(last_complaint, sizeof last_complaint, "%.*s", (int)strcspn(line, "\n"), line);
}

void web_keep_complaints(void)
{
    lws_set_log_level(LLL_ERR, keep_complaint);
    last_complaint[0] = 0;
}

const char *web_last_complaint(void)
{
    return last_complaint;
}

const lws_retry_bo_t web_no_keepalive = {.secs_since_valid_hangup = 0};
