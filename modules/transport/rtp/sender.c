/* SPDX-License-Identifier: BSD-3-Clause */
#include "sender.h"

#include <stdio.h>

#define FIRST_PAUSE_NS INT64_C(500000000)
#define LONGEST_PAUSE_NS INT64_C(10000000000)

static void leave(struct sender *sender)
{
    viewer_close(&sender->viewer, sender->pixel);
    sender->pixel = 0;
    output_close(sender->output);
    sender->output = NULL;
    avcodec_parameters_free(&sender->par);
}

static void give_up(struct sender *sender, const char *why)
{
    viewer_log(&sender->viewer, ORIEL_LOG_WARN, "%s; again in %.1f s", why,
               (double)sender->pause_ns * 1e-9);
    leave(sender);
    sender->retry_ns = viewer_now() + sender->pause_ns;
    sender->pause_ns *= 2;
    if (sender->pause_ns > LONGEST_PAUSE_NS)
        sender->pause_ns = LONGEST_PAUSE_NS;
}

static void look(struct sender *sender)
{
    char query[64], why[64];
    uint32_t status;
    snprintf(query, sizeof query, "ext=1&rows=top&codecs=%s", sender->codec);
    sender->pixel = viewer_open(&sender->viewer, "/pixel", query, sender->token, &status);
    sender->last_key_ns = viewer_now();
    if (sender->pixel)
        return;
    snprintf(why, sizeof why, "the pixel channel is refused with %u", status);
    give_up(sender, why);
}

static void begin(void *owner)
{
    struct sender *sender = owner;
    sender->pause_ns = FIRST_PAUSE_NS;
    look(sender);
}

static void on_asked(void *data)
{
    struct sender *sender = data;
    atomic_store(&sender->key_asked, true);
    viewer_poke(&sender->viewer);
}

static int is_stopping(void *data)
{
    struct sender *sender = data;
    pthread_mutex_lock(&sender->viewer.lock);
    bool stopping = sender->viewer.stop || sender->viewer.rest;
    pthread_mutex_unlock(&sender->viewer.lock);
    return stopping;
}

/* A key picture may be of other parameters: the output begins anew then. */
static bool suits(struct sender *sender, const struct picture *picture)
{
    char why[256];
    int error = 0;
    AVCodecParameters *par = picture_parameters(picture, &error);
    if (!par) {
        give_up(sender, "a key picture cannot be understood");
        return false;
    }
    if (sender->output && picture_same_parameters(par, sender->par)) {
        avcodec_parameters_free(&par);
        return true;
    }
    output_close(sender->output);
    avcodec_parameters_free(&sender->par);
    sender->par = par;
    sender->output = output_open(&sender->options, par, on_asked, is_stopping, sender, why);
    if (!sender->output) {
        give_up(sender, why);
        return false;
    }
    sender->pause_ns = FIRST_PAUSE_NS;
    viewer_log(&sender->viewer, ORIEL_LOG_INFO, "%s: %s, %ux%u%s%s", sender->options.url,
               sender->codec, picture->width, picture->height,
               sender->options.sdp[0] ? ", described in " : "", sender->options.sdp);
    return true;
}

static void message(void *owner, const struct viewer_message *message)
{
    struct sender *sender = owner;
    struct picture picture;
    char why[256];
    if (message->kind == VIEWER_CLOSED) {
        give_up(sender,
                message->head_bytes ? (const char *)message->head : "the server has closed");
        return;
    }
    if (!picture_read(&picture, message) || picture.still)
        return;
    if (picture.key)
        sender->last_key_ns = viewer_now();
    if (picture.key ? !suits(sender, &picture) : !sender->output)
        return;
    if (!output_send(sender->output, &picture, message->queued_ns, why))
        give_up(sender, why);
}

static int64_t tick(void *owner, int64_t now)
{
    struct sender *sender = owner;
    if (!sender->pixel) {
        if (now < sender->retry_ns)
            return sender->retry_ns;
        look(sender);
        return sender->pixel ? now : sender->retry_ns;
    }
    bool asked = atomic_exchange(&sender->key_asked, false);
    int64_t due = sender->key_ns ? sender->last_key_ns + sender->key_ns : INT64_MAX;
    if (!asked && now < due)
        return due;
    viewer_say(&sender->viewer, sender->pixel,
               asked ? "{\"type\":\"key\",\"reason\":\"a receiver asks\"}"
                     : "{\"type\":\"key\",\"reason\":\"receivers may have come\"}");
    sender->last_key_ns = now;
    return sender->key_ns ? now + sender->key_ns : INT64_MAX;
}

static void end(void *owner)
{
    leave(owner);
}

const struct viewer_work sender_work = {begin, message, tick, end};
