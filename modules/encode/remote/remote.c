/* SPDX-License-Identifier: BSD-3-Clause */
/* Any encoder in a process of its own: pictures go there through shared memory, packets come back
 * over a socket. Whatever happens to that process happens to this instance alone. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/encode.h"
#include "child.h"
#include "oriel/draft/encoder_resize.h"
#include "pictures.h"
#include "talk.h"
#include "usual.h"
#include "wire.h"

#define START_MS 10000 /* for the process, its module and the first picture, the first time */
#define END_MS 200     /* for the module's destroy() */
#define PATIENCE 4     /* times what it took lately, where that is more than the deadline */
#define UNDER_WAY 64u  /* pictures that an encoder may hold without their memory */
#define PACKET_ROOM (16u << 20) /* more than a picture's samples, that a packet may have */

static const struct {
    uint32_t fourcc;
    const char *name;
} codec_names[] = {
    {ORIEL_CODEC_H264, "h264"}, {ORIEL_CODEC_HEVC, "hevc"}, {ORIEL_CODEC_AV1, "av1"},
    {ORIEL_CODEC_VP8, "vp8"},   {ORIEL_CODEC_VP9, "vp9"},   {ORIEL_CODEC_JPEG, "jpeg"},
    {ORIEL_CODEC_PNG, "png"},   {ORIEL_CODEC_RAW, "raw"},   {ORIEL_CODEC_NULL, "null"},
};

/* What most encoders take comes first; input_format names another one. */
static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420), ENCODE_YUV_FORMATS(ORIEL_FMT_NV12),
    ENCODE_YUV_FORMATS(ORIEL_FMT_I444), ENCODE_FORMAT(ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
    ENCODE_YUV_FORMATS(ORIEL_FMT_P010),
};

static const struct oriel_option option_list[] = {
    {.name = "module",
     .default_value = "",
     .help = "Encoder that runs there: its id, found in the usual folders, or its file.",
     .type = ORIEL_OPT_STRING},
    {.name = "options",
     .default_value = "",
     .help = "Its options, key=value with spaces between; those that are live there are live here.",
     .type = ORIEL_OPT_STRING,
     .flags = ORIEL_OPT_LIVE},
    {.name = "codec",
     .default_value = "h264",
     .choices = "h264 hevc av1 vp8 vp9 jpeg png raw null",
     .help = "What it writes.",
     .type = ORIEL_OPT_ENUM},
    {.name = "input_format",
     .default_value = "auto",
     .choices = "auto i420 nv12 yuv444 rgba p010",
     .help = "Samples it is given; auto is 4:2:0, which is not for every encoder.",
     .type = ORIEL_OPT_ENUM},
    {.name = "deadline_ms",
     .default_value = "200",
     .help = "Time in ms for a picture, or four times what they took lately; who takes longer is "
             "ended. 0: any time.",
     .min = 0,
     .max = 60000,
     .type = ORIEL_OPT_INT},
    {.name = "memory_mb",
     .default_value = "4096",
     .help = "Memory in MiB that the encoder may take there, that of its threads too; 0: any.",
     .min = 0,
     .max = 1048576,
     .type = ORIEL_OPT_INT},
    {.name = "program",
     .default_value = "",
     .help = "Program of the process, another build of Oriel; empty: the one that runs here.",
     .type = ORIEL_OPT_STRING},
    {.name = "bitrate",
     .default_value = "12000000",
     .help =
         "Target rate in bit/s, where the encoder has such an option and options do not set it.",
     .min = 10000,
     .max = 2000000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "max_bitrate",
     .default_value = "20000000",
     .help = "Highest rate in bit/s, likewise.",
     .min = 10000,
     .max = 2000000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "keyint",
     .default_value = "600",
     .help = "Frames from one key picture to the next, likewise.",
     .min = 1,
     .max = 100000,
     .type = ORIEL_OPT_INT},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

struct remote {
    struct encode base;
    char module[REMOTE_TEXT];
    int64_t deadline_ms, lately_ms; /* deadline 0: none; lately 0: no picture yet */
    int64_t full_ns;                /* since then it has all slots; 0: it has not */
    bool limited;                   /* in memory */
    uint32_t drafts;                /* that the instance there has */
    struct child *child;
    struct pictures pictures;

    /* Held by who talks: a caller until it has its answer, the child's keeper for what comes late.
     */
    pthread_mutex_t talking;
    struct talk talk;
    bool broken;
    char why[REMOTE_TEXT + 128]; /* of `broken` */
    uint64_t owed;               /* pictures whose packets are not there */
    struct sent {
        struct oriel_stamp stamp;
        int64_t submit_ns;
    } sent[UNDER_WAY]; /* the newest, in turn */
    uint32_t sent_next;
};

static oriel_result remote_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result remote_codec(uint32_t index, uint32_t *fourcc)
{
    if (index >= ENCODE_COUNT(codec_names))
        return ORIEL_UNSUPPORTED;
    *fourcc = codec_names[index].fourcc;
    return ORIEL_OK;
}

/* --- what comes from the child, by who talks --- */

static const struct sent *find_sent(const struct remote *self, uint64_t seq)
{
    for (uint32_t i = 1; i <= UNDER_WAY; i++) {
        const struct sent *sent = &self->sent[(self->sent_next + UNDER_WAY - i) % UNDER_WAY];
        if (sent->submit_ns && sent->stamp.seq == seq)
            return sent;
    }
    return NULL;
}

/* False for a packet of no picture that was sent. */
static bool on_packet(struct remote *self, const uint8_t *body, uint64_t bytes)
{
    struct remote_packet from;
    memcpy(&from, body, sizeof(from));
    const struct sent *sent = find_sent(self, from.seq);
    if (!sent || from.codec != self->base.codec)
        return false;
    struct oriel_packet packet = {
        .size = sizeof(packet),
        .codec = from.codec,
        .flags = from.flags,
        .qp_q8 = from.qp_q8,
        .stamp = sent->stamp,
        .format = self->base.format,
        .t_submit_ns = sent->submit_ns,
        .t_done_ns = self->base.host->now_ns(self->base.host),
        .data = body + sizeof(from),
        .bytes = bytes - sizeof(from),
    };
    self->owed -= self->owed > 0;
    self->base.started = true;
    self->base.sink->packet(self->base.sink, &packet);
    return true;
}

static void on_log(const struct remote *self, const uint8_t *body)
{
    const struct oriel_host *host = self->base.host;
    uint32_t level;
    memcpy(&level, body, sizeof(level));
    host->log(host, level, (const char *)body + sizeof(level)); /* terminated by talk.c */
}

/* True for an answer. */
static bool dispatch(struct remote *self, const struct remote_head *head, const uint8_t *body,
                     struct remote_answer *answer, bool *nonsense)
{
    if (head->type == REMOTE_ANSWER && head->bytes == sizeof(*answer)) {
        memcpy(answer, body, sizeof(*answer));
        answer->text[sizeof(answer->text) - 1] = '\0';
        *nonsense = answer->result > ORIEL_OK || answer->result < ORIEL_CANCELLED;
        return true;
    }
    if (head->type == REMOTE_PACKET && head->bytes >= sizeof(struct remote_packet))
        *nonsense = !on_packet(self, body, head->bytes);
    else if (head->type == REMOTE_LOG && head->bytes >= sizeof(uint32_t))
        on_log(self, body);
    else
        *nonsense = true;
    return false;
}

/* There is nothing more to be had from it. */
static void fall(struct remote *self, enum talk_result how)
{
    char said[128] = "";
    if (self->broken)
        return;
    self->broken = true;
    if (how == TALK_ENDED) /* it is gone, or soon will be */
        child_end(self->child, 100, said, sizeof(said));
    child_kill(self->child);
    child_listen(self->child, false);
    const char *what = how == TALK_LATE       ? "did not answer in time, and was ended"
                       : how == TALK_NONSENSE ? "sent what no encoder sends, and was ended"
                       : *said                ? said
                                              : "does not talk any more, and was ended";
    snprintf(self->why, sizeof(self->why), "%s %s", self->module, what);
}

/* [the keeper] */
static void listen_late(void *data)
{
    struct remote *self = data;
    struct remote_head head;
    struct remote_answer answer;
    const uint8_t *body;
    bool nonsense = false;
    pthread_mutex_lock(&self->talking);
    enum talk_result result = self->broken ? TALK_NOTHING : TALK_OK;
    while (result == TALK_OK) {
        result = talk_receive(&self->talk, &head, &body, NULL);
        if (result == TALK_OK && (dispatch(self, &head, body, &answer, &nonsense) || nonsense))
            result = TALK_NONSENSE; /* nobody has asked */
    }
    if (result == TALK_ENDED) {
        /* What is to be said of its end the next call says; the keeper has to see it first. */
        child_listen(self->child, false);
    } else if (result != TALK_NOTHING) {
        self->broken = true;
        snprintf(self->why, sizeof(self->why), "%s sent what no encoder sends", self->module);
        child_kill(self->child);
    }
    if (!self->owed)
        child_listen(self->child, false);
    pthread_mutex_unlock(&self->talking);
}

/* One question and its answer, whose result it is; `talking` is held. */
static oriel_result ask(struct remote *self, uint32_t type, const void *a, size_t a_bytes,
                        const char *text, int passed, int64_t deadline_ms)
{
    const struct oriel_host *host = self->base.host;
    struct patience left = patience(deadline_ms);
    struct remote_answer answer = {.result = ORIEL_FATAL};
    struct remote_head head;
    const uint8_t *body;
    bool answered = false, nonsense = false;
    enum talk_result result = TALK_OK;
    if (!self->broken &&
        !talk_send(&self->talk, type, a, a_bytes, text, text ? strlen(text) + 1 : 0, passed))
        fall(self, TALK_ENDED);
    while (!self->broken && !answered) {
        result = talk_receive(&self->talk, &head, &body, &left);
        if (result == TALK_OK)
            answered = dispatch(self, &head, body, &answer, &nonsense);
        if (nonsense)
            result = TALK_NONSENSE;
        if (result != TALK_OK)
            fall(self, result);
    }
    if (self->broken)
        return host->fail(host, ORIEL_FATAL, self->why);
    if (type == REMOTE_HELLO)
        self->drafts = answer.drafts;
    if (answer.result == ORIEL_OK)
        return ORIEL_OK;
    /* A device that is lost there is not lost here. */
    if ((answer.result == ORIEL_NOMEM && self->limited) || answer.result == ORIEL_DEVICE_LOST) {
        fall(self, TALK_LATE);
        snprintf(self->why, sizeof(self->why), "%s %s: %s", self->module,
                 answer.result == ORIEL_NOMEM ? "has used up memory_mb" : "has lost its device",
                 answer.text);
        return host->fail(host, ORIEL_FATAL, self->why);
    }
    return host->fail(host, answer.result, answer.text);
}

/* --- the beginning and the end --- */

static oriel_result start(struct remote *self, const char *program)
{
    const struct oriel_host *host = self->base.host;
    int pair[2];
    char why[256];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return encode_fail(host, ORIEL_IO, "no socket: %s", strerror(errno));
    const int room = 1 << 20; /* a key picture without a wait */
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    self->talk.fd = pair[0];
    self->child =
        child_start(&(struct child_setup){.program = *program ? program : "/proc/self/exe",
                                          .command = REMOTE_COMMAND,
                                          .socket = pair[0],
                                          .theirs = pair[1],
                                          .as = REMOTE_FD,
                                          .listen = listen_late,
                                          .data = self},
                    why, sizeof(why));
    return self->child ? ORIEL_OK : encode_fail(host, ORIEL_IO, "%s", why);
}

static struct remote_rates rates_of(const struct oriel_config *config)
{
    return (struct remote_rates){.bitrate = config->get_int(config, "bitrate"),
                                 .max_bitrate = config->get_int(config, "max_bitrate"),
                                 .keyint = config->get_int(config, "keyint")};
}

static uint64_t samples(const struct remote *self)
{
    return (uint64_t)self->base.format.width * self->base.format.height;
}

static int64_t ms_since(const struct remote *self, int64_t then_ns)
{
    return (self->base.host->now_ns(self->base.host) - then_ns) / 1000000 + 1;
}

static int64_t patience_of(int64_t usually_ms, int64_t least_ms)
{
    int64_t ms = usually_ms ? usually_ms * PATIENCE : START_MS;
    return ms > least_ms ? ms : least_ms;
}

/* 0: for ever. */
static int64_t deadline_of(const struct remote *self)
{
    int64_t usually_ms = self->lately_ms
                             ? self->lately_ms
                             : usual_ms(self->module, USUAL_FIRST_PICTURE, samples(self));
    return self->deadline_ms ? patience_of(usually_ms, self->deadline_ms) : 0;
}

static int64_t start_deadline(const struct remote *self)
{
    int64_t usually_ms = usual_ms(self->module, USUAL_START, samples(self));
    int64_t ms = patience_of(usually_ms, 2 * self->deadline_ms);
    return self->deadline_ms && ms < START_MS ? ms : START_MS;
}

static uint64_t longest(const struct pictures *pictures)
{
    return pictures->slot_bytes * 2 + PACKET_ROOM;
}

static oriel_result greet(struct remote *self, const struct oriel_config *config, double fps,
                          int memory)
{
    uint64_t limit = (uint64_t)config->get_int(config, "memory_mb") << 20;
    struct remote_hello hello = {
        .version = REMOTE_VERSION,
        .codec = self->base.codec,
        .format = self->base.format,
        .fps = fps,
        .memory_limit = limit,
        .rates = rates_of(config),
    };
    memcpy(hello.module, self->module, sizeof(hello.module));
    self->limited = limit > 0;
    self->talk.most = longest(&self->pictures);
    const char *text = config->get_string(config, "options");
    if (strlen(text) > 4096)
        return encode_fail(self->base.host, ORIEL_UNSUPPORTED, "options: too long");
    int64_t begin_ns = self->base.host->now_ns(self->base.host);
    pthread_mutex_lock(&self->talking);
    oriel_result result =
        ask(self, REMOTE_HELLO, &hello, sizeof(hello), text, memory, start_deadline(self));
    pthread_mutex_unlock(&self->talking);
    if (result == ORIEL_OK)
        usual_note(self->module, USUAL_START, samples(self), ms_since(self, begin_ns));
    return result;
}

static void remote_destroy(void *data)
{
    struct remote *self = data;
    if (!self)
        return;
    if (self->talk.fd >= 0)
        shutdown(self->talk.fd, SHUT_RDWR); /* which ends the child */
    child_destroy(self->child, self->broken ? 0 : END_MS);
    talk_finish(&self->talk);
    pictures_unmap(&self->pictures);
    pthread_mutex_destroy(&self->talking);
    free(self);
}

static oriel_result remote_create(const struct oriel_host *host, const struct oriel_config *config,
                                  const struct oriel_format *format, double fps,
                                  const struct oriel_packet_sink *sink, void **out)
{
    const char *module = config->get_string(config, "module");
    const char *codec = config->get_string(config, "codec");
    if (!*module)
        return encode_fail(host, ORIEL_UNSUPPORTED, "its option module names no encoder to run");
    struct remote *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    self->talk.fd = -1;
    pthread_mutex_init(&self->talking, NULL);
    snprintf(self->module, sizeof(self->module), "%s", module);
    self->deadline_ms = config->get_int(config, "deadline_ms");
    for (size_t i = 0; i < ENCODE_COUNT(codec_names); i++) {
        if (strcmp(codec, codec_names[i].name) == 0)
            self->base.codec = codec_names[i].fourcc;
    }
    int memory = -1;
    oriel_result result =
        encode_init(&self->base, host, sink, format, formats, ENCODE_COUNT(formats), 1, 16384);
    if (result == ORIEL_OK && strlen(module) >= sizeof(self->module))
        result = encode_fail(host, ORIEL_UNSUPPORTED, "its option module is too long");
    if (result == ORIEL_OK && (memory = pictures_map(&self->pictures, format)) < 0)
        result = encode_fail(host, ORIEL_NOMEM, "no shared memory: %s", strerror(errno));
    if (result == ORIEL_OK)
        result = start(self, config->get_string(config, "program"));
    if (result == ORIEL_OK)
        result = greet(self, config, fps, memory);
    if (memory >= 0)
        close(memory);
    if (result)
        remote_destroy(self);
    else
        *out = self;
    return result;
}

/* --- pictures --- */

/* It has all pictures that were given to it, and so it can be for a moment. */
static oriel_result wait_for_slot(struct remote *self, int64_t now_ns)
{
    const struct oriel_host *host = self->base.host;
    if (!self->full_ns)
        self->full_ns = now_ns;
    int64_t deadline_ms = deadline_of(self);
    if (!deadline_ms || now_ns - self->full_ns < deadline_ms * 1000000)
        return host->fail(host, ORIEL_AGAIN, "it still has all pictures that were given to it");
    fall(self, TALK_LATE);
    snprintf(self->why, sizeof(self->why), "%s gives no picture back, and was ended", self->module);
    return host->fail(host, ORIEL_FATAL, self->why);
}

static oriel_result encode_now(struct remote *self, const struct encode_job *job)
{
    int slot = pictures_slot(&self->pictures);
    if (slot < 0 && !self->broken)
        return wait_for_slot(self, job->t_submit_ns);
    self->full_ns = 0;
    struct remote_frame message = {.flags = job->key ? ORIEL_ENCODE_KEY : 0,
                                   .stamp = job->frame->stamp};
    if (!self->broken) {
        pictures_lend(&self->pictures, job, (uint32_t)slot, &message);
        self->sent[self->sent_next] = (struct sent){job->frame->stamp, job->t_submit_ns};
        self->sent_next = (self->sent_next + 1) % UNDER_WAY;
    }
    self->owed++; /* packets may come before the answer */
    oriel_result result =
        ask(self, REMOTE_ENCODE, &message, sizeof(message), NULL, -1, deadline_of(self));
    if (result != ORIEL_OK) {
        self->owed -= self->owed > 0;
        return result;
    }
    int64_t took_ms = ms_since(self, job->t_submit_ns);
    if (!self->lately_ms)
        usual_note(self->module, USUAL_FIRST_PICTURE, samples(self), took_ms);
    int64_t before_ms = self->lately_ms - self->lately_ms / 8;
    self->lately_ms = took_ms > before_ms ? took_ms : before_ms;
    if (self->owed)
        child_listen(self->child, true);
    return ORIEL_OK;
}

static oriel_result remote_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct remote *self = data;
    struct encode_job job = {.key = false};
    pthread_mutex_lock(&self->talking);
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result == ORIEL_OK)
        result = encode_now(self, &job);
    pthread_mutex_unlock(&self->talking);
    if (result != ORIEL_OK && job.key)
        atomic_store(&self->base.key_wanted, true);
    return result;
}

static oriel_result remote_drain(void *data)
{
    struct remote *self = data;
    pthread_mutex_lock(&self->talking);
    oriel_result result = ask(self, REMOTE_DRAIN, NULL, 0, NULL, -1, deadline_of(self));
    self->owed = 0;
    pthread_mutex_unlock(&self->talking);
    return result;
}

static oriel_result remote_reconfigure(void *data, const struct oriel_config *config)
{
    struct remote *self = data;
    const char *text = config->get_string(config, "options");
    struct remote_rates rates = rates_of(config);
    if (strlen(text) > 4096)
        return encode_fail(self->base.host, ORIEL_UNSUPPORTED, "options: too long");
    pthread_mutex_lock(&self->talking);
    oriel_result result =
        ask(self, REMOTE_RECONFIGURE, &rates, sizeof(rates), text, -1, deadline_of(self));
    pthread_mutex_unlock(&self->talking);
    return result;
}

/* --- drafts of the instance there --- */

static oriel_result resize_now(struct remote *self, const struct remote_size *size)
{
    const struct oriel_host *host = self->base.host;
    struct pictures pictures;
    if (!self->broken && !pictures_all_back(&self->pictures))
        return host->fail(host, ORIEL_UNSUPPORTED, "it still has pictures of the old size");
    int memory = pictures_map(&pictures, &size->format);
    if (memory < 0)
        return encode_fail(host, ORIEL_NOMEM, "no shared memory: %s", strerror(errno));
    uint64_t before = samples(self);
    uint64_t after = (uint64_t)size->format.width * size->format.height;
    if (longest(&pictures) > self->talk.most)
        self->talk.most = longest(&pictures);
    if (after > before) /* and so does a picture */
        self->lately_ms = (int64_t)((uint64_t)self->lately_ms * after / before);
    oriel_result result =
        ask(self, REMOTE_RESIZE, size, sizeof(*size), NULL, memory, deadline_of(self));
    close(memory);
    if (result == ORIEL_OK) {
        pictures_unmap(&self->pictures);
        self->pictures = pictures;
        self->base.format = size->format;
    } else {
        pictures_unmap(&pictures);
    }
    return result;
}

static oriel_result remote_resize(void *data, const struct oriel_format *format, double fps)
{
    struct remote *self = data;
    const struct remote_size size = {.format = *format, .fps = fps};
    struct encode like = {0}; /* it says what create() would of this format */
    oriel_result result = encode_init(&like, self->base.host, self->base.sink, format, formats,
                                      ENCODE_COUNT(formats), 1, 16384);
    if (result != ORIEL_OK)
        return result;
    pthread_mutex_lock(&self->talking);
    result = resize_now(self, &size);
    pthread_mutex_unlock(&self->talking);
    return result;
}

static const struct oriel_encoder_resize resize = {.size = sizeof(resize), .resize = remote_resize};

static const void *remote_get_interface(void *data, const char *id)
{
    const struct remote *self = data;
    bool has = (self->drafts & REMOTE_CAN_RESIZE) != 0 && strcmp(id, ORIEL_ENCODER_RESIZE_V1) == 0;
    return has ? &resize : NULL;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = remote_input_format,
    .codec = remote_codec,
    .create = remote_create,
    .destroy = remote_destroy,
    .get_interface = remote_get_interface,
    .encode = remote_encode,
    .drain = remote_drain,
    .request_key = encode_want_key,
    .reconfigure = remote_reconfigure,
};
ENCODE_MODULE(encoder, "encode/remote", "BSD-3-Clause",
              "any encoder in a process of its own, whose end is the end of nothing else");
