// SPDX-License-Identifier: GPL-2.0
/*
 * Processes whose first thread has exited while others live: they have their
 * children, signals, CPU time, and end with the right status.
 */
#include "payload.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define THREAD	(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static char stack[2][1 << 16];
/* What the processes below share with their parent. */
static struct {
	pid_t child;
	int stop;
	/* Status of the child; whether an ignored signal was kept. */
	int status, kept, cwd;
} *shared;

static int inherited(void *unused)
{
	(void)unused;
	while (task_state(getppid()) != 'Z')
		sleep_ms(5);
	/* The leader's death, which has been, would send it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tell("inherited");
	await_go();
	return 0;
}

/* A thread whose leader dies: it has that one's child then, and a child of its own. */
static int heir(void *unused)
{
	char name[16] = "";

	(void)unused;
	await_go();
	prctl(PR_GET_NAME, name);
	expect(!strcmp(name, "heir"), "name of the thread");
	expect_eq(waitpid(shared->child, &shared->status, 0), shared->child, "child of the dead leader");
	shared->cwd = access("passwd", F_OK);
	syscall(SYS_exit_group, 9);
	return 0;
}

static int second(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

static void with_heirs(void)
{
	sigset_t set;

	sure(chdir("/etc"));
	shared->child = child(inherited, NULL);
	prctl(PR_SET_NAME, "heir");
	sure(clone(heir, stack[0] + sizeof(stack[0]), THREAD, NULL));
	sure(clone(second, stack[1] + sizeof(stack[1]), THREAD, NULL));
	prctl(PR_SET_NAME, "leader");
	/* Its mask still decides whether the process keeps a signal that it ignores. */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	while (clock() < CLOCKS_PER_SEC / 10)
		;
	syscall(SYS_exit, 3);
}

/* The last thread's status is that of the process. */
static int last(void *unused)
{
	(void)unused;
	await_go();
	syscall(SYS_exit, 5);
	return 0;
}

static void with_last(void)
{
	sure(clone(last, stack[0] + sizeof(stack[0]), THREAD, NULL));
	syscall(SYS_exit, 0);
}

/* One that is killed, and one that is stopped. */
static void with_sleeper(void)
{
	sure(clone(second, stack[0] + sizeof(stack[0]), THREAD, NULL));
	syscall(SYS_exit, 0);
}

static pid_t start(void (*function)(void))
{
	pid_t pid = sure(fork());

	if (!pid) {
		function();
		_exit(1);
	}
	while (task_state(pid) != 'Z')
		sleep_ms(5);
	return pid;
}

static const char *mask_of(pid_t pid, const char *which)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	return status_field(name, which);
}

static unsigned long cpu_of(pid_t pid)
{
	char path[64], text[512], *at;
	unsigned long utime = 0, stime = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	if (read_file(path, text, sizeof(text)) > 0 && (at = strrchr(text, ')')))
		sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &utime,
		       &stime);
	return utime + stime;
}

int main(int argc, char **argv)
{
	pid_t heirs, ends, killed, stopped;
	unsigned long cpu;
	struct rusage usage;
	int status;

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	heirs = start(with_heirs);
	ends = start(with_last);
	killed = start(with_sleeper);
	stopped = start(with_sleeper);
	kill(stopped, SIGSTOP);
	expect_eq(waitpid(stopped, &status, WUNTRACED), stopped, "stop");
	await("inherited");
	cpu = cpu_of(heirs);
	expect(cpu >= 5, "the leader has used CPU time: %lu", cpu);

	if (pause_here())
		kill(killed, SIGKILL);
	expect_eq(task_state(heirs), 'Z', "state of a dead leader");
	expect_eq(cpu_of(heirs), cpu, "CPU time of a dead leader");
	expect(!strcmp(mask_of(heirs, "Name"), "leader"), "name of a dead leader");
	expect(!strcmp(mask_of(heirs, "SigBlk"), "0000000000000800"), "mask of a dead leader: %s",
	       mask_of(heirs, "SigBlk"));
	kill(heirs, SIGUSR1);
	expect(!strcmp(mask_of(heirs, "ShdPnd"), "0000000000000000"), "ignored signal");
	expect_eq(waitpid(ends, &status, 0), ends, "process whose last thread exits");
	expect_eq(status, 5 << 8, "its status");

	expect_eq(wait4(heirs, &status, 0, &usage), heirs, "process with heirs");
	expect_eq(status, 9 << 8, "its status");
	expect_eq(shared->status, 0, "status of the child that was inherited");
	expect_eq(shared->cwd, 0, "working directory");
	expect(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 90000, "its CPU time: %ld us",
	       (long)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));

	expect_eq(waitpid(killed, &status, WNOHANG), 0, "process that lives");
	kill(killed, SIGTERM);
	expect_eq(waitpid(killed, &status, 0), killed, "process that is killed");
	expect_eq(status, SIGTERM, "its status");

	expect_eq(waitpid(stopped, &status, WNOHANG | WUNTRACED), 0, "a stop that is known");
	kill(stopped, SIGCONT);
	expect_eq(waitpid(stopped, &status, WCONTINUED), stopped, "it goes on");
	expect_eq(WIFCONTINUED(status), 1, "and says so");
	kill(stopped, SIGKILL);
	expect_eq(waitpid(stopped, &status, 0), stopped, "the end of it");
	return payload_end();
}
