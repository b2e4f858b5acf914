/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock of playback, and the turning demo. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "scene/json.h"
#include "scene/rotation.h"

struct playing {
    int axis;
    double fps;
    bool once, back;
};

static bool playing(const struct control *control, struct playing *p)
{
    const cJSON *play = record_value(control->scene->record, "view", "main", "play");
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

void play_changed(struct control *control, int64_t now)
{
    struct playing p;
    control->play.next_ns = INT64_MAX;
    if (!playing(control, &p))
        return;
    control->play.direction = p.fps > 0 ? 1 : -1;
    control->play.next_ns = now + period_ns(&p);
}

static void stop(struct control *control, struct record_batch *batch)
{
    control->play.next_ns = INT64_MAX;
    record_put(batch, "view", "main", "play", cJSON_CreateNull());
}

static void tick(struct control *control, int64_t now)
{
    struct scene *scene = control->scene;
    struct playing p;
    if (!playing(control, &p)) { /* its axis is gone */
        control->play.next_ns = INT64_MAX;
        return;
    }
    struct scene_view view;
    scene_view_read(scene, &view);
    int64_t last = (int64_t)scene->axes[p.axis].size - 1;
    int64_t next = view.step[p.axis] + control->play.direction;
    struct record_batch *batch = record_batch_create();
    bool outside = next < 0 || next > last;
    if (outside && p.back) {
        control->play.direction = -control->play.direction;
        next = view.step[p.axis] + control->play.direction;
        next = next < 0 ? 0 : next > last ? last : next;
    } else if (outside && p.once) {
        next = view.step[p.axis];
    } else if (outside) {
        next = next < 0 ? last : 0;
    }
    view.step[p.axis] = next;
    record_put(batch, "dims", "main", "step", json_from_integers(view.step, scene->ndim));
    control->play.next_ns += period_ns(&p);
    if (control->play.next_ns <= now) /* late: no catching up */
        control->play.next_ns = now + period_ns(&p);
    bool ends = p.once && (outside || next == (control->play.direction > 0 ? last : 0));
    if (ends)
        stop(control, batch);
    record_commit(scene->record, batch, &(struct record_origin){.received_ns = now});
}

/* As the reference's demo: in 3-D once around, in 2-D a slow sway about where it began. */
static void animate(struct control *control, int64_t now)
{
    struct scene_view view;
    scene_view_read(control->scene, &view);
    double dps = config_float(control->config, "render.animate_dps");
    if (control->animate_ndisplay != view.ndisplay) {
        control->animate_ndisplay = view.ndisplay;
        control->animate_start_ns = now;
        control->animate_home = view.camera;
    }
    double t = (double)(now - control->animate_start_ns) / (double)NS_PER_S;
    struct oriel_camera camera = control->animate_home;
    if (view.ndisplay == 3) {
        struct camera_turntable turntable;
        camera_to_turntable(&view.camera, view.height, &turntable);
        turntable.azimuth = wrap_degrees(turntable.azimuth + dps / control->fps);
        camera_from_turntable(&turntable, view.height, &camera);
    } else {
        camera.center[0] += 0.05 * sin(0.6 * t) * view.width / camera.zoom;
        camera.center[1] += 0.05 * cos(0.4 * t) * view.height / camera.zoom;
        camera.zoom *= 1 + 0.08 * sin(0.8 * t);
    }
    struct record_batch *batch = record_batch_create();
    record_put(batch, "camera", view.ndisplay == 2 ? "plane" : "volume", "pose",
               scene_pose_json(&camera));
    record_commit(control->scene->record, batch, &(struct record_origin){.received_ns = now});
}

void play_timers(struct control *control, int64_t now, int64_t *deadline)
{
    if (now >= control->play.next_ns)
        tick(control, now);
    if (control->play.next_ns < *deadline)
        *deadline = control->play.next_ns;

    bool turns = config_bool(control->config, "render.animate") && control->sessions &&
                 control->scene->layer_count;
    if (!turns)
        return;
    if (now >= control->animate_ns) {
        animate(control, now);
        control->animate_ns = now + (int64_t)((double)NS_PER_S / control->fps);
    }
    if (control->animate_ns < *deadline)
        *deadline = control->animate_ns;
}
