/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock of playback. */
#include <math.h>
#include <string.h>

#include "control/room.h"
#include "scene/json.h"

struct playing {
    int axis;
    double fps;
    bool once, back;
};

static bool playing(const struct control *control, const struct view *view, struct playing *p)
{
    const cJSON *play = record_value(control->scene->record, "view", view->id, "play");
    const cJSON *axis = cJSON_GetObjectItemCaseSensitive(play, "axis");
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(play, "mode");
    if (!axis || !mode)
        return false;
    p->axis = scene_axis_find(control->scene, axis->valuestring);
    p->once = strcmp(mode->valuestring, "once") == 0;
    p->back = strcmp(mode->valuestring, "back") == 0;
    return json_number(cJSON_GetObjectItemCaseSensitive(play, "fps"), &p->fps) && p->fps != 0 &&
           p->axis >= 0;
}

static int64_t period_ns(const struct playing *p)
{
    return (int64_t)((double)NS_PER_S / fabs(p->fps));
}

void play_changed(struct control *control, struct view *view, int64_t now)
{
    struct playing p;
    view->play.next_ns = INT64_MAX;
    if (!playing(control, view, &p))
        return;
    view->play.direction = p.fps > 0 ? 1 : -1;
    view->play.next_ns = now + period_ns(&p);
}

static void stop(struct view *view, struct record_batch *batch)
{
    view->play.next_ns = INT64_MAX;
    record_put(batch, "view", view->id, "play", cJSON_CreateNull());
}

static void tick(struct control *control, struct view *view, int64_t now)
{
    struct scene *scene = control->scene;
    struct playing p;
    if (!playing(control, view, &p)) { /* its axis is gone */
        view->play.next_ns = INT64_MAX;
        return;
    }
    struct scene_view shown;
    scene_view_read(scene, view->id, &shown);
    int64_t last = (int64_t)scene->axes[p.axis].size - 1;
    int64_t next = shown.step[p.axis] + view->play.direction;
    struct record_batch *batch = record_batch_create();
    bool outside = next < 0 || next > last;
    if (outside && p.back) {
        view->play.direction = -view->play.direction;
        next = shown.step[p.axis] + view->play.direction;
        next = next < 0 ? 0 : next > last ? last : next;
    } else if (outside && p.once) {
        next = shown.step[p.axis];
    } else if (outside) {
        next = next < 0 ? last : 0;
    }
    shown.step[p.axis] = next;
    record_put(batch, "dims", view->id, "step", json_from_integers(shown.step, scene->ndim));
    view->play.next_ns += period_ns(&p);
    if (view->play.next_ns <= now) /* late: no catching up */
        view->play.next_ns = now + period_ns(&p);
    bool ends = p.once && (outside || next == (view->play.direction > 0 ? last : 0));
    if (ends)
        stop(view, batch);
    record_commit(scene->record, batch, &(struct record_origin){.received_ns = now});
}

void play_timers(struct control *control, int64_t now, int64_t *deadline)
{
    for (struct view *view = &control->main; view; view = view->next) {
        if (now >= view->play.next_ns)
            tick(control, view, now);
        if (view->play.next_ns < *deadline)
            *deadline = view->play.next_ns;
    }
}
