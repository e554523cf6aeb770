// SPDX-License-Identifier: GPL-2.0
/* A container all of whose processes, init among them, are an ordinary user's. */
#include "payload.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void check(const char *who, int nice)
{
	uid_t uid[3];
	gid_t gid[3], groups[8];

	getresuid(&uid[0], &uid[1], &uid[2]);
	getresgid(&gid[0], &gid[1], &gid[2]);
	expect(uid[0] == 1234 && uid[1] == 1234 && uid[2] == 1234, "%s: user ids", who);
	expect(gid[0] == 1234 && gid[1] == 1234 && gid[2] == 1234, "%s: group ids", who);
	expect(getgroups(8, groups) == 2 && groups[1] == 4712, "%s: groups", who);
	expect(!strcmp(status_field("self", "CapEff"), "0000000000000000"), "%s: no capability", who);
	expect(!strcmp(status_field("self", "CapPrm"), "0000000000000000"), "%s: none permitted", who);
	expect_eq(getpriority(PRIO_PROCESS, 0), nice, "%s: nice value", who);
	expect_errno(setuid(0), EPERM, who);
}

static int member(void *unused)
{
	/* It could not go back. */
	sure(setpriority(PRIO_PROCESS, 0, 5));
	tell("member");
	await_go();
	check("child", 5);
	expect_errno(setpriority(PRIO_PROCESS, 0, 0), EACCES, "child: the nice value stays");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid;

	payload_begin(argc, argv);
	umask(0);
	sure(chmod(payload_dir, 0777));
	/* What an ordinary user may not do, but has. */
	sure(setpriority(PRIO_PROCESS, 0, -9));
	write_file("/proc/self/oom_score_adj", 0, "-500");
	sure(setgroups(2, (gid_t[]){ 4711, 4712 }));
	sure(setresgid(1234, 1234, 1234));
	sure(setresuid(1234, 1234, 1234));
	pid = child(member, NULL);
	await("member");

	if (pause_here())
		sure(setpriority(PRIO_PROCESS, 0, 1));
	check("init", -9);
	expect_eq(prctl(PR_GET_DUMPABLE), 0, "not dumpable, because it was root");
	reap(pid);
	return payload_end();
}
