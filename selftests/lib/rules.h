/* SPDX-License-Identifier: GPL-2.0 */
/* Landlock: sets of rules, and to be restricted by them. */
#ifndef RULES_H
#define RULES_H

#include "payload.h"
#include <linux/landlock.h>
#include <sys/prctl.h>

MAYBE_UNUSED static int ruleset(uint64_t fs, uint64_t net, uint64_t scoped)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = fs, .handled_access_net = net, .scoped = scoped,
	};

	return sure((int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));
}

MAYBE_UNUSED static void allow(int fd, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = sure(open(path, O_PATH | O_CLOEXEC)),
	};

	sure(syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
	close(rule.parent_fd);
}

MAYBE_UNUSED static void allow_port(int fd, uint16_t port, uint64_t access)
{
	struct landlock_net_port_attr rule = { .allowed_access = access, .port = port };

	sure(syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_NET_PORT, &rule, 0));
}

/* Closes @fd, which need not be open any longer. */
MAYBE_UNUSED static void restrict_self(int fd)
{
	sure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	sure(syscall(SYS_landlock_restrict_self, fd, 0));
	close(fd);
}

#endif
