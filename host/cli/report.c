/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/report.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "util/check.h"
#include "util/log.h"

static cJSON *row(struct report *report, const char *list)
{
    cJSON *into = cJSON_GetObjectItemCaseSensitive(report->json, list);
    CHECK(into);
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(into, item);
    return item;
}

void report_begin(struct report *report)
{
    static const char *const lists[] = {"swapped", "tuned",   "refused",
                                        "files",   "applied", "restart"};
    *report = (struct report){.json = cJSON_CreateObject()};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        cJSON_AddArrayToObject(report->json, lists[i]);
}

void report_file(void *data, enum module_news news, const struct module *module, const char *reason)
{
    static const char *const names[] = {[MODULE_ADDED] = "added",
                                        [MODULE_CHANGED] = "changed",
                                        [MODULE_REFUSED] = "refused",
                                        [MODULE_GONE] = "gone"};
    if (reason && news == MODULE_ADDED)
        news = MODULE_REFUSED;
    cJSON *item = row(data, "files");
    cJSON_AddStringToObject(item, "file", module->path);
    cJSON_AddStringToObject(item, "id", module->id);
    cJSON_AddStringToObject(item, "news", names[news]);
    cJSON_AddStringToObject(item, "reason", reason ? reason : "");
    if (reason)
        log_warn(LOG_MODULE, "%s: %s: %s", module->path, names[news], reason);
    else
        log_info(LOG_MODULE, "%s: %s", module->path, names[news]);
}

void report_nothing(void *data, enum module_news news, const struct module *module,
                    const char *reason)
{
    (void)data;
    (void)news;
    (void)module;
    (void)reason;
}

void report_key(struct report *report, bool restart, const char *key, const char *origin)
{
    cJSON *item = row(report, restart ? "restart" : "applied");
    cJSON_AddStringToObject(item, "key", key);
    cJSON_AddStringToObject(item, "origin", origin);
    if (restart)
        log_warn(LOG_CONFIG, "%s (%s) takes a restart", key, origin);
    else
        log_info(LOG_CONFIG, "%s (%s) is taken over", key, origin);
}

void report_swap(struct report *report, const char *kind, const char *where, const char *from,
                 const char *to, const char *why)
{
    cJSON *item = row(report, why ? "refused" : "swapped");
    cJSON_AddStringToObject(item, "kind", kind);
    cJSON_AddStringToObject(item, "where", where);
    cJSON_AddStringToObject(item, "from", from);
    cJSON_AddStringToObject(item, "to", to);
    if (why) {
        cJSON_AddStringToObject(item, "reason", why);
        log_warn(LOG_MODULE, "%s: %s goes on, not %s: %s", where, from, to, why);
        if (!report->refused++)
            snprintf(report->why, sizeof report->why, "%s", why);
    } else {
        log_info(LOG_MODULE, "%s: %s in the place of %s", where, to, from);
        report->swapped++;
    }
}

void report_tuned(struct report *report, const char *where, const char *id)
{
    cJSON *item = row(report, "tuned");
    cJSON_AddStringToObject(item, "where", where);
    cJSON_AddStringToObject(item, "id", id);
    log_info(LOG_MODULE, "%s: %s goes on with its new values", where, id);
}

static const cJSON *find_file(const struct report *report, const char *id, const char *news)
{
    const cJSON *item;
    char named[128];
    snprintf(named, sizeof named, "/%s.so", id);
    for (char *at = named + 1; *at; at++)
        *at = *at == '/' ? '-' : *at;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(report->json, "files"))
    {
        const char *own = cJSON_GetObjectItemCaseSensitive(item, "id")->valuestring;
        const char *file =
            strrchr(cJSON_GetObjectItemCaseSensitive(item, "file")->valuestring, '/');
        bool same = *own ? strcmp(own, id) == 0 : file && strcmp(file, named) == 0;
        if (same && strcmp(cJSON_GetObjectItemCaseSensitive(item, "news")->valuestring, news) == 0)
            return item;
    }
    return NULL;
}

const char *report_refused_file(const struct report *report, const char *id)
{
    const cJSON *item = find_file(report, id, "refused");
    return item ? cJSON_GetObjectItemCaseSensitive(item, "reason")->valuestring : NULL;
}

bool report_changed_file(const struct report *report, const char *id)
{
    return find_file(report, id, "changed");
}
