/* SPDX-License-Identifier: BSD-3-Clause */
/* What a module may not leave changed in the OpenGL context that it is called with. */
#ifndef CHECK_GL_STATE_H
#define CHECK_GL_STATE_H

#include <stdbool.h>
#include <stddef.h>

struct gl_state;

/* All of it, as it is now; for free(). Leaves it as it is. */
struct gl_state *gl_state_read(void);
/* False, with what differs first in words: "GL_VIEWPORT[2] was 30 and is 64". */
bool gl_state_same(const struct gl_state *before, const struct gl_state *after, char *text,
                   size_t room);

/* Makes much of it unlike what a new context has, so that who puts back defaults is found out. A
 * picture can still be drawn and read by whoever sets what it needs. */
struct gl_unusual;
struct gl_unusual *gl_unusual_begin(void);
void gl_unusual_end(struct gl_unusual *unusual);

/* How many objects of each kind there are. */
enum { GL_KINDS = 10 };
struct gl_objects {
    unsigned counts[GL_KINDS];
};
void gl_objects_count(struct gl_objects *objects);
const char *gl_objects_name(unsigned kind); /* "textures", … */

#endif
