// SPDX-License-Identifier: GPL-2.0
/*
 * Credentials: ids, groups, capabilities, securebits, no_new_privs, of
 * processes and of single threads.
 */
#include "payload.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#define CAP(n)	(1UL << (n))

static void set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ effective, permitted, inheritable },
		{ effective >> 32, permitted >> 32, inheritable >> 32 },
	};

	sure(syscall(SYS_capset, &header, data));
}

/* All that status shows of the ids and capabilities of the calling thread. */
static void look(char *text, size_t size)
{
	static const char *const fields[] = { "Uid", "Gid", "Groups", "CapInh", "CapPrm",
					      "CapEff", "CapBnd", "CapAmb", "NoNewPrivs" };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		n += snprintf(text + n, size - n, "%s:%s ", fields[i],
			      status_field("thread-self", fields[i]));
	snprintf(text + n, size - n, "securebits:%#x keepcaps:%d", prctl(PR_GET_SECUREBITS),
		 prctl(PR_GET_KEEPCAPS));
}

static void wait_and_compare(const char *name)
{
	char before[2000], after[2000];

	look(before, sizeof(before));
	tell(name);
	await_go();
	look(after, sizeof(after));
	expect(!strcmp(before, after), "%s: %s, were %s", name, after, before);
}

static int ids(void *unused)
{
	gid_t groups[100];

	for (int i = 0; i < 100; i++)
		groups[i] = 5000 + 3 * i;
	sure(setgroups(100, groups));
	sure(setresgid(11, 12, 13));
	setfsgid(14);
	sure(setresuid(1001, 0, 1003));
	setfsuid(1004);
	wait_and_compare("all ids differ");
	expect_eq(setfsuid(-1), 1004, "file system user id");
	expect_eq(setfsgid(-1), 14, "file system group id");
	(void)unused;
	return 0;
}

static int user(void *unused)
{
	sure(setgroups(0, NULL));
	sure(setresgid(65534, 65534, 65534));
	sure(setresuid(65534, 65534, 65534));
	sure(syscall(SYS_keyctl, KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_USER_KEYRING));
	wait_and_compare("unprivileged user");
	expect_eq(syscall(SYS_keyctl, KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE),
		  KEY_REQKEY_DEFL_USER_KEYRING, "keyring for requested keys");
	expect_errno(setuid(0), EPERM, "an unprivileged user stays one");
	expect_errno(open("/proc/1/mem", O_RDONLY), EACCES, "and may do little");
	(void)unused;
	return 0;
}

static int capabilities(void *unused)
{
	sure(prctl(PR_CAPBSET_DROP, CAP_SYS_RAWIO, 0, 0, 0));
	sure(prctl(PR_CAPBSET_DROP, CAP_SYSLOG, 0, 0, 0));
	sure(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT_LOCKED |
		   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED));
	sure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	set_caps(CAP(CAP_CHOWN), CAP(CAP_CHOWN) | CAP(CAP_KILL) | CAP(CAP_NET_RAW), CAP(CAP_CHOWN) | CAP(CAP_FOWNER));
	sure(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	wait_and_compare("capabilities");
	(void)unused;
	return 0;
}

/* In the kernel each thread has its own; the C library hides it. */
static void *thread(void *id)
{
	long n = (long)id;
	char name[32];

	sure(syscall(SYS_setgroups, n, (gid_t[]){ 1, 2, 3, 4, 5 }));
	sure(syscall(SYS_setresgid, 100 + n, 100 + n, 100 + n));
	if (n == 2)
		sure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	sure(syscall(SYS_setresuid, 200 + n, 200 + n, 0));
	snprintf(name, sizeof(name), "thread %ld", n);
	wait_and_compare(name);
	return NULL;
}

static int threads(void *unused)
{
	pthread_t t[3];

	for (long n = 0; n < 3; n++)
		pthread_create(&t[n], NULL, thread, (void *)(n + 1));
	wait_and_compare("first thread");
	for (int n = 0; n < 3; n++)
		pthread_join(t[n], NULL);
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "all ids differ", "unprivileged user", "capabilities",
					     "thread 1", "thread 2", "thread 3", "first thread" };
	char before[2000], after[2000];
	pid_t pid[4];

	payload_begin(argc, argv);
	/* So that all users can write their results. */
	umask(0);
	sure(chmod(payload_dir, 0777));
	write_file(file_at("result"), O_CREAT | O_APPEND, "");
	pid[0] = child(ids, NULL);
	pid[1] = child(user, NULL);
	pid[2] = child(capabilities, NULL);
	pid[3] = child(threads, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		await(names[i]);
	look(before, sizeof(before));

	if (pause_here())
		sure(setgroups(1, (gid_t[]){ 77 }));
	look(after, sizeof(after));
	expect(!strcmp(before, after), "init: %s, were %s", after, before);
	for (int i = 0; i < 4; i++)
		reap(pid[i]);
	return payload_end();
}
