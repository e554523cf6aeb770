// SPDX-License-Identifier: GPL-2.0
/*
 * privileges DIR [KIND]: has something of each kind that takes a right to make
 *
 * A file that is open for reading and mapped, a pipe, a child, a directory to
 * work in. KIND is what the container is to those who want to checkpoint it:
 *
 *	user	all of it is user 1000's, without capabilities
 *	secret	the same, and nobody may look into it
 *	able	the same as "user", with a capability
 *	mixed	the same as "user", but the child is root's
 *	many	what it was started as, with many threads
 *
 * Without KIND, it is what it was started as. When it is to go on, it says
 * in the file "told" what cannot be seen from outside.
 */
#include "payload.h"
#include <linux/netlink.h>
#include <sys/socket.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>

#define USER	1000

static const char *kind = "";

static bool is(const char *name)
{
	return !strcmp(kind, name);
}

static void become_user(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (is("able"))
		data[0].effective = data[0].permitted = 1 << CAP_NET_RAW;
	sure(prctl(PR_SET_KEEPCAPS, 1));
	sure(setgroups(0, NULL));
	sure(setresgid(USER, USER, USER));
	sure(setresuid(USER, USER, USER));
	sure(syscall(SYS_capset, &header, data));
	sure(prctl(PR_SET_KEEPCAPS, 0));
	sure(prctl(PR_SET_DUMPABLE, !is("secret")));
}

static void *sleeper(void *unused)
{
	pause();
	return unused;
}

static int member(void *unused)
{
	if (is("user") || is("secret") || is("able"))
		become_user();
	tell("member");
	await_go();
	(void)unused;
	return 0;
}

/* As somebody without any capability. */
static void open_netlink(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct all[2], none[2];

	sure((int)syscall(SYS_capget, &head, all));
	memcpy(none, all, sizeof(none));
	none[0].effective = none[1].effective = 0;
	sure((int)syscall(SYS_capset, &head, none));
	sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	sure((int)syscall(SYS_capset, &head, all));
}

/* To move tasks. */
static void open_cgroup(void)
{
	char text[256], path[300], *at;

	sure((int)read_file("/proc/self/cgroup", text, sizeof(text)));
	at = strstr(text, "0::");
	at[strcspn(at, "\n")] = '\0';
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs", at + 3);
	sure(open(path, O_WRONLY));
}

int main(int argc, char **argv)
{
	int ends[2], fd;
	pthread_t thread;
	char text[100];
	pid_t pid;

	payload_begin(argc, argv);
	if (argc > 2)
		kind = argv[2];
	umask(0);
	sure(chdir(file_at("work")));
	fd = sure(open(file_at("file"), O_RDONLY));
	sure(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	sure(pipe(ends));
	open_netlink();
	if (is("cgroup"))
		open_cgroup();
	for (int i = 0; i < 100 && is("many"); i++)
		pthread_create(&thread, NULL, sleeper, NULL);
	pid = child(member, NULL);
	await("member");
	if (is("user") || is("secret") || is("able") || is("mixed"))
		become_user();

	pause_here();
	snprintf(text, sizeof(text), "securebits %d dumpable %d", prctl(PR_GET_SECUREBITS),
		 prctl(PR_GET_DUMPABLE));
	write_file(file_at("told"), O_CREAT | O_TRUNC, text);
	reap(pid);
	return payload_end();
}
