/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: the shared one, and the forks of sessions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"

void view_init(struct view *view, const char *id)
{
    *view = (struct view){.due_ns = INT64_MAX, .play.next_ns = INT64_MAX};
    snprintf(view->id, sizeof view->id, "%s", id);
}

void view_finish(struct view *view)
{
    free(view->last_dims);
    free(view->last_status);
}

struct view *view_find(struct control *control, const char *id)
{
    struct view *view = &control->main;
    while (view && strcmp(view->id, id) != 0)
        view = view->next;
    return view;
}
