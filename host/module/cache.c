/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/cache.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "module/probe.h"
#include "oriel/abi.h"
#include "util/check.h"
#include "util/file.h"
#include "util/log.h"

/* Grows when the probe's answer changes its form or its rules. */
#define PROBE_VERSION 1
#define MAX_BYTES (16 << 20)

struct cache {
    char *path;  /* NULL: nowhere to keep it */
    cJSON *root; /* {"version": …, "files": {path: {"key": …, "result": …}}} */
    cJSON *files;
    cJSON *former; /* results of files that have changed since: modules point into them */
    bool changed;
};

/* ---- the key ---- */

/* Walks the notes of one segment, `notes` of `size` bytes. */
static void find_build_id(const unsigned char *notes, size_t size, char *hex, size_t hex_size)
{
    size_t at = 0;
    while (size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head;
        memcpy(&head, notes + at, sizeof head);
        size_t name = at + sizeof head;
        size_t data = name + ((head.n_namesz + (size_t)3) & ~(size_t)3);
        size_t end = data + ((head.n_descsz + (size_t)3) & ~(size_t)3);
        if (end > size || end <= at)
            return;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 && head.n_descsz * 2 < hex_size) {
            for (uint32_t i = 0; i < head.n_descsz; i++)
                sprintf(hex + 2 * i, "%02x", notes[data + i]);
            return;
        }
        at = end;
    }
}

static void build_id(int fd, char *hex, size_t hex_size)
{
    Elf64_Ehdr header;
    hex[0] = '\0';
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr))
        return;
    for (uint16_t i = 0; i < header.e_phnum && !hex[0]; i++) {
        Elf64_Phdr segment;
        off_t at = (off_t)(header.e_phoff + i * sizeof segment);
        unsigned char notes[4096];
        if (pread(fd, &segment, sizeof segment, at) != (ssize_t)sizeof segment)
            return;
        if (segment.p_type != PT_NOTE)
            continue;
        size_t size = segment.p_filesz < sizeof notes ? segment.p_filesz : sizeof notes;
        ssize_t n = pread(fd, notes, size, (off_t)segment.p_offset);
        if (n > 0)
            find_build_id(notes, (size_t)n, hex, hex_size);
    }
}

char *cache_key(const char *file)
{
    struct stat info;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *key = NULL, hex[129];
    if (fstat(fd, &info) == 0) {
        build_id(fd, hex, sizeof hex);
        key = xasprintf("%lld.%09ld %lld %s", (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                        (long long)info.st_size, hex);
    }
    close(fd);
    return key;
}

/* ---- the file ---- */

char *cache_path(const char *path)
{
    if (path[0])
        return xstrdup(path);
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return xasprintf("%s/oriel/modules.json", base);
    if (home && home[0] == '/')
        return xasprintf("%s/.cache/oriel/modules.json", home);
    return NULL;
}

static cJSON *read_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    struct stat info;
    cJSON *json = NULL;
    if (fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode) && info.st_size < MAX_BYTES) {
        char *text = xcalloc(1, (size_t)info.st_size + 1);
        if (fread(text, 1, (size_t)info.st_size, file) == (size_t)info.st_size)
            json = cJSON_Parse(text);
        free(text);
    }
    fclose(file);
    return json;
}

static char *version_text(void)
{
    return xasprintf("%d, ABI %u.%u", PROBE_VERSION, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
}

struct cache *cache_open(const char *path)
{
    struct cache *cache = xcalloc(1, sizeof *cache);
    cache->path = cache_path(path);
    cache->root = cache->path ? read_file(cache->path) : NULL;
    char *version = version_text();
    const char *has =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cache->root, "version"));
    cache->files = cJSON_GetObjectItemCaseSensitive(cache->root, "files");
    if (!has || strcmp(has, version) != 0 || !cJSON_IsObject(cache->files)) {
        cJSON_Delete(cache->root);
        cache->root = cJSON_CreateObject();
        cJSON_AddStringToObject(cache->root, "version", version);
        cache->files = cJSON_AddObjectToObject(cache->root, "files");
    }
    free(version);
    cache->former = cJSON_CreateArray();
    return cache;
}

/* Only a file gives way: a device that is named, as /dev/null, stays what it is. */
static bool write_file(const char *path, const char *text)
{
    struct stat at;
    if (stat(path, &at) == 0 && !S_ISREG(at.st_mode)) {
        errno = EEXIST;
        return false;
    }
    return file_make_folders(path) && file_replace(path, 0644, text, strlen(text));
}

void cache_save(struct cache *cache)
{
    if (!cache->changed || !cache->path)
        return;
    cJSON *root = cJSON_Duplicate(cache->root, true);
    CHECK(root);
    cJSON *files = cJSON_GetObjectItemCaseSensitive(root, "files");
    for (cJSON *file = files->child, *next; file; file = next) {
        next = file->next;
        if (access(file->string, F_OK) != 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(files, file));
    }
    char *text = cJSON_Print(root);
    CHECK(text);
    if (!write_file(cache->path, text))
        log_debug(LOG_MODULE, "%s: cannot be written: %s", cache->path, strerror(errno));
    cache->changed = false;
    free(text);
    cJSON_Delete(root);
}

void cache_close(struct cache *cache)
{
    cJSON_Delete(cache->former);
    cJSON_Delete(cache->root);
    free(cache->path);
    free(cache);
}

const struct cJSON *cache_probe(struct cache *cache, const char *file)
{
    char *key = cache_key(file);
    cJSON *entry = cJSON_GetObjectItemCaseSensitive(cache->files, file);
    const char *has = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "key"));
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(entry, "result");
    if (!key || !has || strcmp(has, key) != 0 || !cJSON_IsObject(result)) {
        cJSON *found = module_probe(file);
        bool keep = key && !cJSON_HasObjectItem(found, "volatile");
        cJSON *before = cJSON_DetachItemFromObjectCaseSensitive(cache->files, file);
        if (before)
            cJSON_AddItemToArray(cache->former, before);
        entry = cJSON_AddObjectToObject(cache->files, file);
        /* Without a key the entry serves this process only. */
        cJSON_AddStringToObject(entry, "key", keep ? key : "");
        cJSON_AddItemToObject(entry, "result", found);
        cache->changed |= keep;
        result = found;
    }
    free(key);
    return result;
}
