/* SPDX-License-Identifier: BSD-3-Clause */
/* experiments.list, .start and .stop: encoders compared in a running server. */
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "util/check.h"

struct experiments_job {
    struct job job;
    struct call *call;
    const struct control_rooms *rooms;
    const char *what; /* "list", "start", "stop" */
    char *name;       /* NULL: of list */
    cJSON *result;
    struct error err;
};

static void experiments_drop(struct job *job)
{
    struct experiments_job *self = (struct experiments_job *)job;
    call_finish(self->call);
    cJSON_Delete(self->result);
    free(self->name);
    free(self);
}

static void experiments_run(struct job *job)
{
    struct experiments_job *self = (struct experiments_job *)job;
    self->result = self->rooms->experiments(self->rooms->data, self->what, self->name, &self->err);
}

static void experiments_done(struct control *control, struct job *job)
{
    struct experiments_job *self = (struct experiments_job *)job;
    if (self->result)
        call_reply(control, self->call, self->result);
    else
        call_error(control, self->call, "experiments.refused", self->err.text, NULL);
    self->result = NULL;
    experiments_drop(job);
}

static void begin(struct control *control, struct call *call, const char *what, const char *name)
{
    if (!control->rooms.experiments) {
        command_refuse(control, call, "command.forbidden", "this server has no experiments", NULL);
        return;
    }
    struct experiments_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = experiments_run,
                             .done = experiments_done,
                             .drop = experiments_drop,
                             .kind = JOB_MODULES};
    self->call = call;
    self->rooms = &control->rooms;
    self->what = what;
    self->name = name ? xstrdup(name) : NULL;
    worker_add(control->worker, &self->job);
}

static void begin_named(struct control *control, struct call *call, const char *what,
                        const cJSON *kwargs)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(kwargs, "name"));
    if (name && *name)
        begin(control, call, what, name);
    else
        command_refuse(control, call, "command.invalid", "name must be that of an experiment",
                       NULL);
}

void command_experiments(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    begin(control, call, "list", NULL);
}

void command_experiment_start(struct control *control, struct call *call, const cJSON *kwargs)
{
    begin_named(control, call, "start", kwargs);
}

void command_experiment_stop(struct control *control, struct call *call, const cJSON *kwargs)
{
    begin_named(control, call, "stop", kwargs);
}
