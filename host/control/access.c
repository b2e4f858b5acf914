/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/access.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/origin.h"
#include "util/check.h"

#define TOKEN_MAX 255u
#define TOKEN_LEAST 8u

struct grant {
    enum access_role role;
    char token[TOKEN_MAX + 1]; /* zeros after its end */
};

struct access {
    enum access_role anonymous;
    struct grant *grants;
    size_t count;
    char *own_host;
    char **origins;
    size_t origin_count;
};

static const char *const names[] = {"none", "viewer", "editor"};

const char *access_role_name(enum access_role role)
{
    return names[role];
}

static bool role_from(const char *text, size_t length, enum access_role *role)
{
    for (int r = ROLE_VIEWER; r <= ROLE_EDITOR; r++) {
        if (strlen(names[r]) == length && strncmp(names[r], text, length) == 0) {
            *role = (enum access_role)r;
            return true;
        }
    }
    return false;
}

/* `where` names the entry without giving it away. */
static bool add(struct access *access, const char *role, size_t role_length, const char *token,
                const char *where, struct error *err)
{
    struct grant grant = {0};
    size_t length = strlen(token);
    if (!role_from(role, role_length, &grant.role))
        return error_set(err, "%s: must begin with viewer or editor", where);
    if (length < TOKEN_LEAST || length > TOKEN_MAX)
        return error_set(err, "%s: a token has %u to %u characters", where, TOKEN_LEAST, TOKEN_MAX);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)token[i]) && !strchr("-._~", token[i]))
            return error_set(err, "%s: a token has letters, digits and - . _ ~ only", where);
    }
    memcpy(grant.token, token, length);
    access->grants = xrealloc(access->grants, (access->count + 1) * sizeof *access->grants);
    access->grants[access->count++] = grant;
    return true;
}

static bool read_list(struct access *access, const struct config *config, struct error *err)
{
    const char *item;
    for (size_t i = 0; (item = config_item(config, "access.tokens", i)); i++) {
        char where[48];
        snprintf(where, sizeof where, "access.tokens[%zu]", i);
        const char *colon = strchr(item, ':');
        if (!colon)
            return error_set(err, "%s: must be role:token", where);
        if (!add(access, item, (size_t)(colon - item), colon + 1, where, err))
            return false;
    }
    return true;
}

static bool read_file(struct access *access, const char *path, struct error *err)
{
    if (!path[0])
        return true;
    FILE *in = fopen(path, "r");
    if (!in)
        return error_set(err, "access.token_file %s: %s", path, strerror(errno));
    char line[512], where[256];
    bool fine = true;
    for (unsigned n = 1; fine && fgets(line, sizeof line, in); n++) {
        char *role = strtok(line, " \t\r\n"), *token = role ? strtok(NULL, " \t\r\n") : NULL;
        if (!role || role[0] == '#')
            continue;
        snprintf(where, sizeof where, "%.200s:%u", path, n);
        if (!token || strtok(NULL, " \t\r\n"))
            fine = error_set(err, "%s: a line is: role token", where);
        else
            fine = add(access, role, strlen(role), token, where, err);
    }
    fclose(in);
    explicit_bzero(line, sizeof line);
    return fine;
}

static bool read_origins(struct access *access, const struct config *config, struct error *err)
{
    const char *item;
    for (size_t i = 0; (item = config_item(config, "access.origins", i)); i++) {
        if (!origin_is_one(item))
            return error_set(err,
                             "access.origins[%zu]: %.200s: wants http(s)://host or "
                             "http(s)://host:port",
                             i, item);
        access->origins = xrealloc(access->origins, (i + 1) * sizeof *access->origins);
        access->origins[access->origin_count++] = xstrdup(item);
    }
    return true;
}

struct access *access_create(const struct config *config, struct error *err)
{
    struct access *access = xcalloc(1, sizeof *access);
    access->own_host = xstrdup(config_string(config, "server.host"));
    if (!read_list(access, config, err) ||
        !read_file(access, config_string(config, "access.token_file"), err) ||
        !read_origins(access, config, err)) {
        access_destroy(access);
        return NULL;
    }
    const char *anonymous = config_string(config, "access.anonymous");
    if (strcmp(anonymous, "auto") == 0)
        access->anonymous = access->count ? ROLE_NONE : ROLE_EDITOR;
    else
        role_from(anonymous, strlen(anonymous), &access->anonymous);
    return access;
}

void access_destroy(struct access *access)
{
    if (!access)
        return;
    for (size_t i = 0; i < access->count; i++)
        explicit_bzero(&access->grants[i], sizeof access->grants[i]);
    free(access->grants);
    for (size_t i = 0; i < access->origin_count; i++)
        free(access->origins[i]);
    free(access->origins);
    free(access->own_host);
    free(access);
}

enum access_role access_token_role(const struct access *access, const char *token)
{
    enum access_role role = ROLE_NONE;
    char given[TOKEN_MAX + 1] = "";
    size_t length = token ? strlen(token) : 0;
    if (length == 0 || length > TOKEN_MAX)
        return role;
    memcpy(given, token, length);
    for (size_t i = 0; i < access->count; i++) {
        unsigned differs = 0;
        for (size_t k = 0; k <= TOKEN_MAX; k++)
            differs |= (unsigned char)(given[k] ^ access->grants[i].token[k]);
        if (!differs && access->grants[i].role > role)
            role = access->grants[i].role;
    }
    return role;
}

enum access_role access_role(const struct access *access, const char *token)
{
    enum access_role role = access_token_role(access, token);
    return role > access->anonymous ? role : access->anonymous;
}

bool access_origin(const struct access *access, const char *origin, const char *host)
{
    for (size_t i = 0; i < access->origin_count; i++) {
        if (strcasecmp(access->origins[i], origin) == 0)
            return true;
    }
    return origin_is_own(origin, access->own_host) || origin_is_host(origin, host);
}

bool access_query(const char *query, const char *name, char value[256])
{
    size_t length = strlen(name);
    value[0] = '\0';
    for (const char *at = query; at && *at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL) {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            at += length + 1;
            snprintf(value, 256, "%.*s", (int)strcspn(at, "&"), at);
            break;
        }
    }
    return value[0] != '\0';
}

bool access_token(const char *authorization, const char *query, char token[256])
{
    token[0] = '\0';
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0) {
        const char *at = authorization + 7 + strspn(authorization + 7, " ");
        snprintf(token, 256, "%.*s", (int)strcspn(at, " \t"), at);
        return token[0] != '\0';
    }
    return access_query(query, "token", token);
}

const char *access_invitation(const struct access *access)
{
    for (size_t i = 0; access->anonymous == ROLE_NONE && i < access->count; i++) {
        if (access->grants[i].role == ROLE_EDITOR)
            return access->grants[i].token;
    }
    return NULL;
}
