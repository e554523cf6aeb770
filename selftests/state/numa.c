// SPDX-License-Identifier: GPL-2.0
/*
 * NUMA memory policies: of threads, each with another one, and of mappings, those that a child has from
 * its parent too. On a machine with one node, most of them come to the same, but look different.
 */
#include "nodes.h"
#include <pthread.h>

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY	5
#endif
#define WEIGHTED	6
#define BALANCING	(1 << 13)

static struct nodes and(struct nodes a, struct nodes b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a.words); i++)
		a.words[i] |= b.words[i];
	return a;
}

static void set(int mode, struct nodes nodes)
{
	/* A kernel may not know a mode. */
	if (syscall(SYS_set_mempolicy, mode, &nodes, NODES + 1))
		sure(syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &all, NODES + 1));
}

static void compare(const char *name, struct policy was, struct policy is)
{
	expect_eq(is.mode, was.mode, "%s: mode", name);
	expect(!memcmp(&is.nodes, &was.nodes, sizeof(was.nodes)), "%s: nodes", name);
}

static void make_default(void)
{
}

static void make_preferred(void)
{
	set(MPOL_PREFERRED, node(nr_nodes - 1));
}

static void make_local(void)
{
	set(MPOL_PREFERRED, (struct nodes){ { 0 } });
}

static void make_bind(void)
{
	set(MPOL_BIND, node(0));
}

static void make_static(void)
{
	set(MPOL_BIND | MPOL_F_STATIC_NODES | BALANCING, and(all, node(MISSING)));
}

static void make_relative(void)
{
	set(MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, and(node(2), node(NODES - 1)));
}

static void make_many(void)
{
	set(MPOL_PREFERRED_MANY, all);
}

static void make_weighted(void)
{
	set(WEIGHTED, all);
}

static void make_interleave(void)
{
	set(MPOL_INTERLEAVE, all);
}

static const struct kind {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{ "default", make_default },	{ "preferred", make_preferred },
	{ "local", make_local },	{ "bind", make_bind },
	{ "static", make_static },	{ "relative", make_relative },
	{ "preferred many", make_many }, { "weighted", make_weighted },
	{ "interleave", make_interleave },
};

static struct worker {
	const struct kind *kind;
	struct policy was, is;
	int turn, turn_is;
	bool ready;
} workers[ARRAY_SIZE(kinds)];

/* Which node gets the next page of the kernel, in turn. -1 if there are no turns. */
static int turn(void)
{
	int node = -1;

	syscall(SYS_get_mempolicy, &node, NULL, 0, NULL, MPOL_F_NODE);
	return node;
}

/* Not the one that has it at the beginning. */
static void take_turns(void)
{
	for (int i = 0; i < 16 && nr_nodes > 1 && turn() == 0; i++) {
		int pipe[2];

		sure(pipe2(pipe, O_CLOEXEC));
		sure(write(pipe[1], "x", 1));
		close(pipe[0]);
		close(pipe[1]);
	}
}

/* It takes no memory meanwhile, which would be the next one's turn. */
static bool yield_until_gone;

static void await_in_turn(void)
{
	while (!__atomic_load_n(&yield_until_gone, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	bool takes_turns = worker->kind->make == make_interleave;

	worker->kind->make();
	worker->was = get(NULL);
	if (takes_turns)
		take_turns();
	worker->turn = turn();
	__atomic_store_n(&worker->ready, true, __ATOMIC_RELEASE);
	if (takes_turns) {
		await_in_turn();
		worker->turn_is = turn();
	}
	if (await_go())
		syscall(SYS_set_mempolicy, MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, &all, NODES + 1);
	worker->is = get(NULL);
	return NULL;
}

/* What /proc/self/numa_maps and maps say about the mapping at an address. */
static const char *line_at(const char *file, void *addr)
{
	static __thread char text[65536], line[2][300];
	static __thread unsigned int which;
	char start[32], *at;

	snprintf(start, sizeof(start), "%lx", (unsigned long)addr);
	if (read_file(file, text, sizeof(text)) <= 0)
		return "";
	/* It may be the end of another one. */
	for (at = strstr(text, start); at && at > text && at[-1] != '\n';)
		at = strstr(at + 1, start);
	which = !which;
	snprintf(line[which], sizeof(line[which]), "%.*s", at ? (int)strcspn(at, "\n") : 0, at);
	/* Behind the policy are numbers of pages. */
	if (strstr(file, "numa") && (at = strchr(line[which], ' ')) && (at = strchr(at + 1, ' ')))
		*at = 0;
	return line[which];
}

static char *parts, *shared;

static void bind_part(int part, int nr_pages, int mode, struct nodes nodes)
{
	sure(syscall(SYS_mbind, parts + part * PAGE, nr_pages * PAGE, mode, &nodes, NODES + 1, 0));
}

#define PARTS	12

struct seen {
	struct policy policy[PARTS];
	char maps[PARTS][300], numa[PARTS][300];
};

static void see(struct seen *seen)
{
	for (int i = 0; i < PARTS; i++) {
		seen->policy[i] = get(parts + i * PAGE);
		strcpy(seen->maps[i], line_at("/proc/self/maps", parts + i * PAGE));
		strcpy(seen->numa[i], line_at("/proc/self/numa_maps", parts + i * PAGE));
	}
}

static void see_again(const char *who, const struct seen *was)
{
	static struct seen is;

	see(&is);
	for (int i = 0; i < PARTS; i++) {
		char name[60];

		snprintf(name, sizeof(name), "%s, page %d", who, i);
		compare(name, was->policy[i], is.policy[i]);
		expect(!strcmp(is.maps[i], was->maps[i]), "%s: %s, was %s", name, is.maps[i],
		       was->maps[i]);
		expect(!strcmp(is.numa[i], was->numa[i]), "%s: %s, was %s", name, is.numa[i],
		       was->numa[i]);
	}
}

static int in_child(void *what)
{
	static struct seen seen;

	if (what) {
		bind_part(1, 1, MPOL_INTERLEAVE, all);
		bind_part(5, 1, MPOL_DEFAULT, (struct nodes){ { 0 } });
		sure(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	}
	struct policy was = get(NULL);

	see(&seen);
	tell(what ? "changed" : "same");
	await_go();
	compare(what ? "a child of its own" : "a child", was, get(NULL));
	see_again(what ? "a child of its own" : "a child", &seen);
	expect_eq(parts[3 * PAGE], 'p', "what the parent has written");
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[ARRAY_SIZE(workers)];
	static struct seen seen;
	pid_t children[2];
	int fd;

	payload_begin(argc, argv);
	find_nodes();
	parts = map_anon(PARTS * PAGE, MAP_PRIVATE);
	bind_part(0, 2, MPOL_BIND, node(0));
	/* Only the home node is another one. */
	if (syscall(SYS_set_mempolicy_home_node, parts + PAGE, PAGE, nr_nodes - 1, 0))
		expect_eq(errno, ENOSYS, "home node");
	bind_part(3, 1, MPOL_PREFERRED, node(nr_nodes - 1));
	bind_part(4, 1, MPOL_PREFERRED, (struct nodes){ { 0 } });
	bind_part(5, 1, MPOL_BIND | MPOL_F_STATIC_NODES, and(all, node(MISSING)));
	bind_part(6, 1, MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, node(NODES - 1));
	bind_part(8, 1, MPOL_INTERLEAVE, all);
	/* Shared, of a file that has no policy itself. */
	fd = sure(open("/proc/self/exe", O_RDONLY));
	shared = sure(mmap(parts + 10 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
	sure(syscall(SYS_mbind, shared, PAGE, MPOL_BIND, &all, NODES + 1, 0));
	memset(parts, 'p', 10 * PAGE);
	set(MPOL_BIND | MPOL_F_RELATIVE_NODES, node(1));
	struct policy was = get(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i].kind = &kinds[i];
		pthread_create(&threads[i], NULL, work, &workers[i]);
		while (!__atomic_load_n(&workers[i].ready, __ATOMIC_ACQUIRE))
			sleep_ms(5);
	}
	children[0] = child(in_child, NULL);
	children[1] = child(in_child, "its own");
	await("same");
	await("changed");
	see(&seen);
	/* No page is missing when it goes on: page tables for it would take turns. */
	sure(mlockall(MCL_CURRENT));
	sure(munlock(parts, PARTS * PAGE));
	bool spoil = pause_here();

	__atomic_store_n(&yield_until_gone, true, __ATOMIC_RELEASE);
	if (spoil) {
		bind_part(0, 2, MPOL_DEFAULT, (struct nodes){ { 0 } });
		set(MPOL_BIND, all);
	}
	compare("main", was, get(NULL));
	see_again("a mapping", &seen);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(threads[i], NULL);
		compare(kinds[i].name, workers[i].was, workers[i].is);
	}
	expect_eq(workers[ARRAY_SIZE(kinds) - 1].turn_is, workers[ARRAY_SIZE(kinds) - 1].turn,
		  "whose turn it is to interleave");
	reap(children[0]);
	reap(children[1]);
	return payload_end();
}
