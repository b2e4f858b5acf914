/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of clients, read as the napari-cuda server reads them: what is required and forbidden in
 * the envelope and in session.hello, with text where numbers are meant and numbers for text. */
#ifndef CONTROL_ENVELOPE_H
#define CONTROL_ENVELOPE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define PROTOCOL_VERSION 2

enum envelope_field { ENVELOPE_SESSION = 1, ENVELOPE_FRAME_ID = 2, ENVELOPE_INTENT = 4 };

/* What is wrong with an envelope, in words; NULL: nothing. Every frame has version 2, a timestamp
 * and an object as payload; none of a client has seq or delta_token. `must`, `must_not`: of
 * enum envelope_field. Unknown fields are no matter. */
const char *envelope_wrong(const cJSON *frame, unsigned must, unsigned must_not);
/* What is wrong with a session.hello, its payload included. */
bool envelope_hello_wrong(const cJSON *frame, char why[160]);

/* Makes text of what is neither text nor null, for `keys` (NULL-terminated) of an object. */
void envelope_coerce(cJSON *object, const char *const *keys);
/* As text or number. False: neither an integer nor the text of one. */
bool envelope_integer(const cJSON *json, int64_t *value);
/* 0, "", [], {}, null and false are not true. */
bool envelope_truth(const cJSON *json);

#endif
