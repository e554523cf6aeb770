// SPDX-License-Identifier: GPL-2.0
/*
 * Login ids and sessions of audit: which processes share a session, of threads,
 * orphans and zombies. The numbers of sessions are the kernel's.
 */
#include "payload.h"
#include <pthread.h>

static void log_in(const char *login)
{
	write_file("/proc/thread-self/loginuid", 0, login);
}

/* "LOGIN SESSION" of a task */
static void ids_of(const char *task, char *login, char *session)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/loginuid", task);
	if (read_file(path, login, 16) <= 0)
		strcpy(login, "?");
	snprintf(path, sizeof(path), "/proc/%s/sessionid", task);
	if (read_file(path, session, 16) <= 0)
		strcpy(session, "?");
}

static void expect_ids(pid_t pid, const char *login, const char *session, bool same, const char *what)
{
	char task[16], l[16], s[16];

	snprintf(task, sizeof(task), "%d", pid);
	ids_of(task, l, s);
	expect(!strcmp(l, login), "%s: login id %s, was %s", what, l, login);
	expect(!strcmp(s, session) == same, "%s: %s session as expected (%s, %s)", what, same ? "the same" : "another",
	       s, session);
}

static int sleeper(void *unused)
{
	tell("sleeper");
	await("orphan looked at");
	(void)unused;
	return 0;
}

/* Its session goes on with a child that init adopts. */
static int short_login(void *unused)
{
	log_in("1000");
	child(sleeper, NULL);
	await("sleeper");
	(void)unused;
	return 0;
}

static volatile pid_t thread_id;

static void *thread(void *unused)
{
	log_in("1002");
	thread_id = syscall(SYS_gettid);
	tell("thread");
	await("thread looked at");
	return unused;
}

static int login(void *spoil)
{
	char l[16], s[16], path[64];
	pthread_t other;
	pid_t zombie;

	log_in("1000");
	ids_of("self", l, s);
	write_file(file_at("session"), O_CREAT, s);
	zombie = sure(fork());
	if (!zombie)
		_exit(3);
	snprintf(path, sizeof(path), "%d", zombie);
	write_file(file_at("zombie"), O_CREAT, path);
	sure(pthread_create(&other, NULL, thread, NULL));
	await("thread");
	while (task_state(zombie) != 'Z')
		sleep_ms(5);
	tell("login");
	if (await_go())
		log_in("1001");
	ids_of("self", l, s);
	expect(!strcmp(l, "1000"), "login id %s, was 1000", l);
	write_file(file_at("session"), O_TRUNC, s);
	expect_ids(zombie, "1000", s, true, "zombie");
	snprintf(path, sizeof(path), "self/task/%d", thread_id);
	ids_of(path, l, s);
	expect(!strcmp(l, "1002"), "login id of a thread: %s, was 1002", l);
	tell("thread looked at");
	tell("looked");
	pthread_join(other, NULL);
	(void)spoil;
	return 0;
}

int main(int argc, char **argv)
{
	char before[2][2][16], after[2][16], text[16];
	pid_t one, orphan = 0;
	int status;

	payload_begin(argc, argv);
	ids_of("self", before[0][0], before[0][1]);
	one = child(short_login, NULL);
	reap(one);
	orphan = one + 1;
	ids_of("2", before[1][0], before[1][1]);
	one = child(login, NULL);
	await("login");

	pause_here();
	await("looked");
	ids_of("self", after[0], after[1]);
	expect(!strcmp(after[0], before[0][0]), "login id of init: %s, was %s", after[0], before[0][0]);
	expect(!strcmp(after[1], before[0][1]), "session of init: %s, was %s", after[1], before[0][1]);
	read_file(file_at("session"), text, sizeof(text));
	expect_ids(orphan, "1000", text, false, "orphan of another session");
	expect_ids(orphan, "1000", after[1], false, "orphan");
	tell("orphan looked at");
	reap(orphan);
	waitpid(one, &status, 0);
	expect_eq(status, 0, "process that has logged in");
	return payload_end();
}
