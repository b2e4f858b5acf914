/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/modules_ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "config/config.h"
#include "metrics/metrics.h"
#include "module/registry.h"
#include "pixel/codec.h"
#include "pixel/instance.h"
#include "pixel/ladder.h"
#include "render/pool.h"
#include "render/render.h"
#include "util/check.h"
#include "util/clock.h"

#define LIMIT_NS (10 * NS_PER_S)
#define MOST 64u /* encoders of a list */
#define ANSWER_BYTES 8192u

/* --- the child: one encoder, with a renderer, since that decides where pictures lie --- */

static void no_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    (void)sink;
    (void)packet;
}

static bool try_encoder(const struct config *config, struct registry *registry, const char *id,
                        cJSON *answer, struct error *err)
{
    struct metrics *metrics = metrics_create();
    struct render_pool *pool = render_pool_create(config, registry, metrics, err);
    struct render *render = pool ? render_create(pool, "main", NULL, err) : NULL;
    if (!render)
        return error_prefix(err, "no renderer");
    double fps = config_float(config, "stream.fps");
    const struct instance_wish wish = {.registry = registry,
                                       .render = render,
                                       .id = id,
                                       .label = id,
                                       .width = (uint32_t)config_int(config, "canvas.width"),
                                       .height = (uint32_t)config_int(config, "canvas.height"),
                                       .fps = fps,
                                       .packet = no_packet};
    struct instance_facts facts;
    struct instance *instance;
    if (instance_examine(&wish, LADDER_SHARE * 1e3 / fps, &facts, err) != ORIEL_OK ||
        instance_open(&instance, &wish, err) != ORIEL_OK)
        return false;
    cJSON_AddStringToObject(answer, "codec", codec_find(facts.codec)->name);
    cJSON_AddItemToObject(answer, "ms",
                          facts.ms >= 0 ? cJSON_CreateNumber(facts.ms) : cJSON_CreateNull());
    cJSON_AddStringToObject(answer, "chain", instance->chain);
    return true;
}

static _Noreturn void child(const struct config *config, struct registry *registry, const char *id,
                            int answers)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        dup2(nowhere, fd); /* what a module or a driver prints must not spoil anything */
    struct error err = {""};
    cJSON *answer = cJSON_CreateObject();
    if (!try_encoder(config, registry, id, answer, &err))
        cJSON_AddStringToObject(answer, "reason", err.text);
    char *text = cJSON_PrintUnformatted(answer);
    CHECK(text);
    size_t length = strlen(text);
    _exit(write(answers, text, length) == (ssize_t)length ? 0 : 1); /* it fits into the pipe */
}

/* --- the parent --- */

/* What the child said before it ended, or "". False when it did not end in time. */
static bool listen_to(int answers, char *text, size_t room)
{
    int64_t deadline = clock_ns() + LIMIT_NS;
    size_t n = 0;
    for (;;) {
        int64_t left = deadline - clock_ns();
        struct pollfd fd = {.fd = answers, .events = POLLIN};
        text[n] = '\0';
        if (left <= 0)
            return false;
        int ready = poll(&fd, 1, (int)(left / NS_PER_MS) + 1);
        if (ready <= 0)
            continue;
        ssize_t got = read(answers, text + n, room - 1 - n);
        if (got <= 0)
            return true;
        n += (size_t)got;
    }
}

static void tell_end(cJSON *entry, const char *id, bool late, int status)
{
    char reason[256];
    if (late)
        snprintf(reason, sizeof reason, "%s: did not come to an end within 10 s", id);
    else if (WIFSIGNALED(status))
        snprintf(reason, sizeof reason, "%s: crashed (%s) when it was tried", id,
                 strsignal(WTERMSIG(status)));
    else
        snprintf(reason, sizeof reason, "%s: ended its process with status %d", id,
                 WEXITSTATUS(status));
    cJSON_AddStringToObject(entry, "reason", reason);
}

static void try_apart(const struct config *config, struct registry *registry, const char *id,
                      cJSON *entry)
{
    int ends[2];
    pid_t pid = -1;
    if (pipe2(ends, O_CLOEXEC) == 0) {
        fflush(NULL);
        pid = fork();
        if (pid == 0)
            child(config, registry, id, ends[1]);
        close(ends[1]);
    }
    if (pid < 0) {
        char *reason = xasprintf("%s: cannot be tried: %s", id, strerror(errno));
        cJSON_AddStringToObject(entry, "reason", reason);
        free(reason);
        return;
    }
    char text[ANSWER_BYTES];
    bool ended = listen_to(ends[0], text, sizeof text);
    close(ends[0]);
    kill(-pid, SIGKILL); /* with whatever it has started; one that has ended keeps its status */
    kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    cJSON *answer = cJSON_Parse(text);
    if (!cJSON_IsObject(answer))
        tell_end(entry, id, !ended, status);
    while (cJSON_IsObject(answer) && answer->child) {
        cJSON *item = cJSON_DetachItemViaPointer(answer, answer->child);
        cJSON_AddItemToObject(entry, item->string, item);
    }
    cJSON_Delete(answer);
}

/* --- the rule, over what was found --- */

static void add_taken(const struct config *config, cJSON *list, bool still)
{
    struct ladder_rung rungs[MOST];
    uint32_t count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "codec"));
        const cJSON *ms = cJSON_GetObjectItemCaseSensitive(entry, "ms");
        const struct codec *codec = name ? codec_named(name, strlen(name)) : NULL;
        rungs[count++] = (struct ladder_rung){.out = !codec,
                                              .known = true,
                                              .timed = true,
                                              .codec = codec ? codec->fourcc : 0,
                                              .video = codec && !codec->intra,
                                              .ms = cJSON_IsNumber(ms) ? ms->valuedouble : -1};
    }
    int ask;
    bool time;
    int taken = ladder_choose(rungs, count,
                              still ? LADDER_ORDER
                                    : ladder_prefer_named(config_string(config, "stream.prefer")),
                              1e3 / config_float(config, "stream.fps"), -1, &ask, &time);
    int i = 0;
    cJSON *each;
    cJSON_ArrayForEach(each, list) cJSON_AddBoolToObject(each, "taken", i++ == taken);
}

struct cJSON *modules_ladder(const struct config *config, struct registry *registry, bool try)
{
    static const char *const keys[] = {"modules.encoder", "modules.still"};
    cJSON *ladder = cJSON_CreateObject();
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        cJSON *list = cJSON_AddArrayToObject(ladder, keys[k]);
        const char *id;
        for (uint32_t i = 0; i < MOST && (id = config_item(config, keys[k], i)); i++) {
            struct error err = {""};
            cJSON *entry = cJSON_CreateObject();
            cJSON_AddItemToArray(list, entry);
            cJSON_AddStringToObject(entry, "id", id);
            if (!registry_usable(registry, MODULE_ENCODER, id, &err))
                cJSON_AddStringToObject(entry, "reason", err.text);
            else if (try)
                try_apart(config, registry, id, entry);
            bool refused = cJSON_HasObjectItem(entry, "reason");
            cJSON_AddStringToObject(entry, "result", refused ? "refused" : "usable");
            if (!refused)
                cJSON_AddNullToObject(entry, "reason");
        }
        if (try)
            add_taken(config, list, k == 1);
    }
    return ladder;
}

static void print_entry(const cJSON *entry, FILE *out)
{
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "id"));
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "reason"));
    const char *codec = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "codec"));
    const cJSON *ms = cJSON_GetObjectItemCaseSensitive(entry, "ms");
    bool taken = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "taken"));
    if (reason) {
        size_t length = strlen(id);
        bool named = strncmp(reason, id, length) == 0 && strncmp(reason + length, ": ", 2) == 0;
        fprintf(out, "  %-18s not usable: %s\n", id, named ? reason + length + 2 : reason);
    } else if (codec) {
        const char *chain = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "chain"));
        const char *end = chain ? strstr(chain, " -> ") : NULL;
        fprintf(out, "%c %-18s %s", taken ? '>' : ' ', id, codec);
        if (cJSON_IsNumber(ms))
            fprintf(out, ", %.1f ms a picture", ms->valuedouble);
        if (end)
            fprintf(out, ", from %.*s", (int)(end - chain), chain);
        fputc('\n', out);
    } else {
        fprintf(out, "  %-18s is there\n", id);
    }
}

void modules_ladder_print(const struct cJSON *ladder, FILE *out)
{
    const cJSON *list;
    bool tried = false;
    cJSON_ArrayForEach(list, ladder)
    {
        const cJSON *entry;
        fprintf(out, "\nIn the order of %s:\n", list->string);
        cJSON_ArrayForEach(entry, list)
        {
            tried |= cJSON_HasObjectItem(entry, "taken");
            print_entry(entry, out);
        }
    }
    fputs(tried ? "\n> taken here, by stream.prefer, by a client that decodes all of them\n"
                : "\n`oriel modules --try` finds out which of them work here, and how fast\n",
          out);
}
