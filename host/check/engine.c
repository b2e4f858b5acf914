/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check/files.h"
#include "check/shared.h"
#include "module/inspect.h"
#include "util/check.h"
#include "util/clock.h"

/* ---- the tables ---- */

size_t check_table_count(void)
{
    return 6;
}

const struct check *check_table(size_t table, size_t *count)
{
    switch (table) {
    case 0:
        *count = check_file_count;
        return check_file;
    case 1:
        *count = check_encoder_count;
        return check_encoder;
    case 2:
        *count = check_capture_count;
        return check_capture;
    case 3:
        *count = check_scene_count;
        return check_scene;
    case 4:
        *count = check_source_count;
        return check_source;
    default:
        *count = check_transport_count;
        return check_transport;
    }
}

const char *check_kinds_text(unsigned kinds, char *text, size_t size)
{
    kinds &= CHECK_EVERY;
    if (!kinds || kinds == CHECK_EVERY) {
        snprintf(text, size, "%s", kinds ? "every kind" : "file");
        return text;
    }
    size_t at = 0;
    for (int kind = 0; kind < MODULE_KIND_COUNT && at < size; kind++) {
        if (kinds & 1u << kind)
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "",
                                   module_kind_name((enum module_kind)kind));
    }
    return text;
}

/* ---- what a test says ---- */

static _Noreturn void end(struct check_run *run, enum check_result result)
{
    struct check_shared *shared = run->shared;
    shared->result = result;
    shared->done = true;
    if (shared->in_process)
        siglongjmp(shared->end, 1);
    _exit(0);
}

void check_fail(struct check_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->shared->text, sizeof run->shared->text, format, args);
    va_end(args);
    end(run, CHECK_FAILED);
}

void check_skip(struct check_run *run, const char *format, ...)
{
    check_blamed(run);
    va_list args;
    va_start(args, format);
    vsnprintf(run->shared->text, sizeof run->shared->text, format, args);
    va_end(args);
    end(run, CHECK_SKIPPED);
}

void check_blame(struct check_run *run, const char *format, ...)
{
    unsigned none = 0;
    if (!__atomic_compare_exchange_n(&run->shared->blamed, &none, 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(run->shared->blame, sizeof run->shared->blame, format, args);
    va_end(args);
    __atomic_store_n(&run->shared->blamed, 2, __ATOMIC_RELEASE);
}

void check_blamed(struct check_run *run)
{
    if (__atomic_load_n(&run->shared->blamed, __ATOMIC_ACQUIRE) == 2)
        check_fail(run, "%s", run->shared->blame);
}

void check_doing(struct check_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->shared->doing, sizeof run->shared->doing, format, args);
    va_end(args);
}

void check_note(struct check_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->shared->note, sizeof run->shared->note, format, args);
    va_end(args);
}

/* ---- the module in this process ---- */

const struct oriel_entry *check_load(struct check_run *run, struct error *err)
{
    bool missing;
    check_doing(run, "its loading");
    return inspect_load(run->path, &missing, err);
}

bool check_init(struct check_run *run, const struct oriel_entry *entry, struct error *err)
{
    static bool called; /* once for each process, also where all tests share one */
    if (called || !entry->init)
        return true;
    called = true;
    check_doing(run, "its init()");
    struct check_host *host = check_host_new(run, CHECK_HOST_USUAL);
    check_failure();
    oriel_result result = entry->init(&host->host);
    if (result == ORIEL_OK)
        return true;
    const char *why = check_failure();
    return error_set(err, "init() answered %s: %s", check_result_name(result),
                     why[0] ? why : "without a text by host->fail(), which is to say why");
}

const void *check_vtable(const struct oriel_entry *entry, enum module_kind kind, struct error *err)
{
    const void *vtable = inspect_vtable(entry, kind, err);
    if (vtable || !err->text[0])
        return vtable;
    /* Functions come before options there, so a fault of options is the only one. */
    if (!strstr(err->text, "option"))
        return NULL;
    err->text[0] = '\0';
    return entry->get_factory(module_kind_interface(kind));
}

/* ---- one test ---- */

struct work {
    struct check_run *run;
    const struct check *check;
};

static void run_test(struct check_run *run, const struct check *check)
{
    struct error err = {""};
    if (check->kinds & CHECK_EVERY) {
        run->entry = check_load(run, &err);
        if (!run->entry || !check_init(run, run->entry, &err))
            check_fail(run, "%s", err.text);
        check_doing(run, "its get_factory()");
        run->vtable = check_vtable(run->entry, run->kind, &err);
        if (!run->vtable)
            check_fail(run, "%s", err.text[0] ? err.text : "the interface is there no more");
    }
    check_doing(run, "its test");
    check->run(run);
    check_blamed(run);
    snprintf(run->shared->text, sizeof run->shared->text, "%s", run->shared->note);
    end(run, CHECK_PASSED);
}

static void work_test(void *data)
{
    struct work *work = data;
    if (work->run->shared->in_process && sigsetjmp(work->run->shared->end, 1))
        return;
    run_test(work->run, work->check);
}

static void reset(struct check_shared *shared, bool in_process)
{
    bool mute = shared->mute;
    memset(shared, 0, sizeof *shared);
    shared->mute = mute;
    shared->in_process = in_process;
}

static void perform(struct check_plan *plan, const struct check *check, const char *kind,
                    struct check_outcome *outcome)
{
    struct check_run run = plan->run; /* a test may write into it */
    struct work work = {&run, check};
    struct error err = {""};
    char *scratch =
        xasprintf("%s/oriel-check-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    run.scratch = mkdtemp(scratch) ? scratch : "/nowhere";
    int64_t begun = clock_ns();
    reset(run.shared, plan->in_process);
    if (plan->in_process) {
        work_test(&work);
    } else if (!check_child(run.shared, check->seconds * run.patience, work_test, &work, &err)) {
        run.shared->result = CHECK_FAILED;
        snprintf(run.shared->text, sizeof run.shared->text, "%s", err.text);
    }
    *outcome = (struct check_outcome){check, kind, run.shared->result,
                                      (double)(clock_ns() - begun) * 1e-9, run.shared->text};
    files_remove(scratch);
    free(scratch);
}

/* ---- all of them ---- */

static bool included(const struct check_plan *plan, const struct check *check)
{
    return !plan->include || regexec(plan->include, check->name, 0, NULL, 0) == 0;
}

static void share(struct check_plan *plan)
{
    void *memory = mmap(NULL, sizeof(struct check_shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    plan->run.shared = memory;
}

unsigned check_plan_kinds(struct check_plan *plan)
{
    share(plan);
    struct check_outcome outcome;
    perform(plan, &check_interfaces, "", &outcome);
    unsigned kinds = plan->run.shared->kinds;
    munmap(plan->run.shared, sizeof *plan->run.shared);
    return kinds;
}

static void skip_row(struct check_plan *plan, const struct check *check, const char *kind,
                     const char *closed)
{
    char text[200];
    snprintf(text, sizeof text, "%s failed, which it needs", closed);
    const struct check_outcome outcome = {check, kind, CHECK_SKIPPED, 0, text};
    if (included(plan, check))
        plan->tell(plan->data, &outcome);
}

/* One row, for one kind or the file. `kinds` grows by what the module turns out to have; `closed`
 * is the gate that failed. */
static void run_row(struct check_plan *plan, const struct check *check, const char *kind,
                    unsigned *kinds, const char **closed)
{
    if (*closed) {
        skip_row(plan, check, kind, *closed);
        return;
    }
    bool gate = check->kinds & CHECK_GATE;
    if (!included(plan, check) && !gate)
        return;
    struct check_outcome outcome;
    perform(plan, check, kind, &outcome);
    *kinds |= plan->run.shared->kinds;
    bool failed = outcome.result == CHECK_FAILED;
    if (included(plan, check) || failed)
        plan->tell(plan->data, &outcome);
    if (failed && gate)
        *closed = check->name;
}

void check_plan_run(struct check_plan *plan)
{
    const char *closed = NULL;
    unsigned kinds = 0;
    share(plan);
    for (size_t table = 0; table < check_table_count(); table++) {
        size_t count;
        const struct check *checks = check_table(table, &count);
        for (size_t i = 0; i < count; i++) {
            unsigned of = checks[i].kinds & CHECK_EVERY & kinds;
            if (!(checks[i].kinds & CHECK_EVERY))
                run_row(plan, &checks[i], "", &kinds, &closed);
            for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
                plan->run.kind = (enum module_kind)kind;
                if (of & 1u << kind)
                    run_row(plan, &checks[i], module_kind_name(plan->run.kind), &kinds, &closed);
            }
        }
    }
    munmap(plan->run.shared, sizeof *plan->run.shared);
}
