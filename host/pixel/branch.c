/* SPDX-License-Identifier: BSD-3-Clause */
/* A branch's making and its end. */
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "pixel/room.h"
#include "util/check.h"
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
    branch->upgrade_ns = branch->ahead.until_ns = INT64_MAX;
    branch->dump_left = stream->dump_count;
    const struct codec *known = codec_find(codec);
    bool second = false; /* with the other order of rows */
    for (uint32_t i = 0; i < stream->branch_count; i++)
        second |= codec && !stream->branches[i]->main && stream->branches[i]->codec == codec;
    snprintf(branch->label, sizeof branch->label, "%s%s",
             main    ? "main"
             : still ? "still"
             : known ? known->name
                     : "arm",
             second ? "-2" : "");
    branch->encoder_info = metrics_info(stream->all_metrics, "oriel_encoder_info",
                                        "The encoder of each branch, and why not another.");
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
    branch_close(branch);
}

void branch_close(struct branch *branch)
{
    instance_close(branch->instance);
    branch->instance = NULL;
}

void branch_destroy(struct branch *branch)
{
    struct stream *stream = branch->stream;
    metric_add(stream->metrics.queue_depth, branch->pending ? -1 : 0);
    frame_unref(branch->pending);
    frame_unref(branch->last);
    buffer_unref(branch->newest_still.file);
    metrics_info_free(stream->all_metrics, branch->encoder_info);
    if (branch->dump)
        fclose(branch->dump);
    pthread_cond_destroy(&branch->wake);
    free(branch);
}

bool branch_serves(const struct branch *branch, const struct client *client)
{
    return branch->still ? client->branch && client->wish.still
                         : client->branch == branch || client->former == branch;
}
