/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/site.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "module/services.h"
#include "scene/colormap.h"
#include "util/check.h"

const char *const site_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' ws: wss:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'";

struct site {
    struct site_file *files; /* sorted by path */
    size_t count;
};

static const char *media_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".woff2", "font/woff2"},
    };
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t n = strlen(types[i].suffix);
        if (length > n && strcmp(path + length - n, types[i].suffix) == 0)
            return types[i].type;
    }
    return NULL;
}

/* FNV-1a, 64 bits: tells versions of a file apart, nothing more. */
static uint64_t content_hash(const uint8_t *data, uint64_t bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint64_t i = 0; i < bytes; i++)
        hash = (hash ^ data[i]) * UINT64_C(1099511628211);
    return hash;
}

static bool read_file(struct site_file *file, const char *path, uint64_t bytes, struct error *err)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return error_set(err, "%s: %s", path, strerror(errno));
    uint8_t *data;
    const struct oriel_buffer *body = buffer_create(bytes, &data);
    CHECK(body);
    size_t got = fread(data, 1, bytes, in);
    fclose(in);
    if (got != bytes) {
        buffer_unref(body);
        return error_set(err, "%s: could not be read whole", path);
    }
    file->body = body;
    snprintf(file->etag, sizeof file->etag, "\"%016" PRIx64 "\"", content_hash(data, bytes));
    return true;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct site_file *)a)->path, ((const struct site_file *)b)->path);
}

struct site *site_create(const char *dir, struct error *err)
{
    char *const roots[] = {(char *)dir, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    struct site *site = xcalloc(1, sizeof *site);
    bool fine = walk != NULL;
    if (!fine)
        error_set(err, "%s: %s", dir, strerror(errno));
    for (FTSENT *entry; fine && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            fine = error_set(err, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
        const char *type = entry->fts_info == FTS_F ? media_type(entry->fts_path) : NULL;
        if (!type)
            continue;
        site->files = xrealloc(site->files, (site->count + 1) * sizeof *site->files);
        struct site_file *file = &site->files[site->count];
        *file = (struct site_file){.path = xstrdup(entry->fts_path + strlen(dir)), .type = type};
        site->count++;
        fine = read_file(file, entry->fts_path, (uint64_t)entry->fts_statp->st_size, err);
    }
    if (walk)
        fts_close(walk);
    if (fine) {
        qsort(site->files, site->count, sizeof *site->files, compare_paths);
        if (!site_find(site, "/"))
            fine = error_set(err, "%s: there is no index.html", dir);
    }
    if (!fine) {
        site_destroy(site);
        return NULL;
    }
    return site;
}

void site_destroy(struct site *site)
{
    if (!site)
        return;
    for (size_t i = 0; i < site->count; i++) {
        free(site->files[i].path);
        buffer_unref(site->files[i].body);
    }
    free(site->files);
    free(site);
}

const struct site_file *site_find(const struct site *site, const char *path)
{
    struct site_file key = {.path = (char *)(strcmp(path, "/") == 0 ? "/index.html" : path)};
    return site->count ? bsearch(&key, site->files, site->count, sizeof key, compare_paths) : NULL;
}

const struct oriel_buffer *site_colormaps(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out);
    fputc('[', out);
    const struct oriel_colormap *map;
    for (size_t i = 0; (map = colormap_at(i)); i++) {
        fprintf(out, "%s{\"name\":\"%s\",\"colors\":[", i ? "," : "", map->name);
        for (int k = 0; k < 32; k++) {
            float c[4];
            colormap_sample(map, k / 31.0, c);
            fprintf(out, "%s[%.0f,%.0f,%.0f,%.0f]", k ? "," : "", (double)c[0] * 255,
                    (double)c[1] * 255, (double)c[2] * 255, (double)c[3] * 255);
        }
        fputs("]}", out);
    }
    fputc(']', out);
    CHECK(fclose(out) == 0);
    uint8_t *data;
    const struct oriel_buffer *buffer = buffer_create(bytes, &data);
    CHECK(buffer);
    memcpy(data, text, bytes);
    free(text);
    return buffer;
}
