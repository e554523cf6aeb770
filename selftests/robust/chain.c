// SPDX-License-Identifier: GPL-2.0
/*
 * "chain DIR DEPTH": so many processes, each with one child. How long it took
 * to make them, in ns, is in DIR/forked.
 */
#include "payload.h"

static int go[2], back[2];
static long length;

static int link_of_chain(void *depth)
{
	long n = (long)depth, seen[2];
	pid_t parent = getppid(), next = 0;
	char byte;

	if (n < length)
		next = child(link_of_chain, (void *)(n + 1));
	else
		tell("end of the chain");
	/* Nobody writes to it: it ends. */
	if (read(go[0], &byte, 1))
		return 1;
	seen[0] = n;
	seen[1] = getppid() == parent;
	if (write(back[1], seen, sizeof(seen)) != sizeof(seen))
		return 1;
	if (next)
		reap(next);
	return 0;
}

static int first(void *unused)
{
	(void)unused;
	close(go[1]);
	close(back[0]);
	return link_of_chain((void *)1);
}

int main(int argc, char **argv)
{
	long seen[2], count = 0;
	char took[32];
	long long start;
	pid_t pid;

	payload_begin(argc, argv);
	length = argc > 2 ? atol(argv[2]) : 10;
	sure(pipe(go));
	sure(pipe(back));
	start = now_ns(CLOCK_MONOTONIC);
	pid = child(first, NULL);
	close(go[0]);
	close(back[1]);
	await("end of the chain");
	snprintf(took, sizeof(took), "%lld", now_ns(CLOCK_MONOTONIC) - start);
	write_file(file_at("forked"), O_CREAT, took);
	pause_here();
	close(go[1]);
	while (read(back[0], seen, sizeof(seen)) == sizeof(seen))
		count += seen[1] && seen[0] >= 1 && seen[0] <= length;
	expect_eq(count, length, "links of the chain, with their parents");
	reap(pid);
	return payload_end();
}
