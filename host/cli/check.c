/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel check`: does a module do what the contract wants? */
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "check/engine.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "util/check.h"
#include "util/clock.h"

static const char usage[] =
    "usage: oriel check MODULE.so [--data PATH] [--set OPTION=VALUE] [--include RE] [--json]\n"
    "       oriel check [MODULE.so] --list [--json]\n"
    "Tests a module against the contract of the SDK, each test in a process of its own. The exit\n"
    "status is 0 when none failed, 1 when one did, 2 for a wrong command line.\n"
    "  --list               the tests and what each wants; with a file, those for its kinds\n"
    "  --include RE         only tests whose name matches this extended regular expression\n"
    "  --json               for programs\n"
    "  --data PATH          what a source can open\n"
    "  --set OPTION=VALUE   an option of the module, in every test\n"
    "  --seed N             of what is random; a failure prints it\n"
    "  --patience N         multiplies every time limit, as under valgrind\n"
    "  --in-process         all tests in one process, for a debugger, valgrind or a sanitizer\n";

struct report {
    bool json;
    cJSON *tests;
    unsigned counts[3];
};

static void tell_text(const struct check_outcome *outcome)
{
    static const char *const words[] = {"ok  ", "FAIL", "skip"};
    printf("%s  %s%s%s\n", words[outcome->result], outcome->check->name,
           outcome->text[0] ? ": " : "", outcome->text);
    fflush(stdout);
}

static void tell(void *data, const struct check_outcome *outcome)
{
    static const char *const words[] = {"ok", "fail", "skip"};
    struct report *report = data;
    report->counts[outcome->result]++;
    if (!report->json) {
        tell_text(outcome);
        return;
    }
    cJSON *test = cJSON_CreateObject();
    cJSON_AddStringToObject(test, "name", outcome->check->name);
    cJSON_AddStringToObject(test, "kind", outcome->kind);
    cJSON_AddStringToObject(test, "result", words[outcome->result]);
    cJSON_AddNumberToObject(test, "seconds", outcome->seconds);
    cJSON_AddStringToObject(test, "text", outcome->text);
    cJSON_AddItemToArray(report->tests, test);
}

static void print(cJSON *json)
{
    char *text = cJSON_Print(json);
    CHECK(text);
    printf("%s\n", text);
    free(text);
    cJSON_Delete(json);
}

static int run_all(struct check_plan *plan, struct report *report)
{
    const char *slash = strrchr(plan->run.path, '/');
    plan->tell = tell;
    plan->data = report;
    report->tests = cJSON_CreateArray();
    check_plan_run(plan);
    if (report->json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "module", slash ? slash + 1 : plan->run.path);
        cJSON_AddStringToObject(json, "path", plan->run.path);
        cJSON_AddItemToObject(json, "tests", report->tests);
        cJSON_AddNumberToObject(json, "passed", report->counts[CHECK_PASSED]);
        cJSON_AddNumberToObject(json, "failed", report->counts[CHECK_FAILED]);
        cJSON_AddNumberToObject(json, "skipped", report->counts[CHECK_SKIPPED]);
        print(json);
    } else {
        cJSON_Delete(report->tests);
        printf("%u passed, %u failed, %u skipped\n", report->counts[CHECK_PASSED],
               report->counts[CHECK_FAILED], report->counts[CHECK_SKIPPED]);
    }
    return report->counts[CHECK_FAILED] ? CLI_FAILED : CLI_DONE;
}

static int list_all(struct check_plan *plan, bool json)
{
    unsigned kinds = plan->run.path ? check_plan_kinds(plan) : CHECK_EVERY;
    cJSON *list = cJSON_CreateArray();
    for (size_t table = 0; table < check_table_count(); table++) {
        size_t count;
        const struct check *checks = check_table(table, &count);
        for (size_t i = 0; i < count; i++) {
            unsigned of = checks[i].kinds & CHECK_EVERY;
            char text[100];
            if ((of && !(of & kinds)) ||
                (plan->include && regexec(plan->include, checks[i].name, 0, NULL, 0) != 0))
                continue;
            check_kinds_text(of, text, sizeof text);
            if (!json)
                printf("%-24s  %s\n", checks[i].name, checks[i].wants);
            cJSON *test = cJSON_CreateObject();
            cJSON_AddStringToObject(test, "name", checks[i].name);
            cJSON_AddStringToObject(test, "kinds", text);
            cJSON_AddStringToObject(test, "wants", checks[i].wants);
            cJSON_AddItemToArray(list, test);
        }
    }
    if (json)
        print(list);
    else
        cJSON_Delete(list);
    return CLI_DONE;
}

static bool number(const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 0);
    return end != text && !*end;
}

/* The files and numbers of the command line, into the plan. */
static int take(struct check_plan *plan, const struct cli_options *options, const char *data,
                const char *seed, const char *patience)
{
    static char path[PATH_MAX], data_path[PATH_MAX];
    uint64_t value;
    if (options->argument_count > 1)
        return cli_fail(CLI_USAGE, "check: takes one file, not \"%s\" too", options->arguments[1]);
    if (options->argument_count && !realpath(options->arguments[0], path))
        return cli_fail(CLI_USAGE, "check: %s: %s", options->arguments[0], strerror(errno));
    if (data && !realpath(data, data_path))
        return cli_fail(CLI_USAGE, "check: --data %s: %s", data, strerror(errno));
    plan->run.path = options->argument_count ? path : NULL;
    plan->run.data = data ? data_path : NULL;
    plan->run.seed = (uint64_t)clock_ns() % 1000000;
    if (seed && !number(seed, &plan->run.seed))
        return cli_fail(CLI_USAGE, "check: --seed wants a number, got \"%s\"", seed);
    plan->run.patience = check_sanitized() ? 10 : 1;
    if (patience) {
        if (!number(patience, &value) || value < 1 || value > 1000)
            return cli_fail(CLI_USAGE, "check: --patience wants 1 to 1000, got \"%s\"", patience);
        plan->run.patience = (unsigned)value;
    }
    return CLI_GO_ON;
}

static const char **settings_of(const struct cli_options *options)
{
    const char **settings = xcalloc(options->set_count + 1, sizeof *settings);
    for (size_t i = 0; i < options->set_count; i++)
        settings[i] = options->sets[i];
    return settings;
}

int cli_check(int argc, char **argv)
{
    struct cli_options options;
    struct check_plan plan = {0};
    const char *include = NULL, *data = NULL, *seed = NULL, *patience = NULL;
    bool list = false;
    const struct cli_flag flags[] = {{.name = "list", .on = &list},
                                     {.name = "include", .text = &include},
                                     {.name = "in-process", .on = &plan.in_process},
                                     {.name = "data", .text = &data},
                                     {.name = "seed", .text = &seed},
                                     {.name = "patience", .text = &patience},
                                     {0}};
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    status = take(&plan, &options, data, seed, patience);
    if (status == CLI_GO_ON && !plan.run.path && !list)
        status = cli_fail(CLI_USAGE, "check: wants a module's file");
    regex_t regex;
    if (status == CLI_GO_ON && include) {
        if (regcomp(&regex, include, REG_EXTENDED | REG_NOSUB) != 0)
            status = cli_fail(CLI_USAGE, "check: --include %s: is no regular expression", include);
        else
            plan.include = &regex;
    }
    const char **settings = settings_of(&options);
    plan.run.settings = settings;
    struct report report = {.json = options.json};
    if (status == CLI_GO_ON)
        status = list ? list_all(&plan, options.json) : run_all(&plan, &report);
    if (plan.include)
        regfree(&regex);
    free(settings);
    cli_options_finish(&options);
    return status;
}
