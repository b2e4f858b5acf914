/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/check.h"

struct image {
    const uint8_t *bytes;
    size_t size;
};

static bool image_open(struct image *image, const char *path, struct error *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || status.st_size < (off_t)sizeof(ElfW(Ehdr))) {
        error_set(err, "%s: %s", path, fd < 0 ? strerror(errno) : "is cut short");
        if (fd >= 0)
            close(fd);
        return false;
    }
    image->size = (size_t)status.st_size;
    image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return image->bytes != MAP_FAILED || error_set(err, "%s: %s", path, strerror(errno));
}

/* `size` bytes at `at`, or NULL where the file has not that many. */
static const void *image_at(const struct image *image, uint64_t at, uint64_t size)
{
    return at <= image->size && size <= image->size - at ? image->bytes + at : NULL;
}

static void add(char **text, const char *name, size_t length)
{
    size_t had = strlen(*text);
    *text = xrealloc(*text, had + length + 2);
    memcpy(*text + had, name, length);
    strcpy(*text + had + length, "\n");
}

static const ElfW(Shdr) * section(const struct image *image, uint32_t index)
{
    const ElfW(Ehdr) *head = (const void *)image->bytes;
    return index < head->e_shnum && head->e_shentsize == sizeof(ElfW(Shdr))
               ? image_at(image, head->e_shoff + (uint64_t)index * sizeof(ElfW(Shdr)),
                          sizeof(ElfW(Shdr)))
               : NULL;
}

/* What a linker adds to every object, and a sanitizer to what is exported. */
static bool of_linker(const char *name)
{
    return strncmp(name, "__odr_asan", 10) == 0 || strcmp(name, "_edata") == 0 ||
           strcmp(name, "_end") == 0 || strcmp(name, "__bss_start") == 0 ||
           strcmp(name, "_init") == 0 || strcmp(name, "_fini") == 0;
}

static bool exported(const ElfW(Sym) * symbol)
{
    unsigned bind = ELF64_ST_BIND(symbol->st_info), hide = ELF64_ST_VISIBILITY(symbol->st_other);
    return symbol->st_shndx != SHN_UNDEF && bind != STB_LOCAL &&
           (hide == STV_DEFAULT || hide == STV_PROTECTED);
}

static bool list_exports(const struct image *image, const ElfW(Shdr) * table, char **text)
{
    const ElfW(Shdr) *names = section(image, table->sh_link);
    uint64_t count = table->sh_size / sizeof(ElfW(Sym));
    const ElfW(Sym) *symbols = image_at(image, table->sh_offset, count * sizeof(ElfW(Sym)));
    const char *strings = names ? image_at(image, names->sh_offset, names->sh_size) : NULL;
    if (!symbols || !strings || !names->sh_size || strings[names->sh_size - 1])
        return false;
    for (uint64_t i = 1; i < count; i++) {
        const ElfW(Sym) *symbol = &symbols[i];
        if (!exported(symbol) || symbol->st_name >= names->sh_size)
            continue;
        const char *name = strings + symbol->st_name;
        if (!of_linker(name))
            add(text, name, strlen(name));
    }
    return true;
}

char *elf_exports(const char *path, struct error *err)
{
    struct image image;
    if (!image_open(&image, path, err))
        return NULL;
    char *text = xstrdup("");
    bool found = false;
    const ElfW(Ehdr) *head = (const void *)image.bytes;
    for (uint32_t i = 0; i < head->e_shnum && !found; i++) {
        const ElfW(Shdr) *table = section(&image, i);
        found = table && table->sh_type == SHT_DYNSYM && list_exports(&image, table, &text);
    }
    munmap((void *)(uintptr_t)image.bytes, image.size);
    if (found)
        return text;
    free(text);
    error_set(err, "%s: has no readable table of dynamic symbols", path);
    return NULL;
}

/* ---- the dynamic linker's own answer, as `ldd -r` asks it ---- */

/* Of this program, which is that of its modules. */
static bool interpreter(char *path, size_t size)
{
    struct image image;
    if (!image_open(&image, "/proc/self/exe", NULL))
        return false;
    bool found = false;
    const ElfW(Ehdr) *head = (const void *)image.bytes;
    for (unsigned i = 0; i < head->e_phnum && !found; i++) {
        const ElfW(Phdr) *part =
            image_at(&image, head->e_phoff + (uint64_t)i * sizeof *part, sizeof *part);
        if (!part || part->p_type != PT_INTERP || part->p_filesz >= size)
            continue;
        const char *name = image_at(&image, part->p_offset, part->p_filesz);
        found = name != NULL;
        snprintf(path, size, "%.*s", found ? (int)part->p_filesz : 0, found ? name : "");
    }
    munmap((void *)(uintptr_t)image.bytes, image.size);
    return found;
}

static char *all_of(int fd)
{
    char bytes[4096], *text = xstrdup("");
    size_t length = 0;
    for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0; length += (size_t)n) {
        text = xrealloc(text, length + (size_t)n + 1);
        memcpy(text + length, bytes, (size_t)n);
        text[length + (size_t)n] = '\0';
    }
    return text;
}

static char *trace(const char *path, struct error *err)
{
    char linker[512];
    int out[2];
    if (!interpreter(linker, sizeof linker) || pipe2(out, O_CLOEXEC) != 0) {
        error_set(err, "the dynamic linker of this program is not known");
        return NULL;
    }
    char *libraries =
        xasprintf("LD_LIBRARY_PATH=%s", getenv("LD_LIBRARY_PATH") ? getenv("LD_LIBRARY_PATH") : "");
    char *argv[] = {linker, (char *)(uintptr_t)path, NULL};
    char *with[] = {(char *)(uintptr_t) "LD_TRACE_LOADED_OBJECTS=1",
                    (char *)(uintptr_t) "LD_WARN=yes", (char *)(uintptr_t) "LD_BIND_NOW=1",
                    libraries, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
    pid_t pid;
    int failed = posix_spawn(&pid, linker, &actions, NULL, argv, with), status;
    posix_spawn_file_actions_destroy(&actions);
    free(libraries);
    close(out[1]);
    char *text = failed ? NULL : all_of(out[0]);
    close(out[0]);
    if (failed)
        error_set(err, "%s: %s", linker, strerror(failed));
    else
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    return text;
}

static bool of_sanitizer(const char *name)
{
    static const char *const beginnings[] = {"__asan_", "__ubsan_",     "__lsan_",       "__tsan_",
                                             "__msan_", "__sanitizer_", "__interceptor_"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

char *elf_unresolved(const char *path, struct error *err)
{
    static const char begins[] = "undefined symbol: ";
    char *all = trace(path, err), *rest = all, *text = all ? xstrdup("") : NULL;
    char *of = xasprintf("(%s)", path);
    for (char *line; all && (line = strtok_r(rest, "\n", &rest));) {
        if (strncmp(line, begins, strlen(begins)) != 0 || !strstr(line, of))
            continue;
        const char *name = line + strlen(begins);
        if (!of_sanitizer(name))
            add(&text, name, strcspn(name, " \t,"));
    }
    free(of);
    free(all);
    return text;
}
