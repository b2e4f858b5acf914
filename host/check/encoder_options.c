/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: options that change while they run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/encoder_rig.h"
#include "check/encoder_tests.h"
#include "check/settings.h"

static void change(struct rig *rig, const char *name, const char *value, uint64_t *seq)
{
    struct check_run *run = rig->run;
    struct settings settings = {0};
    settings_add(&settings, name, value);
    const struct oriel_config *config =
        check_config(run, rig->encoder->options, (const char *const *)settings.list);
    check_doing(run, "reconfigure() with %s=%s", name, value);
    check_failure();
    oriel_result result = rig->encoder->reconfigure(rig->self, config);
    const char *why = check_failure();
    if (result != ORIEL_OK && !why[0])
        check_fail(run,
                   "reconfigure() with %s=%s answered %s without a text by host->fail(), which "
                   "is to say why",
                   name, value, check_result_name(result));
    if (result == ORIEL_FATAL || result == ORIEL_DEVICE_LOST || result == ORIEL_INVALID)
        check_fail(run,
                   "reconfigure() with %s=%s answered %s (%s); an option that is "
                   "ORIEL_OPT_LIVE takes every value of the table, or stays as it was",
                   name, value, check_result_name(result), why);
    snprintf(rig->with, sizeof rig->with, " after reconfigure() with %s=%s", name, value);
    rig_encode(rig, (*seq)++, 0);
    rig->with[0] = '\0';
    settings_clear(&settings);
}

void encoder_reconfigure(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    const struct oriel_option_table *table = rig->encoder->options;
    unsigned live = 0;
    uint64_t seq = 1;
    rig_encode(rig, seq++, 0);
    check_doing(run, "reconfigure() with what it has");
    if (rig->encoder->reconfigure(rig->self, check_config(run, table, NULL)) != ORIEL_OK)
        check_fail(run, "reconfigure() with the values that it has fails: %s", check_failure());
    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        char value[64];
        if (!(option->flags & ORIEL_OPT_LIVE))
            continue;
        live++;
        if (option->type == ORIEL_OPT_INT || option->type == ORIEL_OPT_FLOAT) {
            snprintf(value, sizeof value, "%.15g", option->min);
            change(rig, option->name, value, &seq);
            snprintf(value, sizeof value, "%.15g", option->max);
            change(rig, option->name, value, &seq);
        }
        if (option->type == ORIEL_OPT_BOOL) {
            change(rig, option->name, "true", &seq);
            change(rig, option->name, "false", &seq);
        }
        char *one;
        for (size_t k = 0; option->type == ORIEL_OPT_ENUM && (one = settings_choice(option, k));
             k++) {
            change(rig, option->name, one, &seq);
            free(one);
        }
        if (option->default_value)
            change(rig, option->name, option->default_value, &seq);
    }
    size_t packets = rig_packets(rig);
    rig_encode(rig, seq, ORIEL_ENCODE_KEY);
    rig_drain(rig);
    if (rig_packets(rig) <= packets)
        check_fail(run, "after reconfigure() of %u options no packet comes any more", live);
    check_note(run, "%u live options", live);
}
