/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/frame_log.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "control/history.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

struct frame_log {
    char *path;
    int fd; /* -1: not yet */
    bool failed;
};

struct frame_log *frame_log_create(const char *folder)
{
    if (!folder[0])
        return NULL;
    struct frame_log *log = xcalloc(1, sizeof *log);
    char random[33];
    history_random(random);
    log->path = xasprintf("%s/%ld-%.8s.ndjson", folder, (long)getpid(), random);
    log->fd = -1;
    return log;
}

void frame_log_destroy(struct frame_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log->path);
    free(log);
}

static struct iovec part(const void *data, size_t bytes)
{
    return (struct iovec){.iov_base = (void *)data, .iov_len = bytes};
}

void frame_log_add(struct frame_log *log, enum spec_class class, const char *peer,
                   const struct oriel_message *message)
{
    if (!log || log->failed)
        return;
    if (log->fd < 0)
        log->fd = open(log->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    cJSON *head = cJSON_CreateObject();
    json_put_string(head, "class", class == SPEC_ORIEL ? "oriel" : "classic");
    json_put_string(head, "peer", peer);
    char *text = json_print(head);
    cJSON_Delete(head);
    static const char name[] = ",\"frame\":";
    struct iovec parts[] = {
        part(text, strlen(text) - 1), /* open for one more key */
        part(name, sizeof name - 1),
        part(message->head, message->head_bytes),
        part(message->buffer->data, message->buffer->bytes),
        part("}\n", 2),
    };
    /* One write, so that a server that is killed leaves whole lines. */
    if (log->fd < 0 || writev(log->fd, parts, sizeof parts / sizeof *parts) < 0) {
        log->failed = true;
        log_error(LOG_CONTROL, "%s: %s; frames are not logged", log->path, strerror(errno));
    }
    free(text);
}
