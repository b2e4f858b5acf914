/* SPDX-License-Identifier: BSD-3-Clause */
/* A branch's making and its ladder of encoders. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "pixel/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

struct branch *branch_create(struct stream *stream, bool main, bool still, uint32_t codec)
{
    CHECK(stream->branch_count < MAX_BRANCHES);
    struct branch *branch = xcalloc(1, sizeof *branch);
    branch->stream = stream;
    branch->main = main;
    branch->still = still;
    branch->codec = codec;
    branch->last_key_ns = INT64_MIN / 2;
    branch->dump_left = stream->dump_count;
    const struct codec *known = codec_find(codec);
    snprintf(branch->label, sizeof branch->label, "%s",
             main    ? "main"
             : still ? "still"
                     : known->name);
    cond_init(&branch->wake);
    stream->branches[stream->branch_count++] = branch;
    return branch;
}

bool branch_start(struct branch *branch, struct error *err)
{
    char name[16];
    snprintf(name, sizeof name, "enc-%s", branch->label);
    return thread_start(&branch->thread, name, branch_run, branch) ||
           error_set(err, "no thread for the %s branch", branch->label);
}

void branch_stop(struct branch *branch)
{
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    branch->stop = true;
    pthread_cond_signal(&branch->wake);
    pthread_mutex_unlock(&stream->lock);
    if (branch->thread)
        pthread_join(branch->thread, NULL);
    instance_close(&branch->instance);
}

void branch_destroy(struct branch *branch)
{
    struct stream *stream = branch->stream;
    metric_add(stream->metrics.queue_depth, branch->pending ? -1 : 0);
    frame_unref(branch->pending);
    frame_unref(branch->last);
    buffer_unref(branch->newest_still.file);
    if (branch->dump)
        fclose(branch->dump);
    pthread_cond_destroy(&branch->wake);
    free(branch);
}

bool branch_serves(const struct branch *branch, const struct client *client)
{
    return branch->still ? client->branch && client->wish.still : client->branch == branch;
}

static void on_probe(void *data, const struct oriel_packet *packet)
{
    fanout_configure(data, packet);
}

static void append(char *text, size_t room, const char *more)
{
    size_t n = strlen(text);
    snprintf(text + n, room - n, "%s%s", n ? "; " : "", more);
}

bool branch_open(struct branch *branch, uint32_t width, uint32_t height, struct error *err)
{
    struct stream *stream = branch->stream;
    const char *const *ids = branch->still ? stream->stills : stream->ladder;
    uint32_t count = branch->still ? stream->still_count : stream->ladder_count;
    char reasons[512] = "";
    instance_close(&branch->instance);
    branch->invalid_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct error why = {""};
        char label[96];
        snprintf(label, sizeof label, "%s#%s", ids[i], branch->label);
        struct instance_wish wish = {
            .registry = stream->registry,
            .render = stream->render,
            .id = ids[i],
            .label = label,
            .codec = branch->codec,
            .width = width,
            .height = height,
            .fps = stream->fps,
            .packet = fanout_packet,
            .data = branch,
        };
        pthread_mutex_lock(&stream->lock);
        bool failed = branch->still ? stream->stills_failed[i] : stream->ladder_failed[i];
        pthread_mutex_unlock(&stream->lock);
        if (failed) {
            snprintf(why.text, sizeof why.text, "%s: it failed while it ran", ids[i]);
        } else {
            pthread_mutex_lock(&stream->lock);
            snprintf(branch->encoder, sizeof branch->encoder, "%s", ids[i]);
            snprintf(branch->reason, sizeof branch->reason, "%s", reasons);
            branch->chain[0] = '\0';
            pthread_mutex_unlock(&stream->lock);
            if (instance_open(&branch->instance, &wish, on_probe, branch, &why)) {
                pthread_mutex_lock(&stream->lock);
                branch->codec = branch->instance.codec;
                branch->key_wanted = true;
                branch->last_key_ns = INT64_MIN / 2; /* its first picture does not wait */
                snprintf(branch->chain, sizeof branch->chain, "%s", branch->instance.chain);
                pthread_mutex_unlock(&stream->lock);
                log_info(LOG_PIXEL, "%s%s: %s, %" PRIu32 "x%" PRIu32 "%s%s", stream->prefix,
                         branch->label, branch->instance.chain, width, height,
                         *reasons ? "; not " : "", reasons);
                return true;
            }
        }
        append(reasons, sizeof reasons, why.text);
    }
    pthread_mutex_lock(&stream->lock);
    branch->encoder[0] = '\0';
    pthread_mutex_unlock(&stream->lock);
    const struct codec *codec = codec_find(branch->codec);
    return error_set(err, "no encoder works%s%s: %s", codec ? " for " : "",
                     codec ? codec->name : "", *reasons ? reasons : "the list is empty");
}
