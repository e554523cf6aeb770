// SPDX-License-Identifier: GPL-2.0
/* A Landlock domain that denies without exceptions: of one process, not of the others. */
#include "payload.h"
#include <linux/landlock.h>
#include <sys/prctl.h>

static void restrict_self(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SYM };
	int fd = sure((int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));

	sure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	sure(syscall(SYS_landlock_restrict_self, fd, 0));
	close(fd);
}

static int denied(void *unused)
{
	(void)unused;
	restrict_self();
	tell("denied");
	await_go();
	expect_errno(symlink("a", file_at("b")), EACCES, "what the domain denies");
	expect_eq(mkdir(file_at("directory"), 0755), 0, "what it does not");
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(denied, NULL);
	await("denied");
	if (pause_here())
		restrict_self();
	expect_eq(symlink("a", file_at("c")), 0, "who is in no domain");
	reap(pid);
	return payload_end();
}
