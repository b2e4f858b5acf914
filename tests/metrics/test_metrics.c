/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "metrics/metrics.h"

static void one_series_for_one_name_and_labels(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric *a = metrics_counter(metrics, "a_total", "k=\"1\"", "A.");
    assert_ptr_equal(a, metrics_counter(metrics, "a_total", "k=\"1\"", "A."));
    assert_ptr_not_equal(a, metrics_counter(metrics, "a_total", "k=\"2\"", "A."));
    metrics_destroy(metrics);
}

static void text_is_prometheus(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    metric_add(metrics_counter(metrics, "a_total", "k=\"1\"", "Back\\slash\nline."), 2);
    metric_set(metrics_gauge(metrics, "g", NULL, "Gauge."), -1.5);
    metric_add(metrics_counter(metrics, "a_total", "k=\"2\"", "Back\\slash\nline."), 3);
    struct metric *h = metrics_histogram(metrics, "h_seconds", "s=\"x\"", "Histogram.");
    metric_observe_ms(h, 0.1); /* a bound belongs to its bucket */
    metric_observe_ms(h, 3);
    metric_observe_ms(h, 5000);
    metric_observe_ms(h, NAN);
    metric_observe_ms(h, -1);
    char *text = metrics_prometheus(metrics);
    const char *head = "# HELP a_total Back\\\\slash\\nline.\n# TYPE a_total counter\n"
                       "a_total{k=\"1\"} 2\na_total{k=\"2\"} 3\n"
                       "# HELP g Gauge.\n# TYPE g gauge\ng -1.5\n"
                       "# HELP h_seconds Histogram.\n# TYPE h_seconds histogram\n"
                       "h_seconds_bucket{s=\"x\",le=\"0.0001\"} 1\n";
    assert_int_equal(strncmp(text, head, strlen(head)), 0);
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"x\",le=\"0.0025\"} 1\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"x\",le=\"0.005\"} 2\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"x\",le=\"1\"} 2\n"));
    assert_non_null(strstr(text, "h_seconds_bucket{s=\"x\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "h_seconds_count{s=\"x\"} 3\n"));
    char *sum = strstr(text, "h_seconds_sum{s=\"x\"} ");
    assert_non_null(sum);
    assert_true(fabs(strtod(sum + strlen("h_seconds_sum{s=\"x\"} "), NULL) - 5.0031) < 1e-9);
    free(text);
    metrics_destroy(metrics);
}

static double number(const cJSON *json, const char *a, const char *b, const char *c)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, a);
    item = cJSON_GetObjectItemCaseSensitive(item, b);
    if (c)
        item = cJSON_GetObjectItemCaseSensitive(item, c);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void json_has_the_reference_names(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    metric_add(metrics_counter(metrics, "oriel_frames_total", "branch=\"a\"", "F."), 4);
    metric_add(metrics_counter(metrics, "oriel_frames_total", "branch=\"b\"", "F."), 5);
    struct metric *h = metrics_histogram(metrics, "oriel_stage_seconds", "stage=\"encode\"", "S.");
    for (int i = 1; i <= 1000; i++)
        metric_observe_ms(h, i); /* the window holds 489..1000 */
    char *text = metrics_json(metrics);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(cJSON_GetObjectItem(json, "version")->valuestring, "v1");
    assert_true(cJSON_GetObjectItem(json, "ts")->valuedouble > 1.6e9);
    assert_true(number(json, "counters", "napari_cuda_frames_total", NULL) == 9);
    assert_true(number(json, "counters", "oriel_frames_total{branch=\"b\"}", NULL) == 5);
    const char *name = "napari_cuda_encode_ms";
    assert_true(number(json, "histograms", name, "last_ms") == 1000);
    assert_true(number(json, "histograms", name, "min_ms") == 489);
    assert_true(number(json, "histograms", name, "max_ms") == 1000);
    assert_true(number(json, "histograms", name, "p50_ms") == 744);
    assert_true(number(json, "histograms", name, "p90_ms") == 949);
    assert_true(number(json, "histograms", name, "p99_ms") == 995);
    assert_true(number(json, "histograms", name, "mean_ms") == 744.5);
    assert_true(number(json, "derived", "fps", NULL) >= 0);
    cJSON_Delete(json);
    free(text);
    metrics_destroy(metrics);
}

static double fps(struct metrics *metrics)
{
    char *text = metrics_json(metrics);
    cJSON *json = cJSON_Parse(text);
    double value = number(json, "derived", "fps", NULL);
    cJSON_Delete(json);
    free(text);
    return value;
}

/* Two pollers see the same rate; the reference's first one takes it from the second. */
static void fps_is_of_the_last_whole_second(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric *frames = metrics_counter(metrics, "oriel_frames_total", NULL, "F.");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    nanosleep(&(struct timespec){.tv_nsec = 1000000000 - now.tv_nsec}, NULL);
    metric_add(frames, 7);
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
    assert_true(fps(metrics) == 7);
    assert_true(fps(metrics) == 7);
    metrics_destroy(metrics);
}

static bool says(struct metrics *metrics, const char *text)
{
    char *prometheus = metrics_prometheus(metrics), *json = metrics_json(metrics);
    bool found = strstr(prometheus, text);
    assert_int_equal(strstr(json, "\"which{") != NULL, strstr(prometheus, "which{") != NULL);
    free(prometheus);
    free(json);
    return found;
}

/* Labels that change are one series; one that is given back is taken again. */
static void infos_say_one_thing_at_a_time(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric *info = metrics_info(metrics, "which", "Which.");
    assert_false(says(metrics, "which"));
    metrics_info_set(metrics, info, "name=\"a\"");
    assert_true(says(metrics, "which{name=\"a\"} 1\n"));
    for (int i = 0; i < 1000; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "name=\"b%d\"", i);
        metrics_info_set(metrics, info, labels);
    }
    assert_false(says(metrics, "name=\"a\""));
    assert_false(says(metrics, "name=\"b998\""));
    assert_true(says(metrics, "which{name=\"b999\"} 1\n"));
    struct metric *second = metrics_info(metrics, "which", "Which.");
    assert_ptr_not_equal(second, info);
    metrics_info_free(metrics, info);
    assert_false(says(metrics, "which{"));
    assert_ptr_equal(metrics_info(metrics, "which", "Which."), info);
    metrics_info_free(metrics, NULL);
    metrics_destroy(metrics);
}

static void labels_are_escaped_and_bounded(void **state)
{
    (void)state;
    char labels[64] = "";
    metrics_label(labels, sizeof labels, "a", "x\"y\\z\n");
    metrics_label(labels, sizeof labels, "b", "");
    assert_string_equal(labels, "a=\"x\\\"y\\\\z\\n\",b=\"\"");
    for (size_t room = 1; room < 24; room++) {
        char small[24] = "";
        memset(small + 1, '#', sizeof small - 1);
        metrics_label(small, room, "k", "\xc3\xa4\xc3\xb6\"\xe2\x82\xac!");
        size_t length = strlen(small);
        assert_true(length < room);
        assert_true(length == 0 || (length >= 4 && small[length - 1] == '"'));
        /* Whole characters, and no lone backslash before the quote. */
        assert_true(length < 6 || ((unsigned char)small[length - 2] != 0xc3 &&
                                   (unsigned char)small[length - 2] != 0xe2));
        assert_true(length < 5 || small[length - 2] != '\\');
    }
}

static void *add_many(void *data)
{
    struct metrics *metrics = data;
    for (int i = 0; i < 20000; i++) {
        metric_add(metrics_counter(metrics, "c_total", NULL, "C."), 1);
        metric_observe_ms(metrics_histogram(metrics, "h_seconds", NULL, "H."), 1);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, metrics), 0);
    free(metrics_prometheus(metrics));
    free(metrics_json(metrics));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(metric_value(metrics_counter(metrics, "c_total", NULL, "C.")) == 80000);
    char *text = metrics_prometheus(metrics);
    assert_non_null(strstr(text, "h_seconds_count 80000\n"));
    assert_non_null(strstr(text, "h_seconds_sum 80\n"));
    free(text);
    metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_series_for_one_name_and_labels),
        cmocka_unit_test(text_is_prometheus),
        cmocka_unit_test(json_has_the_reference_names),
        cmocka_unit_test(fps_is_of_the_last_whole_second),
        cmocka_unit_test(infos_say_one_thing_at_a_time),
        cmocka_unit_test(labels_are_escaped_and_bounded),
        cmocka_unit_test(nothing_is_lost_between_threads),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
