/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/inspect.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/option.h"
#include "oriel/capture.h"
#include "oriel/encoder.h"
#include "oriel/scene_module.h"
#include "oriel/source.h"
#include "oriel/transport.h"

/* ---- the file ---- */

static bool read_header(const char *path, Elf64_Ehdr *header, size_t *length, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, "%s: %s", path, strerror(errno));
    memset(header, 0, sizeof *header);
    ssize_t n = read(fd, header, sizeof *header);
    int error = errno;
    close(fd);
    if (n < 0)
        return error_set(err, "%s: %s", path, strerror(error));
    *length = (size_t)n;
    return true;
}

bool inspect_file(const char *path, struct error *err)
{
    Elf64_Ehdr theirs, ours;
    size_t length;
    if (!read_header("/proc/self/exe", &ours, &length, err) ||
        !read_header(path, &theirs, &length, err))
        return false;
    if (length == 0)
        return error_set(err, "%s: is empty", path);
    if (length < SELFMAG || memcmp(theirs.e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(err, "%s: is no shared object (not an ELF file)", path);
    if (length < sizeof theirs && theirs.e_ident[EI_CLASS] == ELFCLASS64)
        return error_set(err, "%s: is cut short", path);
    if (theirs.e_ident[EI_CLASS] != ours.e_ident[EI_CLASS] ||
        theirs.e_ident[EI_DATA] != ours.e_ident[EI_DATA] || theirs.e_machine != ours.e_machine)
        return error_set(err,
                         "%s: is built for another machine (ELF machine %u, class %u; this is "
                         "machine %u, class %u)",
                         path, theirs.e_machine, theirs.e_ident[EI_CLASS], ours.e_machine,
                         ours.e_ident[EI_CLASS]);
    if (theirs.e_type != ET_DYN)
        return error_set(err, "%s: is an ELF file but no shared object", path);
    return true;
}

/* ---- the entry ---- */

/* A member that a module of this major must have. */
#define NEEDED(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

static bool find_entry(void *handle, const char *path, const struct oriel_entry **entry,
                       struct error *err)
{
    *entry = dlsym(handle, ORIEL_ENTRY_SYMBOL);
    if (*entry)
        return true;
    for (unsigned major = 0; major < 100; major++) {
        char symbol[32];
        snprintf(symbol, sizeof symbol, "oriel_entry_v%u", major);
        if (dlsym(handle, symbol))
            return error_set(err, "%s: is built for module ABI %u, this host has %u.%u", path,
                             major, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
    }
    return error_set(err, "%s: is no Oriel module (it has no %s)", path, ORIEL_ENTRY_SYMBOL);
}

static bool check_info(const char *path, const struct oriel_module_info *info, struct error *err)
{
    if (!info)
        return error_set(err, "%s: has no module info", path);
    if (info->size < NEEDED(struct oriel_module_info, description))
        return error_set(err, "%s: its module info is cut short (%u bytes)", path, info->size);
    if (!info->id || !info->version || !info->vendor || !info->license || !info->description)
        return error_set(err, "%s: its module info has a text that is missing", path);
    const char *slash = strchr(info->id, '/');
    if (!slash || slash == info->id || !slash[1] || strchr(slash + 1, '/') || strpbrk(slash, ". ="))
        return error_set(err,
                         "%s: its id \"%s\" is not two names with a slash between them, as "
                         "org.example/my_codec",
                         path, info->id);
    return true;
}

static bool check_entry(const char *path, const struct oriel_entry *entry, struct error *err)
{
    if (entry->magic != ORIEL_MAGIC)
        return error_set(err, "%s: is no Oriel module (wrong magic in %s)", path,
                         ORIEL_ENTRY_SYMBOL);
    if (entry->size < NEEDED(struct oriel_entry, abi_minor))
        return error_set(err, "%s: its entry is cut short (%u bytes)", path, entry->size);
    if (entry->abi_major != ORIEL_ABI_MAJOR)
        return error_set(err, "%s: is built for module ABI %u.%u, this host has %u.%u", path,
                         entry->abi_major, entry->abi_minor, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
    if (entry->size < NEEDED(struct oriel_entry, get_factory))
        return error_set(err, "%s: its entry is cut short (%u bytes, ABI %u.%u has %zu)", path,
                         entry->size, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR,
                         NEEDED(struct oriel_entry, get_factory));
    if (entry->target_minor > ORIEL_ABI_MINOR)
        return error_set(err, "%s: needs module ABI %u.%u or newer, this host has %u.%u", path,
                         entry->abi_major, entry->target_minor, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
    if (!check_info(path, entry->info, err))
        return false;
    if (!entry->get_factory)
        return error_set(err, "%s: its entry has no get_factory", path);
    return true;
}

const struct oriel_entry *inspect_load(const char *path, bool *missing, struct error *err)
{
    *missing = false;
    if (!inspect_file(path, err))
        return NULL;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        *missing = true;
        const char *why = dlerror();
        size_t length = strlen(path);
        if (why && strncmp(why, path, length) == 0 && strncmp(why + length, ": ", 2) == 0)
            why += length + 2;
        error_set(err, "%s: %s", path, why ? why : "cannot be loaded");
        return NULL;
    }
    const struct oriel_entry *entry;
    return find_entry(handle, path, &entry, err) && check_entry(path, entry, err) ? entry : NULL;
}

/* ---- the vtables ---- */

/* Every vtable begins with this; functions follow. */
struct vtable {
    uint32_t size;
    uint32_t reserved;
    const struct oriel_option_table *options;
};

/* What a vtable must have. get_interface is not there: a module without interfaces may leave it
 * out. */
static const struct function {
    enum module_kind kind;
    const char *name;
    size_t offset;
} functions[] = {
#define NEED(kind, type, name)                                                                     \
    {                                                                                              \
        kind, #name, offsetof(struct type, name)                                                   \
    }
    NEED(MODULE_CAPTURE, oriel_capture, output_format),
    NEED(MODULE_CAPTURE, oriel_capture, create),
    NEED(MODULE_CAPTURE, oriel_capture, destroy),
    NEED(MODULE_CAPTURE, oriel_capture, grab),
    NEED(MODULE_CAPTURE, oriel_capture, poll),
    NEED(MODULE_ENCODER, oriel_encoder, input_format),
    NEED(MODULE_ENCODER, oriel_encoder, codec),
    NEED(MODULE_ENCODER, oriel_encoder, create),
    NEED(MODULE_ENCODER, oriel_encoder, destroy),
    NEED(MODULE_ENCODER, oriel_encoder, encode),
    NEED(MODULE_ENCODER, oriel_encoder, drain),
    NEED(MODULE_ENCODER, oriel_encoder, request_key),
    NEED(MODULE_ENCODER, oriel_encoder, reconfigure),
    NEED(MODULE_TRANSPORT, oriel_transport, create),
    NEED(MODULE_TRANSPORT, oriel_transport, destroy),
    NEED(MODULE_TRANSPORT, oriel_transport, endpoint),
    NEED(MODULE_TRANSPORT, oriel_transport, send),
    NEED(MODULE_TRANSPORT, oriel_transport, queued),
    NEED(MODULE_TRANSPORT, oriel_transport, close),
    NEED(MODULE_TRANSPORT, oriel_transport, respond),
    NEED(MODULE_SCENE, oriel_scene_module, kind),
    NEED(MODULE_SCENE, oriel_scene_module, create),
    NEED(MODULE_SCENE, oriel_scene_module, destroy),
    NEED(MODULE_SCENE, oriel_scene_module, apply),
    NEED(MODULE_SCENE, oriel_scene_module, upload),
    NEED(MODULE_SCENE, oriel_scene_module, evict),
    NEED(MODULE_SCENE, oriel_scene_module, draw),
    NEED(MODULE_SOURCE, oriel_source, probe),
    NEED(MODULE_SOURCE, oriel_source, open),
    NEED(MODULE_SOURCE, oriel_source, close),
    NEED(MODULE_SOURCE, oriel_source, describe),
    NEED(MODULE_SOURCE, oriel_source, read),
#undef NEED
};

static bool check_functions(const struct vtable *vtable, enum module_kind kind, struct error *err)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const struct function *needed = &functions[i];
        if (needed->kind != kind)
            continue;
        void (*pointer)(void);
        size_t end = needed->offset + sizeof pointer;
        if (vtable->size < end)
            return error_set(err, "is cut short (%u bytes, %s ends at %zu)", vtable->size,
                             needed->name, end);
        memcpy(&pointer, (const char *)vtable + needed->offset, sizeof pointer);
        if (!pointer)
            return error_set(err, "has no %s()", needed->name);
    }
    return true;
}

static bool check_options(const struct oriel_option_table *table, struct error *err)
{
    if (!table)
        return true;
    if (table->size < sizeof *table)
        return error_set(err, "has an option table that is cut short (%u bytes)", table->size);
    if (table->count > 1000 || (table->count && !table->options))
        return error_set(err, "has an option table that claims %u options", table->count);
    return option_table_check(table, err);
}

const void *inspect_vtable(const struct oriel_entry *entry, enum module_kind kind,
                           struct error *err)
{
    if (err)
        err->text[0] = '\0';
    const struct vtable *vtable = entry->get_factory(module_kind_interface(kind));
    if (!vtable)
        return NULL;
    if (!check_functions(vtable, kind, err) || !check_options(vtable->options, err)) {
        error_prefix(err, "its %s", module_kind_interface(kind));
        return NULL;
    }
    return vtable;
}

const struct oriel_option_table *inspect_options(const void *vtable)
{
    return ((const struct vtable *)vtable)->options;
}
