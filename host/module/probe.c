/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "module/inspect.h"
#include "module/services.h"
#include "util/check.h"
#include "util/clock.h"

#define LIMIT_NS (5 * NS_PER_S)
#define ANSWER_FD 3
#define FLAG "--probe-module"

extern char **environ;

/* ---- the child ---- */

static void answer(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = write(ANSWER_FD, text, left);
        if (n <= 0)
            _exit(1);
        text += n;
        left -= (size_t)n;
    }
}

static bool run_init(const struct oriel_entry *entry, const char *file, struct error *err)
{
    if (!entry->init)
        return true;
    answer("in its init()\n");
    struct oriel_host *host = services_create(entry->info->id);
    oriel_result result = entry->init(host);
    if (result == ORIEL_OK)
        return true;
    const char *why = services_failure();
    return error_set(err, "%s: its init() failed: %s", file, why[0] ? why : "it does not say why");
}

static bool describe(const struct oriel_entry *entry, const char *file, cJSON *out,
                     struct error *err)
{
    answer("while it told its interfaces\n");
    cJSON *kinds = cJSON_AddObjectToObject(out, "kinds");
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        const void *vtable = inspect_vtable(entry, (enum module_kind)kind, err);
        if (vtable)
            cJSON_AddItemToObject(kinds, module_kind_name((enum module_kind)kind),
                                  inspect_facts(vtable, (enum module_kind)kind));
        else if (err->text[0])
            return error_prefix(err, "%s", file);
    }
    return kinds->child ||
           error_set(err, "%s: has none of the interfaces that this host knows", file);
}

int module_probe_main(const char *file)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* a module that prints must not spoil anything */
    fcntl(ANSWER_FD, F_SETFD, FD_CLOEXEC);
    cJSON *out = cJSON_CreateObject();
    struct error err = {""};
    bool missing = false;
    answer("while it was loaded\n");
    const struct oriel_entry *entry = inspect_load(file, &missing, &err);
    bool ok = entry != NULL;
    if (entry) {
        cJSON_AddStringToObject(out, "id", entry->info->id);
        cJSON_AddStringToObject(out, "version", entry->info->version);
        cJSON_AddStringToObject(out, "vendor", entry->info->vendor);
        cJSON_AddStringToObject(out, "license", entry->info->license);
        cJSON_AddStringToObject(out, "description", entry->info->description);
        cJSON_AddStringToObject(out, "build", entry->build ? entry->build : "");
        cJSON_AddNumberToObject(out, "abi_major", entry->abi_major);
        cJSON_AddNumberToObject(out, "abi_minor", entry->abi_minor);
        cJSON_AddNumberToObject(out, "target_minor", entry->target_minor);
        ok = run_init(entry, file, &err) && describe(entry, file, out, &err);
    }
    if (!ok)
        cJSON_AddStringToObject(out, "reason", err.text);
    if (missing)
        cJSON_AddTrueToObject(out, "volatile");
    char *text = cJSON_PrintUnformatted(out);
    CHECK(text);
    answer(text);
    answer("\n");
    _exit(0); /* not exit(): what a module left for that moment is not our concern */
}

/* Before main(), so that a test program can probe as well as `oriel` can. */
__attribute__((constructor)) static void answer_before_main(int argc, char **argv, char **envp)
{
    (void)envp;
    if (argc == 3 && strcmp(argv[1], FLAG) == 0)
        _exit(module_probe_main(argv[2]));
}

/* ---- the parent ---- */

static const char *executable = "/proc/self/exe";

void module_probe_set_executable(const char *path)
{
    executable = path ? path : "/proc/self/exe";
}

struct child {
    pid_t pid;
    int answers, errors; /* read ends */
    char *said[2];       /* everything that came through them */
    size_t length[2];
    bool late;
};

static bool start(struct child *child, const char *file, struct error *err)
{
    int answers[2], errors[2];
    if (pipe2(answers, O_CLOEXEC) != 0)
        return error_set(err, "%s: cannot be probed: %s", file, strerror(errno));
    if (pipe2(errors, O_CLOEXEC) != 0) {
        error_set(err, "%s: cannot be probed: %s", file, strerror(errno));
        close(answers[0]);
        close(answers[1]);
        return false;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, answers[1], ANSWER_FD);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigfillset(&defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    char *argv[] = {(char *)(uintptr_t)executable, (char *)(uintptr_t)FLAG, (char *)(uintptr_t)file,
                    NULL};
    int failed = posix_spawn(&child->pid, executable, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(answers[1]);
    close(errors[1]);
    child->answers = answers[0];
    child->errors = errors[0];
    if (!failed)
        return true;
    close(answers[0]);
    close(errors[0]);
    return error_set(err, "%s: cannot be probed: %s: %s", file, executable, strerror(failed));
}

/* Takes in both pipes until the answers end or the time is up. */
static void listen_to(struct child *child)
{
    int64_t end = clock_ns() + LIMIT_NS;
    struct pollfd fds[2] = {{child->answers, POLLIN, 0}, {child->errors, POLLIN, 0}};
    while (fds[0].fd >= 0) {
        int64_t left = end - clock_ns();
        int n = left > 0 ? poll(fds, 2, (int)(left / NS_PER_MS) + 1) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            child->late = true;
            return;
        }
        for (int i = 0; i < 2; i++) {
            char bytes[4096];
            if (!fds[i].revents)
                continue;
            ssize_t got = read(fds[i].fd, bytes, sizeof bytes);
            if (got <= 0) {
                fds[i].fd = -1;
            } else if (child->length[i] < 1 << 20) {
                child->said[i] = xrealloc(child->said[i], child->length[i] + (size_t)got + 1);
                memcpy(child->said[i] + child->length[i], bytes, (size_t)got);
                child->length[i] += (size_t)got;
                child->said[i][child->length[i]] = '\0';
            }
        }
    }
}

/* The last line, without its end. */
static const char *last_line(char *text)
{
    if (!text)
        return "";
    size_t length = strlen(text);
    while (length > 0 && (unsigned char)text[length - 1] <= ' ')
        text[--length] = '\0';
    char *start = strrchr(text, '\n');
    return start ? start + 1 : text;
}

static cJSON *refusal(const char *reason)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "reason", reason);
    return out;
}

static cJSON *conclude(struct child *child, const char *file, int status)
{
    const char *last = last_line(child->said[0]);
    cJSON *out = last[0] == '{' ? cJSON_Parse(last) : NULL;
    if (out)
        return out;
    const char *said = last_line(child->said[1]);
    char how[160];
    if (child->late)
        snprintf(how, sizeof how, "did not come to an end within 5 s");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "crashed (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "ended its process with status %d", WEXITSTATUS(status));
    char *reason = xasprintf("%s: %s %s%s%.400s", file, how,
                             last[0] ? last : "before it was loaded", said[0] ? ": " : "", said);
    out = refusal(reason);
    free(reason);
    return out;
}

struct cJSON *module_probe(const char *file)
{
    struct error err;
    struct child child = {0};
    if (!start(&child, file, &err)) {
        cJSON *out = refusal(err.text);
        cJSON_AddTrueToObject(out, "volatile");
        return out;
    }
    listen_to(&child);
    kill(-child.pid,
         SIGKILL); /* with whatever it has started; one that has ended keeps its status */
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        continue;
    cJSON *out = conclude(&child, file, status);
    close(child.answers);
    close(child.errors);
    free(child.said[0]);
    free(child.said[1]);
    return out;
}
