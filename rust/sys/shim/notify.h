/* SPDX-License-Identifier: GPL-2.0 */
/* What the shims of inotify and fanotify have in common. */
#ifndef _CR_SHIM_NOTIFY_H
#define _CR_SHIM_NOTIFY_H

struct fsnotify_event;
struct fsnotify_group;

int cr_shim_notify_add(struct fsnotify_group *group, struct fsnotify_event *event);

#endif /* _CR_SHIM_NOTIFY_H */
