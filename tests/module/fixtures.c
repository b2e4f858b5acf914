/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixtures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "util/check.h"

void scratch_init(struct scratch *scratch)
{
    strcpy(scratch->root, "/tmp/oriel-modules-XXXXXX");
    CHECK(mkdtemp(scratch->root));
    snprintf(scratch->first, sizeof scratch->first, "%s/first", scratch->root);
    snprintf(scratch->second, sizeof scratch->second, "%s/second", scratch->root);
    snprintf(scratch->cache, sizeof scratch->cache, "%s/cache/modules.json", scratch->root);
    CHECK(mkdir(scratch->first, 0755) == 0 && mkdir(scratch->second, 0755) == 0);
}

void scratch_finish(struct scratch *scratch)
{
    char *command = xasprintf("rm -rf '%s'", scratch->root);
    CHECK(system(command) == 0);
    free(command);
}

const char *scratch_write(const char *folder, const char *name, const void *bytes, size_t length)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
    return path;
}

const char *scratch_copy(const char *folder, const char *fixture, const char *as)
{
    char *from = xasprintf("%s/%s.so", FIXTURE_DIR, fixture), *to = xasprintf("%s.so", as);
    FILE *file = fopen(from, "rb");
    CHECK(file);
    static char bytes[4 << 20];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    CHECK(feof(file) && fclose(file) == 0);
    const char *path = scratch_write(folder, to, bytes, length);
    free(from);
    free(to);
    return path;
}

struct config *scratch_config(const struct scratch *scratch, ...)
{
    char path[256], cache[128];
    snprintf(path, sizeof path, "modules.path=%s,%s", scratch->first, scratch->second);
    snprintf(cache, sizeof cache, "modules.cache=%s", scratch->cache);
    const char *sets[16] = {path, cache};
    size_t count = 2;
    va_list more;
    va_start(more, scratch);
    for (const char *set; count < 16 && (set = va_arg(more, const char *));)
        sets[count++] = set;
    va_end(more);
    struct error err;
    struct config *config =
        config_create(&(struct config_inputs){.sets = sets, .set_count = count}, &err);
    if (!config)
        fprintf(stderr, "%s\n", err.text);
    CHECK(config);
    return config;
}
