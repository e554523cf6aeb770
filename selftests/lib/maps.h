/* SPDX-License-Identifier: GPL-2.0 */
/* Maps of bpf(2). */
#ifndef MAPS_H
#define MAPS_H

#include "payload.h"
#include <linux/bpf.h>

MAYBE_UNUSED static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

MAYBE_UNUSED static int map_create(uint32_t type, uint32_t key, uint32_t value, uint32_t entries,
				   uint32_t flags)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = key, .value_size = value, .max_entries = entries,
		.map_flags = flags, .map_name = "selftest",
	};

	return sure(bpf(BPF_MAP_CREATE, &attr));
}

MAYBE_UNUSED static int map_call(int cmd, int fd, const void *key, void *value, uint64_t flags)
{
	union bpf_attr attr = {
		.map_fd = fd, .key = (uintptr_t)key, .value = (uintptr_t)value, .flags = flags,
	};

	return bpf(cmd, &attr);
}

MAYBE_UNUSED static int map_put(int fd, const void *key, const void *value)
{
	return map_call(BPF_MAP_UPDATE_ELEM, fd, key, (void *)value, 0);
}

MAYBE_UNUSED static int map_get(int fd, const void *key, void *value)
{
	return map_call(BPF_MAP_LOOKUP_ELEM, fd, key, value, 0);
}

#endif
