/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/envelope.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene/json.h"

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool there(const cJSON *object, const char *key)
{
    const cJSON *item = get(object, key);
    return item && !cJSON_IsNull(item);
}

static bool only_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return !*text;
}

bool envelope_integer(const cJSON *json, int64_t *value)
{
    double number;
    if (cJSON_IsBool(json)) {
        *value = cJSON_IsTrue(json);
        return true;
    }
    if (json_number(json, &number)) {
        *value = (int64_t)fmax(-9e15, fmin(9e15, trunc(number)));
        return true;
    }
    if (!cJSON_IsString(json))
        return false;
    char *end;
    *value = strtoll(json->valuestring, &end, 10);
    return end != json->valuestring && only_space(end);
}

static bool is_time(const cJSON *json)
{
    if (!cJSON_IsString(json))
        return cJSON_IsNumber(json) || cJSON_IsBool(json);
    char *end;
    (void)strtod(json->valuestring, &end);
    return end != json->valuestring && only_space(end);
}

bool envelope_truth(const cJSON *json)
{
    return cJSON_IsTrue(json) || (cJSON_IsNumber(json) && json->valuedouble != 0) ||
           (cJSON_IsString(json) && json->valuestring[0]) ||
           ((cJSON_IsArray(json) || cJSON_IsObject(json)) && json->child);
}

void envelope_coerce(cJSON *object, const char *const *keys)
{
    for (; *keys; keys++) {
        if (!there(object, *keys) || cJSON_IsString(get(object, *keys)))
            continue;
        char *text = json_print(get(object, *keys));
        cJSON_ReplaceItemInObjectCaseSensitive(object, *keys, cJSON_CreateString(text));
        free(text);
    }
}

const char *envelope_wrong(const cJSON *frame, unsigned must, unsigned must_not)
{
    static const struct {
        unsigned field;
        const char *key, *missing, *given;
    } fields[] = {
        {ENVELOPE_SESSION, "session", "session is missing", "session must not be given"},
        {ENVELOPE_FRAME_ID, "frame_id", "frame_id is missing", "frame_id must not be given"},
        {ENVELOPE_INTENT, "intent_id", "intent_id is missing", "intent_id must not be given"},
    };
    int64_t version;
    if (!envelope_integer(get(frame, "version"), &version) || version != PROTOCOL_VERSION)
        return "version must be 2";
    if (!is_time(get(frame, "timestamp")))
        return "timestamp must be a number";
    if (there(frame, "seq") || there(frame, "delta_token"))
        return "seq and delta_token must not be given";
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        bool given = there(frame, fields[i].key);
        if (!given && (must & fields[i].field))
            return fields[i].missing;
        if (given && (must_not & fields[i].field))
            return fields[i].given;
    }
    return cJSON_IsObject(get(frame, "payload")) ? NULL : "payload must be an object";
}

static bool contains(const char *const *keys, const char *key)
{
    for (; *keys; keys++) {
        if (strcmp(*keys, key) == 0)
            return true;
    }
    return false;
}

/* An object with all of `must` and nothing besides it and `may`. */
static bool keys_wrong(const cJSON *object, const char *what, const char *const *must,
                       const char *const *may, char why[160])
{
    if (!cJSON_IsObject(object)) {
        snprintf(why, 160, "%s must be an object", what);
        return true;
    }
    for (size_t i = 0; must[i]; i++) {
        if (!get(object, must[i])) {
            snprintf(why, 160, "%s lacks %s", what, must[i]);
            return true;
        }
    }
    for (const cJSON *item = object->child; item; item = item->next) {
        if (!contains(must, item->string) && !contains(may, item->string)) {
            snprintf(why, 160, "%s has the unknown field %.60s", what, item->string);
            return true;
        }
    }
    return false;
}

bool envelope_hello_wrong(const cJSON *frame, char why[160])
{
    static const char *const none[] = {NULL};
    static const char *const payload_must[] = {"protocols", "client", "features", "resume_tokens",
                                               NULL};
    static const char *const payload_may[] = {"auth", NULL};
    static const char *const client_must[] = {"name", "version", "platform", NULL};
    static const char *const auth_must[] = {"type", NULL}, *const auth_may[] = {"token", NULL};
    const char *wrong =
        envelope_wrong(frame, ENVELOPE_FRAME_ID, ENVELOPE_SESSION | ENVELOPE_INTENT);
    if (wrong) {
        snprintf(why, 160, "%s", wrong);
        return true;
    }
    const cJSON *payload = get(frame, "payload");
    if (keys_wrong(payload, "payload", payload_must, payload_may, why) ||
        keys_wrong(get(payload, "client"), "client", client_must, none, why))
        return true;
    /* What is no object is no auth, as in the reference. */
    if (cJSON_IsObject(get(payload, "auth")) &&
        keys_wrong(get(payload, "auth"), "auth", auth_must, auth_may, why))
        return true;
    const cJSON *protocols = get(payload, "protocols"), *item;
    int64_t version;
    bool numbers = cJSON_IsArray(protocols) && protocols->child;
    cJSON_ArrayForEach(item, protocols) numbers = numbers && envelope_integer(item, &version);
    bool maps =
        cJSON_IsObject(get(payload, "features")) && cJSON_IsObject(get(payload, "resume_tokens"));
    snprintf(why, 160, "%s",
             numbers ? "features and resume_tokens must be objects"
                     : "protocols must be a list of versions");
    return !numbers || !maps;
}
