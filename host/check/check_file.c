/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of what every module is: a file, an entry, option tables. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cjson/cJSON.h>

#include "check/elf.h"
#include "check/options.h"
#include "check/shared.h"
#include "module/inspect.h"
#include "util/check.h"
#include "util/clock.h"

#define SCAN_MS 100

/* ---- the file ---- */

/* The sentence of inspect_…() without the path, which the report has said already. */
static const char *without_path(const struct check_run *run, const struct error *err)
{
    size_t length = strlen(run->path);
    bool begins = strncmp(err->text, run->path, length) == 0 && err->text[length] == ':';
    return begins ? err->text + length + 2 : err->text;
}

static void is_object(struct check_run *run)
{
    struct error err;
    if (!inspect_file(run->path, &err))
        check_fail(run, "%s", without_path(run, &err));
}

/* Lines to "a, b and 3 more". */
static void join(const char *lines, char *text, size_t size)
{
    size_t at = 0, shown = 0, more = 0;
    text[0] = '\0';
    for (; *lines; lines += strcspn(lines, "\n") + 1) {
        if (shown == 5)
            more++;
        else if (at < size)
            at += (size_t)snprintf(text + at, size - at, "%s%.*s", shown++ ? ", " : "",
                                   (int)strcspn(lines, "\n"), lines);
    }
    if (more && at < size)
        snprintf(text + at, size - at, " and %zu more", more);
}

static void exports(struct check_run *run)
{
    struct error err;
    char names[600], *lines = elf_exports(run->path, &err);
    if (!lines)
        check_fail(run, "%s", without_path(run, &err));
    join(lines, names, sizeof names);
    free(lines);
    if (strcmp(names, ORIEL_ENTRY_SYMBOL) == 0)
        return;
    if (!names[0])
        check_fail(run, "it exports nothing; a module exports %s", ORIEL_ENTRY_SYMBOL);
    check_fail(run,
               "it exports %s; a module exports %s and nothing else (hidden visibility and a "
               "version script, as oriel_add_module() sets them)",
               names, ORIEL_ENTRY_SYMBOL);
}

static void imports(struct check_run *run)
{
    struct error err;
    char names[600], *lines = elf_unresolved(run->path, &err);
    if (!lines)
        check_skip(run, "%s", err.text);
    join(lines, names, sizeof names);
    free(lines);
    if (!names[0])
        return;
    check_fail(run,
               "no library that it needs defines %s; a module takes nothing from the host's "
               "program but what struct oriel_host gives it",
               names);
}

static void loads(struct check_run *run)
{
    check_doing(run, "its loading");
    if (dlopen(run->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE))
        return;
    const char *why = dlerror();
    struct error err;
    error_set(&err, "%s", why ? why : "no reason given");
    check_fail(run, "dlopen() with RTLD_NOW|RTLD_LOCAL refuses it: %s", without_path(run, &err));
}

/* ---- the entry ---- */

static const struct oriel_entry *entry_of(struct check_run *run)
{
    struct error err = {""};
    const struct oriel_entry *entry = check_load(run, &err);
    if (!entry)
        check_fail(run, "%s", without_path(run, &err));
    return entry;
}

static bool is_version(const char *text)
{
    int end = 0;
    unsigned numbers[3];
    return sscanf(text, "%u.%u.%u%n", &numbers[0], &numbers[1], &numbers[2], &end) == 3 &&
           (!text[end] || text[end] == '-' || text[end] == '+');
}

static void is_sane(struct check_run *run)
{
    const struct oriel_entry *entry = entry_of(run);
    const struct oriel_module_info *info = entry->info;
    if (entry->target_minor > entry->abi_minor)
        check_fail(run,
                   "its entry asks for a host of minor %u and was built with headers of minor %u; "
                   "ORIEL_TARGET_MINOR is at most that of the headers",
                   entry->target_minor, entry->abi_minor);
    if (!entry->build)
        check_fail(run, "its entry has no build string; it is free text, at least \"\"");
    if (!is_version(info->version))
        check_fail(run, "its version \"%s\" is no semantic version (1.2.3)", info->version);
    if (!info->vendor[0] || !info->license[0] || !info->description[0])
        check_fail(run, "its module info has an empty vendor, license or description; `oriel "
                        "modules` shows them");
}

static void inits(struct check_run *run)
{
    struct error err;
    if (!check_init(run, entry_of(run), &err))
        check_fail(run, "%s; a module whose device is missing says so in create()", err.text);
}

static void interfaces(struct check_run *run)
{
    struct error err = {""};
    const struct oriel_entry *entry = entry_of(run);
    if (!check_init(run, entry, &err))
        check_fail(run, "%s", err.text);
    check_doing(run, "its get_factory()");
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        const void *vtable = check_vtable(entry, (enum module_kind)kind, &err);
        if (!vtable && err.text[0])
            check_fail(run, "%s; every function of an interface is there but get_interface()",
                       err.text);
        if (vtable && vtable != check_vtable(entry, (enum module_kind)kind, &err))
            check_fail(run, "get_factory(\"%s\") gives another vtable each time; it is static",
                       module_kind_interface((enum module_kind)kind));
        if (vtable)
            run->shared->kinds |= 1u << kind;
    }
    if (!run->shared->kinds)
        check_fail(run, "get_factory() knows none of oriel.encoder/1, oriel.capture/1, "
                        "oriel.scene/1, oriel.source/1, oriel.transport/1; a module has one");
}

static void unknown(struct check_run *run)
{
    static const char *const ids[] = {"org.example.unknown/1", "", "oriel.", "oriel.encoder/99",
                                      "oriel.source/0"};
    struct error err;
    const struct oriel_entry *entry = entry_of(run);
    if (!check_init(run, entry, &err))
        check_fail(run, "%s", err.text);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        check_doing(run, "get_factory(\"%s\")", ids[i]);
        if (entry->get_factory(ids[i]))
            check_fail(run,
                       "get_factory(\"%s\") answers a vtable; an interface that a module does "
                       "not have is NULL",
                       ids[i]);
    }
}

static void init_twice(struct check_run *run)
{
    struct error err;
    const struct oriel_entry *entry = entry_of(run);
    unsigned threads = check_threads(), fds = check_fds();
    if (!check_init(run, entry, &err))
        check_fail(run, "%s", err.text);
    struct check_host *host = check_host_new(run, CHECK_HOST_USUAL);
    for (int round = 2; round <= 3; round++) {
        check_doing(run, "deinit() before init() number %d", round);
        if (entry->deinit)
            entry->deinit();
        check_doing(run, "init() number %d", round);
        oriel_result result = entry->init ? entry->init(&host->host) : ORIEL_OK;
        if (result != ORIEL_OK)
            check_fail(run,
                       "init() number %d, after deinit(), answered %s (%s); init() and "
                       "deinit() can come again",
                       round, check_result_name(result), check_failure());
        check_doing(run, "get_factory() after init() number %d", round);
        for (int kind = 0; kind < MODULE_KIND_COUNT; kind++)
            entry->get_factory(module_kind_interface((enum module_kind)kind));
    }
    check_doing(run, "deinit()");
    if (entry->deinit)
        entry->deinit();
    if (!check_settled(run, threads, fds, 500))
        check_fail(run,
                   "after deinit() there are %d threads and %d descriptors more than before "
                   "init(); deinit() takes back what init() took",
                   (int)(check_threads() - threads), (int)(check_fds() - fds));
    if (entry->init && run->shared->in_process && entry->init(&host->host) != ORIEL_OK)
        check_fail(run, "init() after deinit() fails");
}

/* ---- the scan: what `oriel modules` and every start of a server do with the file ---- */

struct scan {
    struct check_shared shared; /* first: of the child */
    struct check_run run;
    double ms;
    int threads, fds;
};

static void scan_work(void *data)
{
    struct scan *scan = data;
    struct error err;
    int threads = (int)check_threads(), fds = (int)check_fds();
    int64_t begun = clock_ns();
    const struct oriel_entry *entry = check_load(&scan->run, &err);
    if (!entry || !check_init(&scan->run, entry, &err))
        return;
    check_doing(&scan->run, "what it tells of itself");
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        const void *vtable = inspect_vtable(entry, (enum module_kind)kind, &err);
        if (vtable)
            cJSON_Delete(inspect_facts(vtable, (enum module_kind)kind));
    }
    scan->ms = (double)(clock_ns() - begun) * 1e-6;
    scan->threads = (int)check_threads() - threads;
    scan->fds = (int)check_fds() - fds;
    scan->shared.done = true;
}

static void scans(struct check_run *run)
{
    double least = 1e9, limit = SCAN_MS * run->patience;
    for (int i = 0; i < 5 && least > limit; i++) { /* a cold cache is not the module's */
        struct error err;
        struct scan *scan =
            mmap(NULL, sizeof *scan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        CHECK(scan != MAP_FAILED);
        scan->run = *run;
        scan->run.shared = &scan->shared;
        if (!check_child(&scan->shared, 5 * run->patience, scan_work, scan, &err))
            check_fail(run, "while it was scanned it %s", err.text);
        if (scan->threads > 0)
            check_fail(run,
                       "after it was loaded and asked what it does, %d of its threads run; a "
                       "module starts threads in create()",
                       scan->threads);
        if (scan->fds > 0)
            check_fail(run,
                       "after it was loaded and asked what it does, %d more descriptors are "
                       "open; a module opens what it needs in create()",
                       scan->fds);
        least = scan->ms < least ? scan->ms : least;
        munmap(scan, sizeof *scan);
    }
    if (least > limit)
        check_fail(run,
                   "to load it and ask what it does took %.0f ms, 5 times; it has %.0f ms, as "
                   "every start of a server does this with all modules",
                   least, limit);
    check_note(run, "%.1f ms", least);
}

/* ---- the rows ---- */

const struct check check_interfaces = {"entry.interfaces", "", CHECK_GATE, 10, interfaces};

const struct check check_file[] = {
    {"file.object", "The file is a shared object for this machine.", CHECK_GATE, 10, is_object},
    {"file.exports", "It exports the symbol oriel_entry_v1 and nothing else.", 0, 10, exports},
    {"file.imports",
     "Every symbol that it wants is defined by a library that it names; none is the host's.",
     CHECK_GATE, 20, imports},
    {"file.loads", "It loads with RTLD_NOW|RTLD_LOCAL.", CHECK_GATE, 10, loads},
    {"entry.sane",
     "The entry has the right magic, size and versions, and the module info has its texts.",
     CHECK_GATE, 10, is_sane},
    {"entry.init", "init() returns OK, soon, and lets the process live.", CHECK_GATE, 5, inits},
    {"entry.interfaces",
     "get_factory() gives at least one interface, static, with every function of it there.",
     CHECK_GATE, 10, interfaces},
    {"entry.unknown", "get_factory() gives NULL for what the module does not have.", 0, 10,
     unknown},
    {"file.scan",
     "To load it and ask what it does takes less than 100 ms and leaves no thread or descriptor.",
     0, 60, scans},
    {"life.init_twice", "deinit() takes back what init() took, and both can come again.", 0, 10,
     init_twice},
    {"options.table", "The option table is whole: its size, its count, a name for each option.",
     CHECK_EVERY | CHECK_GATE, 10, options_table},
    {"options.names", "Names of options are snake_case and unique.", CHECK_EVERY, 10,
     options_names},
    {"options.types",
     "Each option has a known type and flags, sound limits, and choices where it "
     "is an enum.",
     CHECK_EVERY, 10, options_types},
    {"options.defaults",
     "Each default is a value of its type, within the limits or among the choices; what is "
     "required has none.",
     CHECK_EVERY, 10, options_defaults},
    {"options.help", "Each option has a help text.", CHECK_EVERY, 10, options_help},
};
const size_t check_file_count = sizeof check_file / sizeof check_file[0];
