/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/taps.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "module/registry.h"
#include "module/services.h"
#include "render/stats.h"
#include "util/check.h"

struct tap {
    struct tap *next;
    uint32_t id;
    struct render_tap want;
    bool removed, busy; /* busy: its callback runs */
};

struct instance {
    struct instance *next;
    struct taps *taps;
    struct oriel_format format; /* as made, with the canvas' size */
    uint32_t frames_held;
    struct module_use use;
    const struct oriel_capture *capture;
    void *self; /* NULL: it could not be made, and that has been told */
    struct oriel_frame_sink sink;
    bool owed;
};

struct taps {
    struct registry *registry;
    struct stats *stats;

    /* render thread */
    struct module_use probe_use; /* keeps the chosen module's id and formats */
    struct oriel_format *formats;
    uint32_t format_count;
    struct instance *instances;
    struct instance *lost; /* not called any more, not even to go */
    bool calling;          /* the module runs */
    const char *module;    /* lives as long as the registry */

    pthread_mutex_t mutex;
    pthread_cond_t idle; /* a callback returned */
    struct tap *list;
    uint32_t next_id;
    bool changed, news;
};

struct taps *taps_create(struct registry *registry, struct stats *stats)
{
    struct taps *taps = xcalloc(1, sizeof *taps);
    taps->registry = registry;
    taps->stats = stats;
    taps->next_id = 1;
    taps->module = "";
    pthread_mutex_init(&taps->mutex, NULL);
    pthread_cond_init(&taps->idle, NULL);
    return taps;
}

void taps_destroy(struct taps *taps)
{
    if (!taps)
        return;
    for (struct instance *i = taps->lost, *next; i; i = next) {
        next = i->next;
        module_use_close(&i->use);
        free(i);
    }
    for (struct tap *tap = taps->list, *next; tap; tap = next) {
        next = tap->next;
        free(tap);
    }
    pthread_cond_destroy(&taps->idle);
    pthread_mutex_destroy(&taps->mutex);
    free(taps->formats);
    free(taps);
}

uint32_t taps_add(struct taps *taps, const struct render_tap *want)
{
    struct tap *tap = xcalloc(1, sizeof *tap);
    tap->want = *want;
    tap->want.format.width = tap->want.format.height = 0;
    pthread_mutex_lock(&taps->mutex);
    uint32_t id = tap->id = taps->next_id++;
    tap->next = taps->list;
    taps->list = tap;
    taps->changed = taps->news = true;
    pthread_mutex_unlock(&taps->mutex);
    return id;
}

void taps_remove(struct taps *taps, uint32_t id)
{
    pthread_mutex_lock(&taps->mutex);
    struct tap *tap = taps->list;
    while (tap->id != id) {
        CHECK(tap->next);
        tap = tap->next;
    }
    tap->removed = true;
    while (tap->busy)
        pthread_cond_wait(&taps->idle, &taps->mutex);
    struct tap **at = &taps->list;
    while (*at != tap)
        at = &(*at)->next;
    *at = tap->next;
    taps->changed = true;
    pthread_mutex_unlock(&taps->mutex);
    free(tap);
}

bool taps_wanted(struct taps *taps, bool *news)
{
    pthread_mutex_lock(&taps->mutex);
    bool wanted = taps->list;
    *news = taps->news;
    taps->news = false;
    pthread_mutex_unlock(&taps->mutex);
    return wanted;
}

/* Formats are equal when a picture for the one is a picture for the other. */
static bool same_kind(const struct oriel_format *a, const struct oriel_format *b)
{
    return a->modifier == b->modifier && a->domain == b->domain && a->fourcc == b->fourcc &&
           a->primaries == b->primaries && a->transfer == b->transfer && a->matrix == b->matrix &&
           a->full_range == b->full_range;
}

static void deliver(const struct oriel_frame_sink *sink, const struct oriel_frame *frame)
{
    struct instance *instance = sink->data;
    struct taps *taps = instance->taps;
    bool complete = frame->stamp.flags & ORIEL_FRAME_COMPLETE;
    stats_captured(taps->stats, frame);
    if (frame->stamp.t_captured_ns >= frame->stamp.t_drawn_ns)
        stats_stage(taps->stats, STAGE_CAPTURE,
                    frame->stamp.t_captured_ns - frame->stamp.t_drawn_ns);
    pthread_mutex_lock(&taps->mutex);
    for (struct tap *tap = taps->list; tap; tap = tap->next) {
        if (tap->removed || !same_kind(&tap->want.format, &instance->format) ||
            (tap->want.complete_only && !complete))
            continue;
        tap->busy = true; /* keeps it in the list while it is unlocked */
        pthread_mutex_unlock(&taps->mutex);
        tap->want.frame(tap->want.data, frame);
        pthread_mutex_lock(&taps->mutex);
        tap->busy = false;
        pthread_cond_broadcast(&taps->idle);
    }
    pthread_mutex_unlock(&taps->mutex);
}

struct choice {
    struct taps *taps;
    const char *const *refused;
};

static bool try_module(struct module_use *use, void *data, struct error *err)
{
    struct choice *choice = data;
    for (const char *const *id = choice->refused; *id; id++) {
        if (strcmp(*id, use->module->id) == 0)
            return error_set(err, "it failed while it ran");
    }
    const struct oriel_capture *capture = use->vtable;
    struct taps *taps = choice->taps;
    taps->module = use->module->id;
    taps->format_count = 0;
    for (uint32_t i = 0; i < 64; i++) {
        struct oriel_format format = {0};
        taps->calling = true;
        oriel_result result = capture->output_format(use->host, i, &format);
        taps->calling = false;
        if (result != ORIEL_OK)
            break;
        format.width = format.height = 0;
        taps->formats = xrealloc(taps->formats, (i + 1) * sizeof *taps->formats);
        taps->formats[taps->format_count++] = format;
    }
    if (taps->format_count)
        return true;
    const char *why = services_failure();
    return error_set(err, "%s", *why ? why : "it offers no format on this OpenGL");
}

bool taps_open(struct taps *taps, const char *label, const char *const *refused, struct error *err)
{
    struct choice choice = {taps, refused};
    return module_use_first(taps->registry, MODULE_CAPTURE, label, try_module, &choice,
                            &taps->probe_use, err);
}

static void instance_destroy(struct instance *instance)
{
    if (instance->self) {
        instance->taps->calling = true;
        instance->capture->destroy(instance->self);
        instance->taps->calling = false;
    }
    module_use_close(&instance->use);
    free(instance);
}

static void forget_instances(struct taps *taps)
{
    pthread_mutex_lock(&taps->mutex);
    taps->changed = true; /* they are made again */
    pthread_mutex_unlock(&taps->mutex);
}

void taps_close(struct taps *taps)
{
    for (struct instance *instance; (instance = taps->instances);) {
        taps->instances = instance->next;
        instance_destroy(instance);
    }
    forget_instances(taps);
    module_use_close(&taps->probe_use);
}

bool taps_lost(struct taps *taps)
{
    if (!taps->calling)
        return false;
    taps->calling = false;
    while (taps->instances) {
        struct instance *instance = taps->instances;
        taps->instances = instance->next;
        instance->next = taps->lost;
        taps->lost = instance;
    }
    forget_instances(taps);
    return true;
}

const char *taps_module(const struct taps *taps)
{
    return taps->module;
}

uint32_t taps_formats(const struct taps *taps, const struct oriel_format **formats)
{
    *formats = taps->formats;
    return taps->format_count;
}

static struct instance *instance_create(struct taps *taps, const struct oriel_format *format,
                                        uint32_t frames_held, struct error *err)
{
    struct instance *instance = xcalloc(1, sizeof *instance);
    instance->taps = taps;
    instance->format = *format;
    instance->frames_held = frames_held;
    instance->sink = (struct oriel_frame_sink){
        .size = sizeof instance->sink, .frame = deliver, .data = instance};
    if (!module_use_open(taps->registry, MODULE_CAPTURE, taps->probe_use.module->id, "tap",
                         &instance->use, err))
        return instance;
    instance->capture = instance->use.vtable;
    taps->calling = true;
    oriel_result result =
        instance->capture->create(instance->use.host, instance->use.config, format, frames_held,
                                  &instance->sink, &instance->self);
    taps->calling = false;
    if (result != ORIEL_OK) {
        const char *why = services_failure();
        instance->self = NULL;
        error_set(err, "%s: %s", taps->probe_use.module->id,
                  *why ? why : "a capture instance could not be made");
    }
    return instance;
}

/* What the taps want together: formats, and how many frames they may hold of each. */
static uint32_t demand(struct taps *taps, struct oriel_format *formats, uint32_t *held,
                       uint32_t most)
{
    uint32_t count = 0;
    for (struct tap *tap = taps->list; tap; tap = tap->next) {
        uint32_t i = 0;
        while (i < count && !same_kind(&formats[i], &tap->want.format))
            i++;
        if (tap->removed || i == most)
            continue;
        if (i == count) {
            formats[count] = tap->want.format;
            held[count++] = 0;
        }
        held[i] += tap->want.frames_held ? tap->want.frames_held : 1;
    }
    return count;
}

bool taps_prepare(struct taps *taps, uint32_t width, uint32_t height, struct error *err)
{
    enum { MOST = 32 };
    struct oriel_format formats[MOST];
    uint32_t held[MOST], count;
    pthread_mutex_lock(&taps->mutex);
    bool fits = !taps->changed && (!taps->instances || (taps->instances->format.width == width &&
                                                        taps->instances->format.height == height));
    taps->changed = width == 0 && taps->list;
    count = fits || width == 0 ? 0 : demand(taps, formats, held, MOST);
    pthread_mutex_unlock(&taps->mutex);
    if (fits)
        return true;

    bool good = true;
    struct instance *old = taps->instances;
    taps->instances = NULL;
    for (uint32_t f = 0; f < count; f++) {
        formats[f].width = width;
        formats[f].height = height;
        struct instance **at = &old, *instance;
        while (*at && !(same_kind(&(*at)->format, &formats[f]) && (*at)->format.width == width &&
                        (*at)->format.height == height && (*at)->frames_held >= held[f]))
            at = &(*at)->next;
        if ((instance = *at)) {
            *at = instance->next;
        } else {
            instance = instance_create(taps, &formats[f], held[f], err);
            good &= instance->self != NULL;
        }
        instance->next = taps->instances;
        taps->instances = instance;
    }
    for (struct instance *next; old; old = next) {
        next = old->next;
        instance_destroy(old);
    }
    return good;
}

static bool somebody_takes(struct taps *taps, const struct instance *instance, bool complete)
{
    bool takes = false;
    pthread_mutex_lock(&taps->mutex);
    for (struct tap *tap = taps->list; tap && !takes; tap = tap->next)
        takes = !tap->removed && same_kind(&tap->want.format, &instance->format) &&
                (complete || !tap->want.complete_only);
    pthread_mutex_unlock(&taps->mutex);
    return takes;
}

oriel_result taps_grab(struct taps *taps, const struct oriel_target *target,
                       const struct oriel_stamp *stamp, bool only_owed, bool *owed)
{
    oriel_result worst = ORIEL_OK;
    *owed = false;
    for (struct instance *i = taps->instances; i; i = i->next) {
        bool wanted = only_owed ? i->owed : true;
        i->owed = false;
        if (!i->self || !wanted || !somebody_takes(taps, i, stamp->flags & ORIEL_FRAME_COMPLETE))
            continue;
        taps->calling = true;
        oriel_result result = i->capture->grab(i->self, target, stamp);
        taps->calling = false;
        if (result == ORIEL_AGAIN)
            i->owed = *owed = true;
        else if (result < worst)
            worst = result;
    }
    return worst;
}

bool taps_poll(struct taps *taps, bool wait)
{
    bool in_flight = false;
    for (struct instance *i = taps->instances; i; i = i->next) {
        if (!i->self)
            continue;
        taps->calling = true;
        in_flight |= i->capture->poll(i->self, wait) == ORIEL_AGAIN;
        taps->calling = false;
    }
    return in_flight;
}
