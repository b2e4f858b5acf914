/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "config/config.h"
#include "module/cache.h"
#include "module/crash.h"
#include "util/check.h"
#include "util/file.h"
#include "util/log.h"

#define MAX_BYTES (1 << 20) /* the newest of so much; a few thousand ends */

struct quarantine {
    cJSON *lines; /* an array, oldest first */
};

char *quarantine_path(const struct config *config)
{
    char *cache = cache_path(config_string(config, "modules.cache"));
    if (!cache)
        return xstrdup("");
    size_t length = strlen(cache);
    if (length > 5 && strcmp(cache + length - 5, ".json") == 0)
        cache[length - 5] = '\0';
    char *path = xasprintf("%s.quarantine", cache);
    free(cache);
    return path;
}

struct quarantine *quarantine_open(const struct config *config)
{
    struct quarantine *quarantine = xcalloc(1, sizeof *quarantine);
    quarantine->lines = cJSON_CreateArray();
    char *path = quarantine_path(config), *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (file && fseeko(file, -MAX_BYTES, SEEK_END) != 0)
        rewind(file); /* it has less */
    while (file && file_line(file, &line, &room, MAX_BYTES) >= 0) {
        cJSON *entry = cJSON_Parse(line); /* one that was cut short is none */
        if (cJSON_IsObject(entry))
            cJSON_AddItemToArray(quarantine->lines, entry);
        else
            cJSON_Delete(entry);
    }
    if (file)
        fclose(file);
    free(line);
    free(path);
    return quarantine;
}

void quarantine_close(struct quarantine *quarantine)
{
    cJSON_Delete(quarantine->lines);
    free(quarantine);
}

static const char *text_of(const cJSON *entry, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, name));
    return text ? text : "";
}

static char *describe(const cJSON *entry)
{
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(entry, "time");
    const char *op = text_of(entry, "op");
    char when[64] = "";
    struct tm tm;
    time_t time = cJSON_IsNumber(seconds) && seconds->valuedouble > 0 && seconds->valuedouble < 1e11
                      ? (time_t)seconds->valuedouble
                      : 0;
    if (time && gmtime_r(&time, &tm))
        strftime(when, sizeof when, " on %Y-%m-%d at %H:%M:%S UTC", &tm);
    return xasprintf(
        "quarantined: %s in %.40s (%.40s)%s and ended the whole process; it is left out until "
        "another file is in its place or --no-quarantine is given",
        strcmp(text_of(entry, "how"), "hung") == 0 ? "it did not come back from a call"
                                                   : "it crashed",
        *op ? op : "its code", text_of(entry, "how"), when);
}

char *quarantine_reason(const struct quarantine *quarantine, const char *file, const char *key)
{
    const cJSON *newest = NULL;
    for (const cJSON *entry = quarantine->lines->child; entry; entry = entry->next) {
        if (strcmp(text_of(entry, "file"), file) == 0)
            newest = entry;
    }
    return newest && strcmp(text_of(newest, "key"), key) == 0 ? describe(newest) : NULL;
}

void quarantine_watch(const struct config *config)
{
    char *path = quarantine_path(config);
    crash_watch(path);
    free(path);
}

bool quarantine_lift(const struct config *config, struct error *err)
{
    char *path = quarantine_path(config);
    bool lifted = !*path || unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR;
    if (!lifted)
        error_set(err, "%s: the quarantine cannot be lifted: %s", path, strerror(errno));
    free(path);
    return lifted;
}

char *quarantine_record(const char *id, const char *file, const char *key)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "id", id);
    cJSON_AddStringToObject(entry, "file", file);
    cJSON_AddStringToObject(entry, "key", key);
    char *text = cJSON_PrintUnformatted(entry);
    CHECK(text);
    text[strlen(text) - 1] = '\0'; /* without its end: more members follow */
    cJSON_Delete(entry);
    return text;
}
