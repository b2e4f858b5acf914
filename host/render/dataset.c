/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/dataset.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "module/call.h"
#include "module/registry.h"
#include "module/services.h"
#include "util/check.h"

struct dataset {
    /* set once */
    char *uri;
    uint64_t key;
    struct module_use use;
    const struct oriel_source *source;
    void *self;
    const struct oriel_source_info *info;

    atomic_uint refs;
};

/* One module that was asked about a uri. */
struct candidate {
    struct module_use use;
    uint32_t score;
    size_t order; /* in the configuration */
};

/* `id`: "" where it does not matter who says it. */
static void say(struct error *all, const char *id, const char *what)
{
    size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof all->text - used, "%s%s%s%s", used ? "; " : "", id,
             *id ? ": " : "", what);
}

/* What a module says about the uri, without the uri. */
static const char *without_uri(const char *text, const char *uri)
{
    for (size_t length = strlen(uri); length; length--) {
        if (strncmp(text, uri, length) == 0 && strncmp(text + length, ": ", 2) == 0)
            return text + length + 2;
        if (uri[length - 1] != '/') /* some leave a slash at the end away */
            break;
    }
    return text;
}

/* A description is the module's claim: nothing below may divide by zero or index past an array. */
static bool check_info(const struct oriel_source_info *info, struct error *err)
{
    if (!info || info->ndim > ORIEL_MAX_AXES)
        return error_set(err, "more than %u axes", ORIEL_MAX_AXES);
    if (info->level_count == 0 || info->dtype == 0)
        return true; /* a collection without an image of its own */
    if (!dtype_bytes(info->dtype))
        return error_set(err, "unknown dtype %u", info->dtype);
    for (uint32_t l = 0; l < info->level_count; l++) {
        uint64_t values = 1;
        for (uint32_t a = 0; a < info->ndim; a++) {
            if (info->levels[l].chunk[a] == 0)
                return error_set(err, "level %u has empty chunks", l);
            if (__builtin_mul_overflow(values, info->levels[l].shape[a], &values))
                return error_set(err, "level %u has more than 2^64 values", l);
        }
    }
    return true;
}

static struct dataset *open_with(struct candidate *candidate, const char *uri, struct error *err)
{
    static atomic_uint_least64_t next_key = 1;
    struct dataset *dataset = xcalloc(1, sizeof *dataset);
    dataset->use = candidate->use;
    dataset->source = candidate->use.vtable;
    dataset->uri = xstrdup(uri);
    dataset->key = atomic_fetch_add(&next_key, 1);
    atomic_init(&dataset->refs, 1);
    candidate->use = (struct module_use){0};

    oriel_result result = MODULE_CALL(
        &dataset->use, "open",
        dataset->source->open(dataset->use.host, dataset->use.config, uri, &dataset->self));
    if (result == ORIEL_OK)
        result = MODULE_CALL(&dataset->use, "describe",
                             dataset->source->describe(dataset->self, &dataset->info));
    if (result != ORIEL_OK) {
        const char *why = services_failure();
        if (*why)
            error_set(err, "%s", why);
        else
            error_set(err, "cannot open it (result %d)", result);
    } else if (check_info(dataset->info, err)) {
        return dataset;
    }
    dataset_unref(dataset);
    return NULL;
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->order > y->order ? 1 : -1;
}

struct dataset *dataset_open(struct registry *registry, const char *uri, struct error *err)
{
    const char *const *ids;
    size_t count = registry_wanted(registry, MODULE_SOURCE, &ids), found = 0;
    struct candidate *candidates = xcalloc(count, sizeof *candidates);
    struct error all = {""};

    for (size_t i = 0; i < count; i++) {
        struct candidate *c = &candidates[found];
        struct error why = {""};
        if (!module_use_open(registry, MODULE_SOURCE, ids[i], uri, &c->use, &why)) {
            say(&all, ids[i], why.text);
            continue;
        }
        c->order = i;
        const struct oriel_source *source = c->use.vtable;
        c->score = MODULE_CALL(&c->use, "probe", source->probe(c->use.host, uri));
        found++;
    }

    /* When it is nobody's kind, all of them are asked: they know best what they miss. */
    qsort(candidates, found, sizeof *candidates, by_score);
    bool nobodys = found && !candidates[0].score;
    struct dataset *dataset = NULL;
    for (size_t i = 0; i < found && !dataset && (nobodys || candidates[i].score); i++) {
        struct error why = {""};
        const char *id = candidates[i].use.module->id;
        dataset = open_with(&candidates[i], uri, &why);
        if (!dataset)
            say(&all, nobodys ? "" : id, nobodys ? without_uri(why.text, uri) : why.text);
    }
    struct stat status;
    if (!dataset && !strstr(uri, "://") && stat(uri, &status) != 0 && errno == ENOENT)
        error_set(err, "%s: %s", uri, strerror(ENOENT)); /* nothing a module says is clearer */
    else if (!dataset && nobodys)
        error_set(err, "%s: no image that Oriel can open: %s", uri, all.text);
    else if (!dataset)
        error_set(err, "cannot open %s: %s", uri,
                  *all.text ? all.text : "no source module is configured");
    for (size_t i = 0; i < found; i++)
        module_use_close(&candidates[i].use);
    free(candidates);
    return dataset;
}

struct dataset *dataset_ref(struct dataset *dataset)
{
    atomic_fetch_add_explicit(&dataset->refs, 1, memory_order_relaxed);
    return dataset;
}

void dataset_unref(struct dataset *dataset)
{
    if (!dataset || atomic_fetch_sub_explicit(&dataset->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (dataset->self)
        MODULE_CALL(&dataset->use, "close", dataset->source->close(dataset->self));
    module_use_close(&dataset->use);
    free(dataset->uri);
    free(dataset);
}

const char *dataset_uri(const struct dataset *dataset)
{
    return dataset->uri;
}

const char *dataset_module(const struct dataset *dataset)
{
    return dataset->use.module->id;
}

uint64_t dataset_key(const struct dataset *dataset)
{
    return dataset->key;
}

const struct oriel_source_info *dataset_info(const struct dataset *dataset)
{
    return dataset->info;
}

oriel_result dataset_read(struct dataset *dataset, struct oriel_read *read, struct error *err)
{
    read->size = sizeof *read;
    oriel_result result =
        MODULE_CALL(&dataset->use, "read", dataset->source->read(dataset->self, read));
    if (result != ORIEL_OK && result != ORIEL_CANCELLED) {
        const char *why = services_failure();
        if (*why)
            error_set(err, "%s", why);
        else
            error_set(err, "%s: reading level %u failed (result %d)", dataset->uri, read->level,
                      result);
    }
    return result;
}
