/* SPDX-License-Identifier: BSD-3-Clause */
#include "locate.h"

#include <string.h>

static uint64_t get(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

struct found {
    struct place *places;
    size_t count, most;
    bool wrong;
};

static void add(struct found *found, size_t at, size_t bytes)
{
    if (found->count == found->most)
        found->wrong = true;
    else
        found->places[found->count++] = (struct place){at, bytes};
}

/* --- MP4 --- */

struct fragment {
    size_t start;          /* of the moof */
    uint32_t default_size; /* of a sample */
};

static void tfhd(struct fragment *fragment, const uint8_t *p, size_t bytes)
{
    uint32_t flags = (uint32_t)get(p, 4);
    size_t at = 8 + (flags & 1 ? 8u : 0) + (flags & 2 ? 4u : 0) + (flags & 8 ? 4u : 0);
    fragment->default_size = flags & 0x10 && at + 4 <= bytes ? (uint32_t)get(p + at, 4) : 0;
}

static void trun(const struct fragment *fragment, const uint8_t *p, size_t bytes,
                 struct found *found)
{
    uint32_t flags = (uint32_t)get(p, 4);
    size_t count = (size_t)get(p + 4, 4), at = 8;
    if (!(flags & 1) || at + 4 > bytes) {
        found->wrong = true;
        return;
    }
    size_t data = fragment->start + (size_t)get(p + at, 4);
    at += 4 + (flags & 4 ? 4u : 0);
    size_t before = flags & 0x100 ? 4 : 0, size = flags & 0x200 ? 4 : 0;
    size_t after = (flags & 0x400 ? 4u : 0) + (flags & 0x800 ? 4u : 0);
    for (size_t i = 0; i < count && !found->wrong; i++, at += before + size + after) {
        if (at + before + size + after > bytes) {
            found->wrong = true;
            return;
        }
        size_t sample = size ? (size_t)get(p + at + before, 4) : fragment->default_size;
        add(found, data, sample);
        data += sample;
    }
}

static void boxes(const uint8_t *data, size_t begin, size_t end, struct fragment *fragment,
                  struct found *found)
{
    while (begin + 8 <= end && !found->wrong) {
        uint64_t size = get(data + begin, 4);
        size_t head = 8;
        const uint8_t *type = data + begin + 4;
        if (size == 1 && begin + 16 <= end) {
            size = get(data + begin + 8, 8);
            head = 16;
        }
        if (size < head || size > end - begin) {
            found->wrong = true;
            return;
        }
        const uint8_t *body = data + begin + head;
        size_t bytes = (size_t)size - head;
        if (memcmp(type, "moof", 4) == 0)
            *fragment = (struct fragment){.start = begin};
        if (memcmp(type, "moof", 4) == 0 || memcmp(type, "traf", 4) == 0)
            boxes(data, begin + head, begin + (size_t)size, fragment, found);
        else if (memcmp(type, "tfhd", 4) == 0 && bytes >= 8)
            tfhd(fragment, body, bytes);
        else if (memcmp(type, "trun", 4) == 0 && bytes >= 8)
            trun(fragment, body, bytes, found);
        begin += (size_t)size;
    }
}

static bool complete(const struct found *found, size_t bytes)
{
    if (found->wrong || found->count != found->most)
        return false;
    for (size_t i = 0; i < found->count; i++) {
        if (found->places[i].at > bytes || found->places[i].bytes > bytes - found->places[i].at)
            return false;
    }
    return true;
}

bool locate_mp4(const uint8_t *data, size_t bytes, struct place *places, size_t count)
{
    struct found found = {.places = places, .most = count};
    struct fragment fragment = {0};
    boxes(data, 0, bytes, &fragment, &found);
    return complete(&found, bytes);
}

/* --- Matroska --- */

enum {
    SEGMENT = 0x18538067,
    CLUSTER = 0x1F43B675,
    BLOCK_GROUP = 0xA0,
    BLOCK = 0xA1,
    SIMPLE_BLOCK = 0xA3,
    BLOCK_HEAD = 4 /* track number 1, time, flags */
};

/* A number whose first byte tells its length; with the marker, as in ids, or without. */
static size_t number(const uint8_t *p, size_t room, bool marker, uint64_t *value, bool *unknown)
{
    unsigned bytes = 1;
    while (room && bytes <= 8 && !(p[0] & (0x80 >> (bytes - 1))))
        bytes++;
    if (bytes > 8 || bytes > room)
        return 0;
    uint64_t all = get(p, bytes), mask = (UINT64_C(1) << (7 * bytes)) - 1;
    *unknown = (all & mask) == mask;
    *value = marker ? all : all & mask;
    return bytes;
}

bool locate_matroska(const uint8_t *data, size_t bytes, struct place *places, size_t count)
{
    struct found found = {.places = places, .most = count};
    size_t at = 0;
    while (at < bytes && !found.wrong) {
        uint64_t id, size;
        bool unknown;
        size_t id_bytes = number(data + at, bytes - at, true, &id, &unknown);
        size_t size_bytes =
            id_bytes ? number(data + at + id_bytes, bytes - at - id_bytes, false, &size, &unknown)
                     : 0;
        if (!size_bytes)
            return false;
        at += id_bytes + size_bytes;
        if (id == SEGMENT || id == CLUSTER || id == BLOCK_GROUP)
            continue; /* what is inside comes next */
        if (unknown || size > bytes - at)
            return false;
        if ((id == SIMPLE_BLOCK || id == BLOCK) && size >= BLOCK_HEAD)
            add(&found, at + BLOCK_HEAD, (size_t)size - BLOCK_HEAD);
        at += (size_t)size;
    }
    return complete(&found, bytes);
}
