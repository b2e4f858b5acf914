/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RIG_ROOMS_H
#define CONTROL_RIG_ROOMS_H

#include "control/control.h"

struct control_rooms rig_rooms(void);
/* What the shared view's rooms have been given is forgotten. */
void rig_rooms_clear(void);

#endif
