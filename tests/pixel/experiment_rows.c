/* SPDX-License-Identifier: BSD-3-Clause */
#include "experiment_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static double number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(json, key);
    assert_non_null(item);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

void rows_read(const char *path, struct table *table)
{
    char text[1024];
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    table->count = 0;
    while (fgets(text, sizeof text, in)) {
        cJSON *json = cJSON_Parse(text);
        assert_non_null(json);
        struct line *line = &table->at[table->count++];
        const char *drop = cJSON_GetStringValue(cJSON_GetObjectItem(json, "drop"));
        *line = (struct line){.seq = (uint64_t)number(json, "seq"),
                              .repeat = (int)number(json, "repeat"),
                              .clients = (int)number(json, "clients"),
                              .reports = (int)number(json, "reports"),
                              .encoded = !drop,
                              .key = cJSON_IsTrue(cJSON_GetObjectItem(json, "key")),
                              .bytes = number(json, "bytes"),
                              .submit = number(json, "submit"),
                              .done = number(json, "done"),
                              .sent = number(json, "sent"),
                              .decode = number(json, "decode_ms")};
        snprintf(line->arm, sizeof line->arm, "%s",
                 cJSON_GetStringValue(cJSON_GetObjectItem(json, "arm")));
        snprintf(line->drop, sizeof line->drop, "%s", drop ? drop : "");
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "experiment")), "x");
        cJSON_Delete(json);
    }
    fclose(in);
}

int rows_complete(const struct table *table, const char *arm)
{
    uint64_t first = UINT64_MAX, last = 0;
    int rows = 0;
    for (int i = 0; i < table->count; i++) {
        const struct line *line = &table->at[i];
        if (strcmp(line->arm, arm) != 0 || line->repeat)
            continue;
        first = line->seq < first ? line->seq : first;
        last = line->seq > last ? line->seq : last;
        rows++;
        assert_true(line->encoded ? line->bytes > 0 && line->done >= line->submit : *line->drop);
        for (int k = 0; k < i; k++)
            if (strcmp(table->at[k].arm, arm) == 0 && table->at[k].seq == line->seq &&
                !table->at[k].repeat)
                fail_msg("arm %s, frame %d: \"%s\" and \"%s\"", arm, (int)line->seq,
                         table->at[k].drop, line->drop);
    }
    assert_int_equal(rows, last - first + 1);
    return rows;
}

int rows_with(const struct table *table, const char *arm, const char *drop)
{
    int count = 0;
    for (int i = 0; i < table->count; i++)
        count += strcmp(table->at[i].arm, arm) == 0 && strcmp(table->at[i].drop, drop) == 0;
    return count;
}
