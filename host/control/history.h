/* SPDX-License-Identifier: BSD-3-Clause */
/* The resumable topics: a cursor (seq, token) for each and the frames since its epoch began, so
 * that a client which comes back with a token gets what it missed. One for all clients; a new
 * client changes nothing in it. [control] */
#ifndef CONTROL_HISTORY_H
#define CONTROL_HISTORY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scene/spec.h"

enum history_topic { HISTORY_SCENE, HISTORY_LAYERS, HISTORY_STREAM, HISTORY_TOPICS };

struct history;

struct history_frame {
    uint64_t seq;
    char token[33];
    int64_t created_ns;
    char *payload[SPEC_CLASSES]; /* JSON; NULL: nothing for that class */
    char *intent;                /* or NULL */
};

struct history *history_create(size_t max_layers);
void history_destroy(struct history *history); /* NULL is fine */

uint64_t history_seq(const struct history *history, enum history_topic topic);
const char *history_token(const struct history *history, enum history_topic topic);
/* A new epoch: seq 0, a new token, nothing to replay. */
void history_reset(struct history *history, enum history_topic topic);
/* Takes the payloads. The frame is valid until the next call. */
const struct history_frame *history_append(struct history *history, enum history_topic topic,
                                           char *payload[SPEC_CLASSES], const char *intent);
/* The frames after `token`: their number, and with `index` the i-th. SIZE_MAX: the token is not
 * known. */
size_t history_after(const struct history *history, enum history_topic topic, const char *token);
const struct history_frame *history_frame(const struct history *history, enum history_topic topic,
                                          const char *token, size_t index);

/* For the journal, as JSON: everything, or what changed since it was last asked for; NULL: nothing.
 * Put back by taking what was given in order; false when that is not what this is. */
cJSON *history_changes(struct history *history, bool whole);
bool history_restore(struct history *history, const cJSON *changes);

/* 32 hexadecimal digits nobody can guess. */
void history_random(char token[33]);

#endif
