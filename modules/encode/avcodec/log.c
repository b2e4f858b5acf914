/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/log.h>

static _Thread_local struct log *current;

static void on_log(void *context, int level, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void on_log(void *context, int level, const char *format, va_list args)
{
    struct log *log = current;
    if (!log) {
        av_log_default_callback(context, level, format, args);
        return;
    }
    if (level > AV_LOG_VERBOSE)
        return;
    char text[sizeof(log->said)];
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    if (!text[0])
        return;
    if (level <= log->level) {
        memcpy(log->said, text, sizeof(text));
        log->level = level;
    }
    uint32_t as = level <= AV_LOG_ERROR                      ? ORIEL_LOG_WARN
                  : level <= AV_LOG_WARNING && !log->running ? ORIEL_LOG_WARN
                                                             : ORIEL_LOG_DEBUG;
    log->host->log(log->host, as, text);
}

void log_forget(struct log *log)
{
    log->said[0] = '\0';
    log->level = AV_LOG_VERBOSE;
}

void log_enter(struct log *log)
{
    log_forget(log);
    current = log;
    av_log_set_callback(on_log);
}

void log_leave(void)
{
    current = NULL;
}

const char *log_reason(const struct log *log, const char *call, int error, char *text, int room)
{
    char name[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(error, name, sizeof(name));
    bool more = log->said[0] != '\0';
    snprintf(text, (size_t)room, "%s: %s%s%s%s", call, name, more ? " (" : "", log->said,
             more ? ")" : "");
    return text;
}

void log_restore(void)
{
    av_log_set_callback(av_log_default_callback);
}
