/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel encoder-child`: one encoder for one instance of encode/remote in another process. What
 * they say is in the module's wire.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../modules/encode/remote/wire.h"
#include "cli/cli.h"
#include "cli/encoder_load.h"
#include "cli/options.h"
#include "module/call.h"
#include "module/crash.h"
#include "module/services.h"
#include "oriel/draft/encoder_resize.h"
#include "util/check.h"
#include "util/error.h"

struct memory {
    uint8_t *at;
    uint64_t bytes;
};

static struct {
    pthread_mutex_t sending;
    struct remote_hello hello;
    struct memory memory; /* of the pictures */
    struct encoder_load load;
    void *self;
    const struct oriel_encoder_resize *resize; /* NULL: it has no such draft */
    struct oriel_packet_sink sink;
    struct slot {
        struct oriel_frame frame; /* first */
        uint32_t index;
    } slots[REMOTE_SLOTS];
} child = {.sending = PTHREAD_MUTEX_INITIALIZER};

/* --- to the proxy --- */

/* The proxy is gone: nobody is left to be told. */
static void leave(void)
{
    _exit(0);
}

static void say(uint32_t type, const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    struct remote_head head = {.type = type, .bytes = a_bytes + b_bytes};
    struct iovec parts[] = {
        {&head, sizeof head}, {(void *)(uintptr_t)a, a_bytes}, {(void *)(uintptr_t)b, b_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    pthread_mutex_lock(&child.sending);
    while (message.msg_iovlen) {
        ssize_t n = sendmsg(REMOTE_FD, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            leave();
        size_t sent = (size_t)n;
        while (message.msg_iovlen && sent >= message.msg_iov->iov_len) {
            sent -= message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen) {
            message.msg_iov->iov_base = (uint8_t *)message.msg_iov->iov_base + sent;
            message.msg_iov->iov_len -= sent;
        }
    }
    pthread_mutex_unlock(&child.sending);
}

static void answer(oriel_result result, const char *text)
{
    struct remote_answer out = {.result = result, .drafts = child.resize ? REMOTE_CAN_RESIZE : 0};
    snprintf(out.text, sizeof out.text, "%s", text);
    say(REMOTE_ANSWER, &out, sizeof out, NULL, 0);
}

static void answer_call(oriel_result result, const char *op)
{
    const char *why = services_failure();
    char text[REMOTE_TEXT];
    snprintf(text, sizeof text, "%s: %s%s", child.load.use.module->id, *why ? why : op,
             *why ? "" : " failed, and it does not say why");
    answer(result, result == ORIEL_OK ? "" : text);
}

static void on_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    (void)sink;
    struct remote_packet out = {.codec = packet->codec,
                                .flags = packet->flags,
                                .qp_q8 = packet->qp_q8,
                                .seq = packet->stamp.seq};
    say(REMOTE_PACKET, &out, sizeof out, packet->data, packet->bytes);
}

static void on_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    (void)host;
    say(REMOTE_LOG, &level, sizeof level, text ? text : "", text ? strlen(text) : 0);
}

/* --- pictures --- */

static void on_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done;
    struct remote_flags *flags = (struct remote_flags *)(void *)child.memory.at;
    const struct slot *slot = (const struct slot *)frame;
    __atomic_store_n(&flags->busy[slot->index], 0, __ATOMIC_RELEASE);
}

static oriel_result encode(const struct remote_frame *message)
{
    CHECK(message->slot < REMOTE_SLOTS && message->plane_count <= ORIEL_MAX_PLANES);
    const struct remote_flags *flags = (const struct remote_flags *)(void *)child.memory.at;
    /* Whoever let go of the picture before has done so: the proxy has seen it, and so must we. */
    CHECK(__atomic_load_n(&flags->busy[message->slot], __ATOMIC_ACQUIRE));
    struct slot *slot = &child.slots[message->slot];
    slot->index = message->slot;
    slot->frame = (struct oriel_frame){.size = sizeof slot->frame,
                                       .plane_count = message->plane_count,
                                       .format = child.hello.format,
                                       .stamp = message->stamp,
                                       .release = on_release};
    for (uint32_t i = 0; i < message->plane_count; i++) {
        slot->frame.planes[i] = message->planes[i];
        slot->frame.planes[i].handle = (uintptr_t)child.memory.at;
    }
    const struct oriel_encoder *encoder = child.load.use.vtable;
    const struct oriel_frame *frame = frame_ref(&slot->frame);
    oriel_result result =
        MODULE_CALL(&child.load.use, "encode", encoder->encode(child.self, frame, message->flags));
    frame_unref(frame);
    return result;
}

/* --- the beginning --- */

static bool map(int fd, struct memory *memory, struct error *err)
{
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size < (off_t)REMOTE_PAGE)
        return error_set(err, "no memory for pictures came");
    memory->bytes = (uint64_t)info.st_size;
    memory->at = mmap(NULL, memory->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory->at != MAP_FAILED ||
           error_set(err, "the memory of the pictures: %s", strerror(errno));
}

/* What counts for RLIMIT_DATA, bytes. */
static uint64_t memory_taken(void)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "VmData: %" SCNu64, &kib) != 1)
        continue;
    if (file)
        fclose(file);
    return kib << 10;
}

/* A leak is the end of this process, and of no other: of all that the machine runs it is the first
 * that the kernel ends when memory is short. */
static bool limit(uint64_t bytes, struct error *err)
{
    static const char first[] = "1000";
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        ssize_t n = write(score, first, sizeof first - 1);
        (void)n; /* then it is judged as the server is */
        close(score);
    }
    const uint64_t sum = memory_taken() + bytes;
    const struct rlimit none = {0, 0}, most = {sum, sum};
    setrlimit(RLIMIT_CORE, &none); /* to write one would keep the proxy waiting */
    return !bytes || setrlimit(RLIMIT_DATA, &most) == 0 ||
           error_set(err, "memory_mb: %s", strerror(errno));
}

static oriel_result begin(const char *options, int fd)
{
    struct error err = {""};
    const struct remote_hello *hello = &child.hello;
    const struct encoder_wish wish = {.module = hello->module,
                                      .options = options,
                                      .codec = hello->codec,
                                      .format = &hello->format,
                                      .bitrate = hello->rates.bitrate,
                                      .max_bitrate = hello->rates.max_bitrate,
                                      .keyint = hello->rates.keyint};
    if (hello->version != REMOTE_VERSION)
        error_set(&err, "the program of the process is of another version");
    else if (map(fd, &child.memory, &err) && limit(hello->memory_limit, &err))
        encoder_load(&child.load, &wish, &err);
    if (!child.load.use.vtable) {
        answer(ORIEL_UNSUPPORTED, err.text);
        return ORIEL_UNSUPPORTED;
    }
    child.load.use.host->log = on_log;
    child.sink = (struct oriel_packet_sink){.size = sizeof child.sink, .packet = on_packet};
    const struct oriel_encoder *encoder = child.load.use.vtable;
    oriel_result result =
        MODULE_CALL(&child.load.use, "create",
                    encoder->create(child.load.use.host, child.load.use.config, &hello->format,
                                    hello->fps, &child.sink, &child.self));
    if (result == ORIEL_OK && ORIEL_HAS(encoder, get_interface))
        child.resize = MODULE_CALL(&child.load.use, "get_interface",
                                   encoder->get_interface(child.self, ORIEL_ENCODER_RESIZE_V1));
    answer_call(result, "create");
    return result;
}

/* --- from the proxy --- */

/* All of it; false at the end. The descriptor that comes with it, if one does. */
static bool hear(void *to, size_t bytes, int *passed)
{
    uint8_t *at = to;
    while (bytes > 0) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        struct iovec part = {at, bytes};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ssize_t n = recvmsg(REMOTE_FD, &message, MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        const struct cmsghdr *with = CMSG_FIRSTHDR(&message);
        if (with && with->cmsg_type == SCM_RIGHTS && with->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(passed, CMSG_DATA(with), sizeof(int));
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

static void reconfigure(const struct remote_rates *rates, const char *options)
{
    struct error err;
    const struct oriel_encoder *encoder = child.load.use.vtable;
    struct encoder_wish wish = {.module = child.hello.module,
                                .options = options,
                                .codec = child.hello.codec,
                                .format = &child.hello.format,
                                .bitrate = rates->bitrate,
                                .max_bitrate = rates->max_bitrate,
                                .keyint = child.hello.rates.keyint};
    if (!encoder_load_options(&child.load, &wish, &err)) {
        answer(ORIEL_UNSUPPORTED, err.text);
        return;
    }
    answer_call(MODULE_CALL(&child.load.use, "reconfigure",
                            encoder->reconfigure(child.self, child.load.use.config)),
                "reconfigure");
}

/* The pictures that come next are in the other memory; what is in this one it has given back. */
static void resize(const struct remote_size *size, int fd)
{
    struct error err;
    struct memory other;
    if (!child.resize) {
        answer(ORIEL_UNSUPPORTED, "it makes pictures of one size only");
        return;
    }
    if (!map(fd, &other, &err)) {
        answer(ORIEL_NOMEM, err.text);
        return;
    }
    oriel_result result = MODULE_CALL(&child.load.use, "resize",
                                      child.resize->resize(child.self, &size->format, size->fps));
    if (result == ORIEL_OK) {
        const struct memory old = child.memory;
        child.memory = other;
        other = old;
        child.hello.format = size->format;
    }
    munmap(other.at, other.bytes);
    answer_call(result, "resize");
}

/* False at the end. */
static bool serve_one(void)
{
    _Alignas(16) static uint8_t body[sizeof(struct remote_hello) + 8192];
    struct remote_head head;
    int passed = -1;
    if (!hear(&head, sizeof head, &passed) || head.bytes >= sizeof body ||
        !hear(body, head.bytes, &passed))
        return false;
    body[head.bytes] = '\0';
    const struct oriel_encoder *encoder = child.load.use.vtable;
    switch (head.type) {
    case REMOTE_HELLO: {
        memcpy(&child.hello, body, sizeof child.hello);
        oriel_result result = begin((char *)body + sizeof child.hello, passed);
        close(passed);
        return result == ORIEL_OK;
    }
    case REMOTE_ENCODE:
        answer_call(encode((const struct remote_frame *)(void *)body), "encode");
        return true;
    case REMOTE_DRAIN:
        answer_call(MODULE_CALL(&child.load.use, "drain", encoder->drain(child.self)), "drain");
        return true;
    case REMOTE_RECONFIGURE:
        reconfigure((const struct remote_rates *)(void *)body,
                    (char *)body + sizeof(struct remote_rates));
        return true;
    case REMOTE_RESIZE:
        resize((const struct remote_size *)(void *)body, passed);
        close(passed);
        return true;
    default:
        return false;
    }
}

int cli_encoder_child(int argc, char **argv)
{
    struct stat info;
    (void)argv;
    if (argc > 1 || fstat(REMOTE_FD, &info) != 0 || !S_ISSOCK(info.st_mode))
        return cli_fail(CLI_USAGE, "encoder-child: is started by encode/remote, not by hand");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "oriel-encoder");
    crash_name("oriel-encoder");
    crash_watch(NULL);
    while (serve_one())
        continue;
    const struct oriel_encoder *encoder = child.load.use.vtable;
    if (child.self)
        MODULE_CALL(&child.load.use, "destroy", encoder->destroy(child.self));
    encoder_load_finish(&child.load);
    return CLI_DONE;
}
