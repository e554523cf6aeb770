// SPDX-License-Identifier: GPL-2.0
/*
 * Reads of terminals that are to get several characters, or end by their time, or both
 * (VMIN, VTIME): they have some characters already, or none.
 */
#include "payload.h"
#include <sys/uio.h>
#include <termios.h>

/* The times of some, in tenths of a second: one that ends, one that had better not. */
#define TIME		150
#define LONG		250
#define BEFORE_MS	8000
/* What the first may come to, ns: less than if it had begun again. */
#define ENOUGH		((TIME / 10 + 7) * SECOND)

static struct reader {
	const char *what;
	int least, time;
	/* What is typed before and after, and what that comes to. */
	const char *before, *after, *later;
	int gets;
	size_t room;
} readers[] = {
	{ "several characters", 5, 0, "ab", "cde", NULL, 5, 100 },
	{ "several characters, and what there is", 5, 0, "ab", "cdefg", NULL, 7, 100 },
	{ "several characters of none yet", 5, 0, "", "abcde", NULL, 5, 100 },
	{ "several characters, one by one", 5, 0, "ab", "c", "de", 5, 100 },
	{ "as many as there is room for", 5, 0, "ab", "cdef", NULL, 4, 4 },
	{ "more than it takes at a time", 255, 0, "abcdefghijklmnopqrstuvwxyz",
	  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefgh", NULL, 64, 200 },
	{ "several characters, in time", 5, LONG, "ab", "cde", NULL, 5, 100 },
	{ "several characters, each in time", 5, LONG, "ab", "c", "de", 5, 100 },
	{ "several characters, whose time has not begun", 5, LONG, "", "abcde", NULL, 5, 100 },
	{ "several characters, until the time is over", 5, TIME, "ab", "", NULL, 2, 100 },
	{ "a character, until the time is over", 0, TIME, "", "", NULL, 0, 100 },
	{ "a character, in time", 0, LONG, "", "ab", NULL, 2, 100 },
};

static struct {
	int master, slave;
	pid_t pid;
} made[ARRAY_SIZE(readers)];

static void open_pair(int i)
{
	const struct reader *reader = &readers[i];
	struct termios t;

	made[i].master = sure(posix_openpt(O_RDWR | O_NOCTTY));
	sure(grantpt(made[i].master));
	sure(unlockpt(made[i].master));
	made[i].slave = sure(open(ptsname(made[i].master), O_RDWR | O_NOCTTY));
	sure(tcgetattr(made[i].slave, &t));
	cfmakeraw(&t);
	t.c_cc[VMIN] = reader->least;
	t.c_cc[VTIME] = reader->time;
	sure(tcsetattr(made[i].slave, TCSANOW, &t));
}

static void type(int i, const char *text)
{
	if (text && *text)
		sure(write(made[i].master, text, strlen(text)));
}

static int reads(void *arg)
{
	int i = *(int *)arg;
	const struct reader *reader = &readers[i];
	char first[1], text[256] = "", all[256] = "";
	struct iovec parts[] = { { first, 1 }, { text, reader->room - 1 } };
	long long took, begin = now_ns(CLOCK_MONOTONIC);
	bool vector = reader->time && reader->least;
	ssize_t n = vector ? readv(made[i].slave, parts, 2) :
			     read(made[i].slave, text, reader->room);

	took = now_ns(CLOCK_MONOTONIC) - begin;
	/* It stays, for who compares containers. */
	await_go();
	/* Where that takes very long, the time has been over, indeed. */
	if (*reader->after && reader->time && took >= LONG * (SECOND / 10))
		return 0;
	expect_eq(n, reader->gets, "%s", reader->what);
	if (vector && n > 0) {
		memmove(text + 1, text, sizeof(text) - 1);
		text[0] = first[0];
	}
	snprintf(all, sizeof(all), "%s%s%s", reader->before, reader->after, reader->later ?: "");
	expect(n < 0 || !strncmp(text, all, n), "%s: %s", reader->what, text);
	if (!*reader->after)
		expect(took >= TIME * (SECOND / 10) - SECOND && took < ENOUGH * patience(),
		       "%s: after %lld ms", reader->what, took / MS);
	return 0;
}

int main(int argc, char **argv)
{
	const int nr = ARRAY_SIZE(readers);
	bool spoil;

	payload_begin(argc, argv);
	for (int i = 0; i < nr; i++) {
		open_pair(i);
		made[i].pid = child(reads, &i);
		await_syscall(made[i].pid, readers[i].time && readers[i].least ? SYS_readv : SYS_read);
		type(i, readers[i].before);
	}
	sleep_ms(BEFORE_MS);
	spoil = pause_here();
	for (int i = 0; i < nr; i++)
		if (*readers[i].after && !readers[i].time)
			expect_eq(task_state(made[i].pid), 'S', "%s: it waits", readers[i].what);
	if (spoil)
		type(0, "x");
	for (int i = 0; i < nr; i++)
		type(i, readers[i].after);
	sleep_ms(500);
	for (int i = 0; i < nr; i++) {
		if (readers[i].later && !readers[i].time)
			expect_eq(task_state(made[i].pid), 'S', "%s: it waits for more", readers[i].what);
		type(i, readers[i].later);
	}
	for (int i = 0; i < nr; i++)
		reap(made[i].pid);
	return payload_end();
}
