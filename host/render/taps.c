/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/taps.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/call.h"
#include "module/registry.h"
#include "module/services.h"
#include "oriel/draft/capture_rows.h"
#include "render/stats.h"
#include "util/check.h"
#include "util/log.h"

struct tap {
    struct tap *next;
    uint32_t id;
    struct render_tap want;
    bool removed, busy; /* busy: its callback runs */
};

/* A format that can be captured, and by which module: of two that offer it, the first of the list.
 */
struct offer {
    struct oriel_format format;
    const char *module; /* lives as long as the registry */
};

struct instance {
    struct instance *next;
    struct taps *taps;
    struct oriel_format format; /* as made, with the canvas' size */
    bool top_down;              /* as wanted */
    const char *module;
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
    struct instance *instances;
    struct instance *lost; /* not called any more, not even to go */
    bool calling;          /* a module runs: */
    const char *module;    /* the one called last */

    pthread_mutex_t mutex;
    pthread_cond_t idle; /* a callback returned */
    struct offer *offers;
    uint32_t offer_count;
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
    free(taps->offers);
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

static bool is_for(const struct instance *instance, const struct render_tap *want)
{
    return instance->top_down == want->top_down && same_kind(&instance->format, &want->format);
}

/* A frame for everyone who taps the instance, or the reason why there is none. */
static void tell_taps(struct instance *instance, const struct oriel_frame *frame, const char *why)
{
    struct taps *taps = instance->taps;
    bool complete = !frame || frame->stamp.flags & ORIEL_FRAME_COMPLETE;
    pthread_mutex_lock(&taps->mutex);
    for (struct tap *tap = taps->list; tap; tap = tap->next) {
        if (tap->removed || !is_for(instance, &tap->want) || (tap->want.complete_only && !complete))
            continue;
        tap->busy = true; /* keeps it in the list while it is unlocked */
        pthread_mutex_unlock(&taps->mutex);
        if (frame)
            tap->want.frame(tap->want.data, frame);
        else if (tap->want.refused)
            tap->want.refused(tap->want.data, why);
        pthread_mutex_lock(&taps->mutex);
        tap->busy = false;
        pthread_cond_broadcast(&taps->idle);
    }
    pthread_mutex_unlock(&taps->mutex);
}

static void deliver(const struct oriel_frame_sink *sink, const struct oriel_frame *frame)
{
    MODULE_HOST;
    struct instance *instance = sink->data;
    struct stats *stats = instance->taps->stats;
    stats_captured(stats, frame);
    if (frame->stamp.t_captured_ns >= frame->stamp.t_drawn_ns)
        stats_stage(stats, STAGE_CAPTURE, frame->stamp.t_captured_ns - frame->stamp.t_drawn_ns);
    tell_taps(instance, frame, NULL);
}

static void enter(struct taps *taps, const char *module)
{
    taps->module = module;
    taps->calling = true;
}

/* --- what can be captured --- */

struct offers {
    struct offer *list;
    uint32_t count;
};

/* Colours that the module leaves open by 0 were settled when it was agreed on. */
static bool fits(const struct oriel_format *offered, const struct oriel_format *format)
{
    struct oriel_format settled = *offered;
    if (!settled.primaries)
        settled.primaries = format->primaries;
    if (!settled.transfer)
        settled.transfer = format->transfer;
    return same_kind(&settled, format);
}

static const struct offer *find_offer(const struct offer *list, uint32_t count,
                                      const struct oriel_format *format)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fits(&list[i].format, format))
            return &list[i];
    }
    return NULL;
}

/* True when the module offers anything on this context. */
static bool ask_module(struct taps *taps, const char *id, const char *label, struct offers *offers,
                       struct error *err)
{
    struct module_use use;
    char *name = xasprintf("%s#%s", id, label);
    bool open = module_use_open(taps->registry, MODULE_CAPTURE, id, name, &use, err);
    free(name);
    if (!open)
        return false;
    const struct oriel_capture *capture = use.vtable;
    uint32_t offered = 0;
    for (; offered < RENDER_MAX_FORMATS; offered++) {
        struct oriel_format format = {0};
        enter(taps, use.module->id);
        oriel_result result =
            MODULE_CALL(&use, "output_format", capture->output_format(use.host, offered, &format));
        taps->calling = false;
        if (result != ORIEL_OK)
            break;
        format.width = format.height = 0;
        if (find_offer(offers->list, offers->count, &format))
            continue;
        offers->list = xrealloc(offers->list, (offers->count + 1) * sizeof *offers->list);
        offers->list[offers->count++] = (struct offer){format, use.module->id};
    }
    const char *why = services_failure();
    if (!offered)
        error_set(err, "%s: %s", id, *why ? why : "it offers no format on this OpenGL");
    module_use_close(&use);
    return offered > 0;
}

static bool listed(const char *const *ids, const char *id)
{
    while (*ids && strcmp(*ids, id) != 0)
        ids++;
    return *ids;
}

static void append(struct error *text, const char *between, const char *more)
{
    size_t n = strlen(text->text);
    snprintf(text->text + n, sizeof text->text - n, "%s%s", n ? between : "", more);
}

bool taps_open(struct taps *taps, const char *label, const char *const *refused, struct error *err)
{
    const char *const *ids;
    size_t count = registry_wanted(taps->registry, MODULE_CAPTURE, &ids);
    struct offers offers = {0};
    struct error usable = {""}, reasons = {""};
    for (size_t i = 0; i < count; i++) {
        struct error why = {""};
        if (listed(refused, ids[i]))
            error_set(&why, "%s: it failed while it ran", ids[i]);
        else if (ask_module(taps, ids[i], label, &offers, &why))
            append(&usable, ", ", ids[i]);
        if (*why.text)
            append(&reasons, "; ", why.text);
    }
    pthread_mutex_lock(&taps->mutex);
    free(taps->offers);
    taps->offers = offers.list;
    taps->offer_count = offers.count;
    pthread_mutex_unlock(&taps->mutex);
    if (offers.count) {
        log_info(LOG_MODULE, "%s: %s%s%s", label, usable.text, *reasons.text ? "; not " : "",
                 reasons.text);
        return true;
    }
    return count ? error_set(err, "modules.capture: none works: %s", reasons.text)
                 : error_set(err, "modules.capture: is empty");
}

uint32_t taps_formats(struct taps *taps, struct oriel_format *formats, uint32_t room)
{
    pthread_mutex_lock(&taps->mutex);
    uint32_t count = taps->offer_count < room ? taps->offer_count : room;
    for (uint32_t i = 0; i < count; i++)
        formats[i] = taps->offers[i].format;
    pthread_mutex_unlock(&taps->mutex);
    return count;
}

const char *taps_maker(struct taps *taps, const struct oriel_format *format)
{
    pthread_mutex_lock(&taps->mutex);
    const struct offer *offer = format ? find_offer(taps->offers, taps->offer_count, format)
                                : taps->offer_count ? taps->offers
                                                    : NULL;
    const char *module = offer ? offer->module : "";
    pthread_mutex_unlock(&taps->mutex);
    return module;
}

/* --- instances --- */

static void instance_destroy(struct instance *instance)
{
    if (instance->self) {
        enter(instance->taps, instance->module);
        MODULE_CALL(&instance->use, "destroy", instance->capture->destroy(instance->self));
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

static void turn(struct instance *instance)
{
    enter(instance->taps, instance->module);
    const struct oriel_capture *capture = instance->capture;
    const struct oriel_capture_rows *rows =
        ORIEL_HAS(capture, get_interface)
            ? MODULE_CALL(&instance->use, "get_interface",
                          capture->get_interface(instance->self, ORIEL_CAPTURE_ROWS_V1))
            : NULL;
    oriel_result result =
        rows && ORIEL_HAS(rows, top_down)
            ? MODULE_CALL(&instance->use, "top_down", rows->top_down(instance->self))
            : ORIEL_UNSUPPORTED;
    instance->taps->calling = false;
    if (result != ORIEL_OK)
        log_warn(LOG_MODULE, "%s: pictures for files and players have the bottom row first: %s",
                 instance->module, rows ? services_failure() : "it has no " ORIEL_CAPTURE_ROWS_V1);
}

static struct instance *instance_create(struct taps *taps, const struct render_tap *want,
                                        struct error *err)
{
    struct instance *instance = xcalloc(1, sizeof *instance);
    const struct oriel_format *format = &want->format;
    instance->taps = taps;
    instance->format = *format;
    instance->top_down = want->top_down;
    instance->frames_held = want->frames_held;
    instance->sink = (struct oriel_frame_sink){
        .size = sizeof instance->sink, .frame = deliver, .data = instance};
    instance->module = taps_maker(taps, format);
    if (!*instance->module) {
        error_set(err,
                  "no capture module offers %.4s pictures of primaries %u, transfer %u and matrix "
                  "%u in memory domain %u now",
                  (const char *)&format->fourcc, format->primaries, format->transfer,
                  format->matrix, format->domain);
        return instance;
    }
    if (!module_use_open(taps->registry, MODULE_CAPTURE, instance->module, "tap", &instance->use,
                         err))
        return instance;
    instance->capture = instance->use.vtable;
    enter(taps, instance->module);
    oriel_result result =
        MODULE_CALL(&instance->use, "create",
                    instance->capture->create(instance->use.host, instance->use.config, format,
                                              want->frames_held, &instance->sink, &instance->self));
    taps->calling = false;
    if (result != ORIEL_OK) {
        const char *why = services_failure();
        instance->self = NULL;
        error_set(err, "%s: %s", instance->module,
                  *why ? why : "a capture instance could not be made");
    } else if (want->top_down) {
        turn(instance);
    }
    return instance;
}

/* What the taps want together: pictures of a kind, and how many frames they may hold of each. */
static uint32_t demand(struct taps *taps, struct render_tap *wants, uint32_t most)
{
    uint32_t count = 0;
    for (struct tap *tap = taps->list; tap; tap = tap->next) {
        uint32_t i = 0;
        while (i < count && (wants[i].top_down != tap->want.top_down ||
                             !same_kind(&wants[i].format, &tap->want.format)))
            i++;
        if (tap->removed || i == most)
            continue;
        if (i == count)
            wants[count++] =
                (struct render_tap){.format = tap->want.format, .top_down = tap->want.top_down};
        wants[i].frames_held += tap->want.frames_held ? tap->want.frames_held : 1;
    }
    return count;
}

bool taps_prepare(struct taps *taps, uint32_t width, uint32_t height, struct error *err)
{
    enum { MOST = 32 };
    struct render_tap wants[MOST];
    uint32_t count;
    pthread_mutex_lock(&taps->mutex);
    bool fits = !taps->changed && (!taps->instances || (taps->instances->format.width == width &&
                                                        taps->instances->format.height == height));
    taps->changed = width == 0 && taps->list;
    count = fits || width == 0 ? 0 : demand(taps, wants, MOST);
    pthread_mutex_unlock(&taps->mutex);
    if (fits)
        return true;

    bool good = true;
    struct instance *old = taps->instances;
    taps->instances = NULL;
    for (uint32_t w = 0; w < count; w++) {
        wants[w].format.width = width;
        wants[w].format.height = height;
        struct instance **at = &old, *instance;
        while (*at &&
               !((*at)->self && is_for(*at, &wants[w]) && (*at)->format.width == width &&
                 (*at)->format.height == height && (*at)->frames_held >= wants[w].frames_held))
            at = &(*at)->next;
        if ((instance = *at)) {
            *at = instance->next;
        } else {
            instance = instance_create(taps, &wants[w], err);
            if (!instance->self) {
                good = false;
                tell_taps(instance, NULL, err->text);
            }
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
        takes =
            !tap->removed && is_for(instance, &tap->want) && (complete || !tap->want.complete_only);
    pthread_mutex_unlock(&taps->mutex);
    return takes;
}

oriel_result taps_grab(struct taps *taps, const struct oriel_target *target,
                       const struct oriel_stamp *stamp, bool only_owed, bool *owed)
{
    oriel_result worst = ORIEL_OK;
    const char *culprit = NULL;
    *owed = false;
    for (struct instance *i = taps->instances; i; i = i->next) {
        bool wanted = only_owed ? i->owed : true;
        i->owed = false;
        if (!i->self || !wanted || !somebody_takes(taps, i, stamp->flags & ORIEL_FRAME_COMPLETE))
            continue;
        enter(taps, i->module);
        oriel_result result =
            MODULE_CALL(&i->use, "grab", i->capture->grab(i->self, target, stamp));
        taps->calling = false;
        if (result == ORIEL_AGAIN)
            i->owed = *owed = true;
        else if (result < worst) {
            worst = result;
            culprit = i->module;
        }
    }
    if (culprit)
        taps->module = culprit;
    return worst;
}

bool taps_make(const struct taps *taps, uint32_t domain)
{
    for (const struct instance *i = taps->instances; i; i = i->next) {
        if (i->self && i->format.domain == domain)
            return true;
    }
    return false;
}

oriel_result taps_poll(struct taps *taps, uint32_t wait_us, bool *in_flight)
{
    oriel_result worst = ORIEL_OK;
    const char *culprit = NULL;
    *in_flight = false;
    for (struct instance *i = taps->instances; i; i = i->next) {
        if (!i->self)
            continue;
        enter(taps, i->module);
        oriel_result result =
            MODULE_CALL(&i->use, "poll", i->capture->poll(i->self, *in_flight ? 0 : wait_us));
        taps->calling = false;
        if (result == ORIEL_AGAIN) {
            *in_flight = true;
        } else if (result < worst) {
            worst = result;
            culprit = i->module;
        }
    }
    if (culprit)
        taps->module = culprit;
    return worst;
}
