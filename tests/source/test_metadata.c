/* SPDX-License-Identifier: BSD-3-Clause */
/* What describe() says about images, labels, plates, series and consolidated stores. */
#include "harness.h"

static void open_data(struct opened *opened, const char *path)
{
    source_must_open(opened, "zarr", test_data(path));
}

static void open_temp(struct opened *opened, const char *path)
{
    char text[512];
    snprintf(text, sizeof text, "%s/%s", temp_folder(), path);
    source_must_open(opened, "zarr", text);
}

static void assert_warning(const struct oriel_source_info *info, const char *words)
{
    for (uint32_t i = 0; i < info->warning_count; i++)
        if (strstr(info->warnings[i], words))
            return;
    fail_msg("no warning says \"%s\"", words);
}

static void an_image_with_channels(void **state)
{
    (void)state;
    struct opened opened;
    open_data(&opened, "cyx.ome.zarr");
    const struct oriel_source_info *info = opened.info;
    assert_string_equal(info->kind, "ome-zarr");
    assert_string_equal(info->format, "zarr v3, OME 0.5");
    assert_string_equal(info->name, "three channels");
    assert_int_equal(info->ndim, 3);
    assert_int_equal(info->dtype, ORIEL_U16);
    assert_string_equal(info->axes[0].name, "c");
    assert_string_equal(info->axes[0].type, "channel");
    assert_string_equal(info->axes[1].unit, "micrometer");
    assert_int_equal(info->level_count, 2);
    assert_string_equal(info->levels[0].codecs, "zstd");
    assert_int_equal(info->levels[0].shape[2], 50);
    assert_int_equal(info->levels[0].chunk[2], 32);
    assert_int_equal(info->levels[0].shard[2], 0);
    /* The image's own scale of 2 comes after the levels'. */
    assert_true(info->levels[0].scale[1] == 1 && info->levels[1].scale[1] == 2);
    assert_true(info->levels[1].translate[1] == 0.5);
    assert_int_equal(info->channel_axis, 0);
    assert_int_equal(info->channel_count, 3);
    const struct oriel_source_channel *channels = info->channels;
    assert_string_equal(channels[0].label, "DAPI");
    assert_true(channels[0].has_color && channels[0].color == 0x0000ff && channels[0].active);
    assert_true(channels[0].has_window && channels[0].window[0] == 5 &&
                channels[0].window[1] == 90);
    assert_true(channels[0].has_range && channels[0].range[1] == 65535);
    assert_false(channels[1].active);
    assert_true(channels[1].has_window && !channels[1].has_range); /* no min, no max */
    assert_true(channels[2].color == 0xff0000 && channels[2].inverted && !channels[2].has_window);
    assert_int_equal(info->label_count, 1);
    assert_string_equal(info->labels[0], "labels/cells");
    source_close(&opened);

    open_data(&opened, "cyx.ome.zarr/labels/cells");
    assert_int_equal(opened.info->dtype, ORIEL_I32);
    assert_int_equal(opened.info->ndim, 2);
    assert_true(opened.info->levels[0].scale[0] == 0.5);
    source_close(&opened);
    open_data(&opened, "cyx.ome.zarr/labels");
    assert_int_equal(opened.info->image_count, 1);
    assert_string_equal(opened.info->images[0], "cells");
    source_close(&opened);
    open_data(&opened, "cyx.ome.zarr/1");
    assert_string_equal(opened.info->kind, "zarr");
    assert_string_equal(opened.info->axes[2].name, "x");
    assert_int_equal(opened.info->channel_axis, 0);
    source_close(&opened);
}

static void a_time_series_of_version_0_4(void **state)
{
    (void)state;
    struct opened opened;
    open_data(&opened, "tyx.ome.zarr/");
    assert_string_equal(opened.info->format, "zarr v2, OME 0.4");
    assert_string_equal(opened.info->axes[0].type, "time");
    assert_string_equal(opened.info->axes[0].unit, "second");
    assert_true(opened.info->levels[0].scale[0] == 30);
    assert_int_equal(opened.info->channel_axis, -1);
    assert_int_equal(opened.info->warning_count, 0);
    source_close(&opened);
}

static void collections_list_their_images(void **state)
{
    (void)state;
    struct opened opened;
    open_data(&opened, "plate.zarr");
    const struct oriel_source_info *info = opened.info;
    assert_int_equal(info->dtype, 0);
    assert_int_equal(info->level_count, 0);
    assert_string_equal(info->name, "two wells");
    assert_int_equal(info->image_count, 3);
    assert_string_equal(info->images[0], "A/1/0");
    assert_string_equal(info->images[1], "A/1/1");
    assert_string_equal(info->images[2], "B/2/0");
    assert_warning(info, "well C/3 is missing");
    assert_warning(info, "leaves the store");
    source_close(&opened);
    open_data(&opened, "plate.zarr/A/1");
    assert_int_equal(opened.info->image_count, 2);
    source_close(&opened);

    open_data(&opened, "series.zarr");
    assert_int_equal(opened.info->image_count, 2);
    assert_string_equal(opened.info->images[0], "1"); /* in the order of OME's series */
    source_close(&opened);

    open_data(&opened, "arrays.zarr");
    assert_true(opened.info->image_count >= 50);
    source_close(&opened);
}

static void an_image_of_version_0_1(void **state)
{
    (void)state;
    struct opened opened;
    open_data(&opened, "series.zarr/0");
    const struct oriel_source_info *info = opened.info;
    assert_string_equal(info->axes[0].name, "t");
    assert_string_equal(info->axes[4].name, "x");
    assert_int_equal(info->channel_axis, 1);
    assert_int_equal(info->level_count, 2);
    assert_warning(info, "level \"2\" is missing");
    /* 8 × 9 becomes 4 × 4: a factor of two, in the middle of what it covers. */
    assert_true(info->levels[1].scale[3] == 2 && info->levels[1].scale[4] == 2);
    assert_true(info->levels[1].translate[4] == 0.5);
    assert_true(info->levels[1].scale[0] == 1);
    source_close(&opened);
}

static void consolidated_metadata_stands_in_for_files(void **state)
{
    (void)state;
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    open_data(&opened, "consolidated.zarr/a/b");
    assert_int_equal(source_read(&opened, 0, NULL, NULL, &data, &bytes), ORIEL_OK);
    assert_true(type_value(ORIEL_I16, data, 5) == expected_value(ORIEL_I16, 5));
    free(data);
    source_close(&opened);
    open_data(&opened, "consolidated.zarr");
    assert_int_equal(opened.info->image_count, 1);
    assert_string_equal(opened.info->images[0], "a");
    source_close(&opened);
    char text[512];
    snprintf(text, sizeof text, "file://%s", test_data("consolidated%2ezarr/a/b"));
    source_must_open(&opened, "zarr", text);
    source_close(&opened);
}

static const char array[] =
    "{\"zarr_format\": 2, \"shape\": [8, 8], \"chunks\": [8, 8], \"dtype\": \"|u1\", "
    "\"fill_value\": 0, \"order\": \"C\", \"compressor\": null, \"filters\": null}";

static void oddities_are_warnings(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"axes\": [\"y\", \"x\"], \"coordinateTransformations\": [{\"type\": \"affine\"}]",
         "affine"},
        {"\"axes\": [\"z\", \"y\", \"x\"]", "axes names 3 axes"},
        {"\"coordinateTransformations\": [{\"type\": \"scale\", \"scale\": [0, 1]}]",
         "scale of zero"},
        {"\"coordinateTransformations\": [{\"type\": \"scale\", \"scale\": [1]}]", "each axis"},
        {"\"coordinateTransformations\": [{\"type\": \"scale\", \"scale\": [1, NaN]}]",
         "each axis"},
        {"\"coordinateTransformations\": [{\"type\": \"scale\", \"path\": \"s\"}]", "each axis"},
    };
    put_text("odd/0/.zarray", array);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        struct opened opened;
        snprintf(text, sizeof text,
                 "{\"multiscales\": [{\"datasets\": [{\"path\": \"0\"}], %s}, {}], "
                 "\"omero\": {\"channels\": [{\"color\": \"blue\", \"window\": {\"start\": "
                 "NaN, \"end\": 5}}, {\"label\": 7}]}}",
                 cases[i][0]);
        put_text("odd/.zattrs", text);
        open_temp(&opened, "odd");
        assert_warning(opened.info, cases[i][1]);
        assert_warning(opened.info, "multiscales has 2 images");
        assert_warning(opened.info, "no RRGGBB");
        assert_warning(opened.info, "describes 2 channels but the image has 1");
        assert_int_equal(opened.info->channel_count, 1);
        assert_false(opened.info->channels[0].has_window);
        assert_true(opened.info->levels[0].scale[0] == 1 && opened.info->levels[0].scale[1] == 1);
        source_close(&opened);
    }
}

static void coordinate_systems_of_version_0_6(void **state)
{
    (void)state;
    struct opened opened;
    put_text(
        "six/zarr.json",
        "{\"zarr_format\": 3, \"node_type\": \"group\", \"attributes\": {\"ome\": {\"version\": "
        "\"0.6\", "
        "\"multiscales\": [{\"coordinateSystems\": [{\"name\": \"other\", \"axes\": []}, "
        "{\"name\": "
        "\"physical\", \"axes\": [{\"name\": \"y\", \"type\": \"space\", \"unit\": \"nanometer\"}, "
        "{\"name\": \"x\", \"type\": \"space\"}]}], \"datasets\": [{\"path\": \"0\", "
        "\"coordinateTransformations\": [{\"type\": \"sequence\", \"input\": \"0\", \"output\": "
        "\"physical\", \"transformations\": [{\"type\": \"scale\", \"scale\": [3, 4]}, {\"type\": "
        "\"translation\", \"translation\": [5, 6]}]}]}], \"coordinateTransformations\": "
        "[{\"type\": "
        "\"rotation\"}]}]}}}");
    put_text("six/0/.zarray", array);
    open_temp(&opened, "six");
    assert_string_equal(opened.info->format, "zarr v3, OME 0.6");
    assert_string_equal(opened.info->axes[0].unit, "nanometer");
    assert_true(opened.info->levels[0].scale[1] == 4 && opened.info->levels[0].translate[0] == 5);
    assert_warning(opened.info, "coordinate systems are ignored");
    source_close(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_with_channels),
        cmocka_unit_test(a_time_series_of_version_0_4),
        cmocka_unit_test(collections_list_their_images),
        cmocka_unit_test(an_image_of_version_0_1),
        cmocka_unit_test(consolidated_metadata_stands_in_for_files),
        cmocka_unit_test(oddities_are_warnings),
        cmocka_unit_test(coordinate_systems_of_version_0_6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
