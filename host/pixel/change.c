/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/change.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "pixel/arm.h"
#include "pixel/experiment.h"
#include "pixel/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

_Static_assert(MAX_BRANCHES - EXPERIMENT_MOST_ARMS <= STREAM_MOST_SWAPPED,
               "every branch has room for its answer");

/* --- values --- */

static bool lists(const struct rungs *rungs, const struct config *config, const char *key)
{
    const char *id;
    uint32_t i = 0;
    for (; i < MAX_LADDER && (id = config_item(config, key, i)); i++) {
        if (i >= rungs->count || strcmp(rungs->at[i].id, id) != 0)
            return false;
    }
    return i == rungs->count;
}

/* What is known of encoders stays known; a wish was for the list before. */
static bool read_list(struct stream *stream, struct rungs *_Atomic *at, const struct config *config,
                      const char *key)
{
    struct rungs *old = *at;
    if (old && lists(old, config, key))
        return false;
    struct rungs *new = xcalloc(1, sizeof *new);
    new->former = old;
    pthread_mutex_lock(&stream->lock);
    const char *id;
    while (new->count < MAX_LADDER && (id = config_item(config, key, new->count))) {
        struct rung *rung = &new->at[new->count++];
        for (uint32_t i = 0; old && i < old->count; i++) {
            if (strcmp(old->at[i].id, id) == 0)
                *rung = old->at[i];
        }
        rung->id = id;
    }
    pthread_mutex_unlock(&stream->lock);
    if (old && old->codecs_known)
        stream_learn_codecs(stream, new);
    *at = new;
    return old != NULL;
}

void stream_forget_lists(struct stream *stream)
{
    struct rungs *heads[] = {stream->ladder, stream->stills};
    for (unsigned i = 0; i < 2; i++) {
        for (struct rungs *rungs = heads[i], *former; rungs; rungs = former) {
            former = rungs->former;
            free(rungs);
        }
    }
}

bool stream_reconfigure(struct stream *stream, const struct config *config)
{
    pthread_mutex_lock(&stream->changing);
    enum ladder_prefer prefer = ladder_prefer_named(config_string(config, "stream.prefer"));
    bool other = read_list(stream, &stream->ladder, config, "modules.encoder");
    other |= read_list(stream, &stream->stills, config, "modules.still");
    other |= prefer != stream->prefer;
    stream->prefer = prefer;
    stream->retry_ns = config_int(config, "stream.retry_ms") * NS_PER_MS;
    int64_t frame_ns = (int64_t)(1e9 / stream->fps);
    int64_t cooldown_ns = config_int(config, "stream.key_cooldown_ms") * NS_PER_MS;
    stream->key_cooldown_ns = cooldown_ns > frame_ns ? cooldown_ns : frame_ns;
    stream->settle_ns = config_int(config, "stream.settle_ms") * NS_PER_MS;
    stream->refine = (unsigned)config_int(config, "stream.refine");
    pthread_mutex_lock(&stream->lock);
    stream->limits = (struct client_limits){
        .queue_bytes = (uint64_t)config_int(config, "stream.queue_bytes"),
        .queue_ns = config_int(config, "stream.queue_ms") * NS_PER_MS,
        .unacked = (uint32_t)config_int(config, "stream.unacked"),
    };
    pthread_mutex_unlock(&stream->lock);
    pthread_mutex_unlock(&stream->changing);
    return other;
}

/* --- orders: given here, obeyed by the branch's thread --- */

struct order {
    struct successor *successor; /* takes over; NULL: the encoder there takes its new values */
    bool given, obeyed;
    struct error err;
};

/* Under the lock. */
static void answer(struct branch *branch)
{
    branch->order = NULL;
    pthread_cond_broadcast(&branch->stream->obeyed);
}

void branch_refuse_orders(struct branch *branch)
{
    if (!branch->order)
        return;
    branch->ahead.format = NULL; /* its successor goes with it */
    error_set(&branch->order->err, "the stream ends");
    answer(branch);
}

/* Those who have a branch of their own because they could not decode what this one wrote. Its next
 * picture is a key. */
static void gather(struct branch *branch)
{
    struct stream *stream = branch->stream;
    if (!branch->main)
        return;
    pthread_mutex_lock(&stream->lock);
    for (struct client *client = stream->clients; client; client = client->next) {
        if (!client->branch || client->branch == branch || client->branch->arm ||
            !client_wish_has(&client->wish, branch->codec) ||
            !branch_has_rows(branch, client->wish.rows))
            continue;
        client->branch = branch;
        client->waiting_key = true;
        client->configured = 0;
    }
    pthread_mutex_unlock(&stream->lock);
}

bool branch_order_due(struct branch *branch)
{
    const struct successor *successor = branch->order->successor;
    return !successor || ahead_there(branch, successor_format(successor));
}

void branch_obey(struct branch *branch)
{
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    struct order *order = branch->order;
    pthread_mutex_unlock(&stream->lock);
    struct instance *old = branch->instance;
    if (!order->successor) {
        order->obeyed = old && instance_tune(old, stream->registry, &order->err);
    } else if (old || branch->main) { /* else it has fallen asleep meanwhile */
        struct oriel_format format = old ? old->format : (struct oriel_format){0};
        successor_take_over(branch, order->successor);
        order->obeyed = true;
        pthread_mutex_lock(&stream->lock);
        branch->dead = false;
        for (struct client *client = stream->clients; client; client = client->next)
            client->waiting_key |= client->branch == branch;
        pthread_mutex_unlock(&stream->lock);
        gather(branch);
        if (old)
            branch_changed_over(branch, &format);
        else
            stream_evict(branch);
        ahead_adopt(branch);
    }
    pthread_mutex_lock(&stream->lock);
    answer(branch);
    pthread_mutex_unlock(&stream->lock);
}

static bool give(struct branch *branch, struct order *order)
{
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    if (!branch->stop && branch->thread) {
        branch->order = order;
        pthread_cond_signal(&branch->wake);
        while (branch->order == order)
            pthread_cond_wait(&stream->obeyed, &stream->lock);
    }
    pthread_mutex_unlock(&stream->lock);
    successor_destroy(order->successor); /* or the encoder that it has replaced */
    return order->obeyed;
}

/* --- what is to be done --- */

/* A branch as it is now, for who is not its thread. */
struct look {
    struct branch *branch;
    bool asleep; /* it has no encoder, and needs none */
    char encoder[64];
};

static uint32_t look_at(struct stream *stream, struct look looks[MAX_BRANCHES])
{
    pthread_mutex_lock(&stream->lock);
    uint32_t count = 0;
    for (uint32_t b = 0; b < stream->branch_count; b++) {
        struct branch *branch = stream->branches[b];
        if (branch->arm)
            continue;
        uint32_t i = count++;
        looks[i] = (struct look){.branch = branch, .asleep = !branch->main};
        memcpy(looks[i].encoder, branch->encoder, sizeof looks[i].encoder);
        for (const struct client *client = stream->clients; client; client = client->next)
            looks[i].asleep &= !branch_serves(branch, client);
    }
    pthread_mutex_unlock(&stream->lock);
    return count;
}

static bool among(const char *const *ids, const char *id)
{
    for (; ids && *ids; ids++) {
        if (strcmp(*ids, id) == 0)
            return true;
    }
    return false;
}

static struct rungs *listed(struct rungs *rungs, const char *id)
{
    for (uint32_t i = 0; i < rungs->count; i++) {
        if (strcmp(rungs->at[i].id, id) == 0)
            return rungs;
    }
    return NULL;
}

static bool is_meant(const struct look *look, const struct stream_change *change)
{
    const struct stream *stream = look->branch->stream;
    if (!change->to)
        return false;
    if (change->from)
        return strcmp(look->encoder, change->from) == 0;
    return look->branch->still ? !listed(stream->ladder, change->to)
                               : listed(stream->ladder, change->to) != NULL;
}

static bool replace(struct branch *branch, const char *id, bool anew, struct error *why)
{
    struct order order = {.err = {""}};
    order.successor = successor_create(branch, id, anew, why);
    if (!order.successor)
        return false;
    if (give(branch, &order))
        return true;
    return error_set(why, "%s", *order.err.text ? order.err.text : "nobody looks any more");
}

/* False: there was nothing to do. */
static bool change_branch(const struct look *look, const struct stream_change *change,
                          struct stream_swapped *out)
{
    struct branch *branch = look->branch;
    struct error why = {""};
    bool meant = is_meant(look, change), anew = among(change->anew, look->encoder);
    snprintf(out->branch, sizeof out->branch, "%s%s", branch->stream->prefix, branch->label);
    memcpy(out->from, look->encoder, sizeof out->from);
    if (meant &&
        (out->done = replace(branch, change->to, true, &why))) { /* and at every other size */
        struct rungs *rungs = branch->still ? branch->stream->stills : branch->stream->ladder;
        pthread_mutex_lock(&branch->stream->lock);
        snprintf(rungs->wished, sizeof rungs->wished, "%s", change->to);
        pthread_mutex_unlock(&branch->stream->lock);
    } else if (!meant && (change->choose || anew)) {
        out->done = replace(branch, NULL, anew, &why);
    }
    if (!meant && !anew && !out->done && among(change->tuned, look->encoder)) {
        struct order order = {.err = {""}};
        out->tuned = give(branch, &order);
        out->done = out->tuned || replace(branch, look->encoder, true, &why);
    }
    pthread_mutex_lock(&branch->stream->lock);
    memcpy(out->to, branch->encoder, sizeof out->to);
    pthread_mutex_unlock(&branch->stream->lock);
    if (!out->done && meant)
        snprintf(out->to, sizeof out->to, "%s", change->to);
    memcpy(out->why, why.text, sizeof out->why - 1);
    return out->done || *why.text;
}

uint32_t stream_change(struct stream *stream, const struct stream_change *change,
                       struct stream_swapped swapped[STREAM_MOST_SWAPPED])
{
    struct look looks[MAX_BRANCHES];
    uint32_t done = 0;
    if (change->to || change->choose)
        experiment_let_go(stream);
    pthread_mutex_lock(&stream->changing);
    if (change->to && stream->experiment) {
        swapped[0] = (struct stream_swapped){.done = false};
        snprintf(swapped[0].branch, sizeof swapped[0].branch, "%smain", stream->prefix);
        snprintf(swapped[0].to, sizeof swapped[0].to, "%s", change->to);
        snprintf(swapped[0].why, sizeof swapped[0].why,
                 "the experiment %s runs on this view; experiments.stop ends it",
                 stream->experiment->spec.name);
        pthread_mutex_unlock(&stream->changing);
        return 1;
    }
    uint32_t count = look_at(stream, looks);
    for (uint32_t i = 0; i < count; i++) {
        swapped[done] = (struct stream_swapped){.done = false};
        if (!looks[i].asleep)
            done += change_branch(&looks[i], change, &swapped[done]);
    }
    pthread_mutex_unlock(&stream->changing);
    return done;
}
