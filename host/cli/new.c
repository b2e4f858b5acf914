/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel new: a module to begin from, out of the templates that are installed with the SDK. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "util/check.h"
#include "util/nearest.h"

#define NAME_MAX_LENGTH 40u
#define TEXT_MAX_LENGTH 72u /* an id or a vendor: the line it stands on is not broken */

static const char usage[] =
    "usage: oriel new KIND NAME [--cpp] [--make] [--vendor TEXT] [--id DOMAIN/NAME]\n\n"
    "Writes the folder NAME with a small module that works. KIND is encoder, capture, transport,\n"
    "scene or source.\n"
    "  --cpp                in C++ (encoder)\n"
    "  --make               with a Makefile instead of CMake\n"
    "  --vendor TEXT        who made it; default: user.name of git\n"
    "  --id DOMAIN/NAME     its id, as edu.example/my_codec; default: org.example/NAME\n\n";

static const char *const kinds[] = {"encoder", "capture", "transport", "scene", "source"};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

/* What is asked for. */
struct wish {
    const char *kind, *name, *vendor, *id;
    bool cpp, make;
};

/* --- texts --- */

/* Every `from` becomes `to`. Frees `text`. */
static char *replace(char *text, const char *from, const char *to)
{
    char *out = xstrdup("");
    char *at = text;
    for (char *hit; (hit = strstr(at, from)); at = hit + strlen(from)) {
        char *longer = xasprintf("%s%.*s%s", out, (int)(hit - at), at, to);
        free(out);
        out = longer;
    }
    char *whole = xasprintf("%s%s", out, at);
    free(out);
    free(text);
    return whole;
}

/* The templates call themselves my_<kind>. */
static char *adapt(char *text, const struct wish *wish)
{
    char *own = xasprintf("my_%s", wish->kind), *own_id = xasprintf("org.example/%s", own);
    text = replace(text, own_id, wish->id);
    text = replace(text, own, wish->name);
    text = replace(text, "Your name", wish->vendor);
    free(own_id);
    free(own);
    return text;
}

static char *read_text(const char *path, struct error *err)
{
    FILE *in = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t length = in ? getdelim(&text, &room, '\0', in) : -1;
    int error = errno;
    if (in)
        fclose(in);
    if (length >= 0)
        return text;
    free(text);
    error_set(err, "%s: %s", path, in ? "is empty" : strerror(error));
    return NULL;
}

static bool write_text(const char *path, const char *text, struct error *err)
{
    FILE *out = fopen(path, "wx");
    bool fine = out && fputs(text, out) >= 0;
    if (out && fclose(out) != 0)
        fine = false;
    return fine || error_set(err, "%s: %s", path, strerror(errno));
}

/* --- what was typed --- */

static bool is_name(const char *name)
{
    static const char *const taken[] = {"all", "clean", "help", "install", "package", "test"};
    size_t length = strlen(name);
    if (!islower((unsigned char)name[0]) || length > NAME_MAX_LENGTH ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
        return false;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(name, taken[i]) == 0) /* by CMake */
            return false;
    }
    return true;
}

/* "<reverse.dns>/<name>" */
static bool is_id(const char *id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t domain = strcspn(id, "/");
    if (domain == 0 || id[domain] != '/' || strlen(id) > TEXT_MAX_LENGTH)
        return false;
    const char *name = id + domain + 1;
    if (!*name || strspn(name, letters) != strlen(name))
        return false;
    for (const char *label = id; label < name; label += strcspn(label, "./") + 1) {
        size_t length = strcspn(label, "./");
        if (length == 0 || strspn(label, letters) != length)
            return false;
    }
    return true;
}

/* Stands in a string of C as it is. */
static bool is_plain(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (iscntrl((unsigned char)text[i]) || strchr("\"\\?", text[i]))
            return false;
    }
    return length > 0 && length <= TEXT_MAX_LENGTH;
}

static char *git_user(void)
{
    char line[256] = "";
    FILE *git = popen("git config user.name 2>/dev/null", "r");
    if (git) {
        if (!fgets(line, sizeof line, git))
            line[0] = '\0';
        pclose(git);
    }
    line[strcspn(line, "\n")] = '\0';
    return xstrdup(is_plain(line) ? line : "Your name");
}

static int check_wish(const struct wish *wish)
{
    struct nearest nearest = nearest_begin(wish->kind);
    bool known = false;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        known = known || strcmp(wish->kind, kinds[i]) == 0;
        nearest_offer(&nearest, kinds[i]);
    }
    if (!known)
        return cli_fail(CLI_USAGE,
                        "new: there is no kind \"%s\"%s; it is one of encoder, capture, transport, "
                        "scene, source",
                        wish->kind, nearest_hint(&nearest));
    if (!is_name(wish->name))
        return cli_fail(CLI_USAGE,
                        "new: \"%s\" cannot be a name: at most %u small letters, digits and _, a "
                        "letter first, and no word of CMake's",
                        wish->name, NAME_MAX_LENGTH);
    if (!is_id(wish->id))
        return cli_fail(CLI_USAGE,
                        "new: \"%s\" cannot be an id: a domain, from its end on, and a name, as "
                        "edu.example/my_codec, at most %u letters",
                        wish->id, TEXT_MAX_LENGTH);
    if (!is_plain(wish->vendor))
        return cli_fail(CLI_USAGE, "new: --vendor: at most %u letters, and none of \" \\ ?",
                        TEXT_MAX_LENGTH);
    if (wish->cpp && strcmp(wish->kind, "encoder") != 0)
        return cli_fail(CLI_USAGE, "new: --cpp: there is one for encoders only");
    return CLI_GO_ON;
}

/* --- the folder --- */

/* <prefix> of <prefix>/bin/oriel; a build folder has the same shape. */
static bool own_prefix(char out[PATH_MAX], struct error *err)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n < 0)
        return error_set(err, "/proc/self/exe: %s", strerror(errno));
    out[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(out, '/');
        CHECK(slash);
        *slash = '\0';
    }
    return true;
}

static bool write_file(const struct wish *wish, const char *folder, const char *file,
                       struct error *err)
{
    char *from = xasprintf("%s/%s", folder, file);
    char *to = adapt(xasprintf("%s/%s", wish->name, file), wish);
    char *text = read_text(from, err);
    if (text)
        text = adapt(text, wish);
    bool fine = text && write_text(to, text, err);
    free(text);
    free(to);
    free(from);
    return fine;
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool write_folder(const struct wish *wish, const char *prefix, struct error *err)
{
    char *folder =
        xasprintf("%s/share/oriel/template/%s%s", prefix, wish->kind, wish->cpp ? "-cpp" : "");
    struct dirent **entries;
    int count = scandir(folder, &entries, is_file, alphasort);
    bool fine = count > 0;
    if (!fine)
        error_set(err, "%s: %s; the templates come with the SDK", folder,
                  count < 0 ? strerror(errno) : "is empty");
    else if (mkdir(wish->name, 0777) != 0)
        fine = error_set(err, "%s: %s", wish->name,
                         errno == EEXIST ? "is there already" : strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *other = wish->make ? "CMakeLists.txt" : "Makefile";
        if (fine && strcmp(entries[i]->d_name, other) != 0)
            fine = write_file(wish, folder, entries[i]->d_name, err);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    free(folder);
    return fine;
}

/* Where the SDK's file for pkg-config lies below `prefix`, for the caller to free; NULL: there is
 * no SDK, as in a build folder. */
static char *pkgconfig_folder(const char *prefix)
{
    static const char *const places[] = {"lib*/pkgconfig", "lib/*/pkgconfig"};
    char *folder = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places && !folder; i++) {
        char *pattern = xasprintf("%s/%s/oriel-sdk.pc", prefix, places[i]);
        glob_t found;
        if (glob(pattern, 0, NULL, &found) == 0) {
            folder = xstrdup(found.gl_pathv[0]);
            *strrchr(folder, '/') = '\0';
            globfree(&found);
        }
        free(pattern);
    }
    return folder;
}

static void tell_next(const struct wish *wish, const char *prefix)
{
    bool system = strcmp(prefix, "/usr") == 0 || strcmp(prefix, "/usr/local") == 0;
    const char *build = wish->make ? "" : "/build", *name = wish->name;
    char *packages = pkgconfig_folder(prefix);
    printf("%s is there. Next:\n\n", name);
    if (!packages && !system) {
        printf("  cmake --install %s --prefix $HOME/oriel\n", prefix);
        prefix = "$HOME/oriel";
        packages = xstrdup("$HOME/oriel/lib/pkgconfig");
    }
    if (wish->make)
        printf("  %s%s%smake -C %s\n", system ? "" : "PKG_CONFIG_PATH=", system ? "" : packages,
               system ? "" : " ", name);
    else
        printf("  cmake -S %s -B %s/build%s%s && cmake --build %s/build\n", name, name,
               system ? "" : " -DCMAKE_PREFIX_PATH=", system ? "" : prefix, name);
    free(packages);
    printf("  oriel check %s%s/%s.so%s\n", name, build, name,
           strcmp(wish->kind, "source") == 0 ? " --data FILE" : "");
    /* Beside the one that serves the page. */
    const char *also = strcmp(wish->kind, "transport") == 0 ? "transport/websocket," : "";
    printf("  oriel serve --set modules.path=%s%s --set modules.%s=%s%s DATA\n", name, build,
           wish->kind, also, wish->id);
}

int cli_new(int argc, char **argv)
{
    struct wish wish = {0};
    const struct cli_flag flags[] = {
        {.name = "cpp", .on = &wish.cpp},
        {.name = "make", .on = &wish.make},
        {.name = "vendor", .text = &wish.vendor},
        {.name = "id", .text = &wish.id},
        {0},
    };
    struct cli_options options;
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    if (options.argument_count != 2) {
        cli_options_finish(&options);
        return cli_fail(CLI_USAGE, "new: wants a KIND and a NAME; `oriel new --help` tells more");
    }
    wish.kind = options.arguments[0];
    wish.name = options.arguments[1];
    char *id = wish.id ? NULL : xasprintf("org.example/%s", wish.name);
    char *vendor = wish.vendor ? NULL : git_user();
    if (id)
        wish.id = id;
    if (vendor)
        wish.vendor = vendor;
    char prefix[PATH_MAX];
    struct error err;
    status = check_wish(&wish);
    if (status == CLI_GO_ON) {
        if (own_prefix(prefix, &err) && write_folder(&wish, prefix, &err)) {
            tell_next(&wish, prefix);
            status = CLI_DONE;
        } else {
            status = cli_fail(CLI_FAILED, "new: %s", err.text);
        }
    }
    free(vendor);
    free(id);
    cli_options_finish(&options);
    return status;
}
