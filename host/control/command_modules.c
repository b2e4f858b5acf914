/* SPDX-License-Identifier: BSD-3-Clause */
/* modules.swap and modules.reload: other modules and other values in a running server. */
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "scene/json.h"
#include "util/check.h"

struct modules_job {
    struct job job;
    struct call *call;
    const struct control_rooms *rooms;
    char *kind, *to, *from; /* `kind` NULL: reload; `from` NULL: any */
    cJSON *result;
    struct error err;
};

static void modules_drop(struct job *job)
{
    struct modules_job *self = (struct modules_job *)job;
    call_finish(self->call);
    cJSON_Delete(self->result);
    free(self->kind);
    free(self->to);
    free(self->from);
    free(self);
}

static void modules_run(struct job *job)
{
    struct modules_job *self = (struct modules_job *)job;
    const struct control_rooms *rooms = self->rooms;
    self->result =
        self->kind ? rooms->swap_module(rooms->data, self->kind, self->to, self->from, &self->err)
                   : rooms->reload(rooms->data, &self->err);
}

static void modules_done(struct control *control, struct job *job)
{
    struct modules_job *self = (struct modules_job *)job;
    if (self->result)
        call_reply(control, self->call, self->result);
    else
        call_error(control, self->call, self->kind ? "modules.refused" : "modules.config",
                   self->err.text, NULL);
    self->result = NULL;
    modules_drop(job);
}

static void begin(struct control *control, struct call *call, const char *kind, const char *to,
                  const char *from)
{
    struct modules_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){
        .run = modules_run, .done = modules_done, .drop = modules_drop, .kind = JOB_MODULES};
    self->call = call;
    self->rooms = &control->rooms;
    self->kind = kind ? xstrdup(kind) : NULL;
    self->to = to ? xstrdup(to) : NULL;
    self->from = from ? xstrdup(from) : NULL;
    worker_add(control->worker, &self->job);
}

static const char *text_of(const cJSON *kwargs, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(kwargs, name));
}

void command_swap(struct control *control, struct call *call, const cJSON *kwargs)
{
    const char *kind = text_of(kwargs, "kind"), *to = text_of(kwargs, "to");
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(kwargs, "from");
    bool known = kind && (strcmp(kind, "encoder") == 0 || strcmp(kind, "transport") == 0 ||
                          strcmp(kind, "scene") == 0);
    if (!known)
        command_refuse(control, call, "command.invalid", "kind must be encoder, transport or scene",
                       NULL);
    else if (!to || !*to)
        command_refuse(control, call, "command.invalid",
                       "to must be the id of a module, as encode/x264", NULL);
    else if (from && !cJSON_IsNull(from) && !cJSON_IsString(from))
        command_refuse(control, call, "command.invalid", "from must be the id of a module", NULL);
    else if (!control->rooms.swap_module)
        command_refuse(control, call, "command.forbidden", "this server cannot swap modules", NULL);
    else
        begin(control, call, kind, to, cJSON_GetStringValue(from));
}

void command_reload(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    if (control->rooms.reload)
        begin(control, call, NULL, NULL, NULL);
    else
        command_refuse(control, call, "command.forbidden",
                       "this server does not read its configuration again", NULL);
}
