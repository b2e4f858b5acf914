/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a text. What the reader takes, it takes again as it prints it. */
#include <string.h>

#include "fuzz.h"
#include "scene/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct error err = {""};
    cJSON *json = json_parse((const char *)data, bytes, &err);
    if (!json) {
        MUST(err.text[0]);
        return 0;
    }
    MUST(json_is_utf8(data, bytes));
    double number = 0, numbers[4];
    int64_t integer = 0;
    if (json_number(json, &number))
        MUST(number - number == 0);
    if (json_integer(json, &integer))
        MUST(integer <= INT64_C(9007199254740992) && integer >= -INT64_C(9007199254740992));
    int count = json_numbers(json, numbers, 1, 4);
    MUST(count == -1 || (count >= 1 && count <= 4));
    char *once = json_print(json);
    cJSON *again = json_parse(once, strlen(once), &err);
    MUST(again);
    char *twice = json_print(again);
    MUST(strcmp(once, twice) == 0);
    free(twice);
    free(once);
    cJSON_Delete(again);
    cJSON_Delete(json);
    return 0;
}
