/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may do what: roles, given by tokens of the configuration. Immutable after access_create, so
 * every function is [any-thread]. */
#ifndef CONTROL_ACCESS_H
#define CONTROL_ACCESS_H

#include <stdbool.h>

#include "util/error.h"

struct access;
struct config;

enum access_role {
    ROLE_NONE,   /* sees nothing */
    ROLE_VIEWER, /* sees, and moves in a view of its own */
    ROLE_EDITOR  /* changes */
};

/* Reads access.tokens, access.token_file, access.anonymous and access.origins; NULL when one of
 * them cannot be understood. */
struct access *access_create(const struct config *config, struct error *err);
void access_destroy(struct access *access); /* NULL is fine */

/* The role of a token; NULL or "" is nobody in particular. Takes as long for any wrong token. */
enum access_role access_role(const struct access *access, const char *token);
/* The same where being nobody in particular gives nothing. */
enum access_role access_token_role(const struct access *access, const char *token);
/* May a page of `origin` ask without a token? One of this machine or of server.host may, one of
 * access.origins, and one with the name in `host`, the request's Host; NULL where that proves
 * nothing. */
bool access_origin(const struct access *access, const char *origin, const char *host);
/* A request's token: "Bearer …" of its Authorization header (or NULL), else token=… of its query.
 * False when it has none. */
bool access_token(const char *authorization, const char *query, char token[256]);
/* The value of `name` in a query, not decoded: tokens and ids of sessions need none, and what does
 * is wrong anyway. */
bool access_query(const char *query, const char *name, char value[256]);
/* The token of the first editor where one without a token may not even look; NULL: the address
 * alone is enough. For the printed address. */
const char *access_invitation(const struct access *access);
const char *access_role_name(enum access_role role); /* "viewer", … */

#endif
