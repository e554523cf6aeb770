// SPDX-License-Identifier: GPL-2.0
/*
 * A random web of processes and of what they have open: pipes, sockets, eventfds,
 * epoll instances and files, opened, duplicated, inherited, sent to each other,
 * received or left in a queue, and closed. Init has a model of it: which
 * descriptor refers to which open file description, and what waits in each.
 *
 * Before and after, descriptors must be the same by number, flags and offset, by
 * kcmp(2) with all others, and epoll instances must have the same to tell. Then
 * everything is taken out of the queues. CR_SEED makes a certain web again.
 */
#include "workers.h"
#include <linux/kcmp.h>

#define STEPS		500
/* Of one worker, and in all queues: what is received at the end comes on top. */
#define MANY_FDS	40
#define MANY_SENT	80
#define MAX_DESCS	600
#define MAX_QUEUE	64

struct message {
	unsigned int value;
	int count, descs[MAX_SENT];
};

/* An open file description. */
static struct desc {
	enum kind kind;
	/* The other end of a pipe or a pair. */
	int other;
	int fds, in_flight, watched;
	/* What can be taken out of it. */
	unsigned long long counter;
	struct message queue[MAX_QUEUE];
	int queued;
} descs[MAX_DESCS];

static int nr_descs = 1, nr_workers, nr_sent;
static pid_t pids[WORKERS + 1];
static int table[WORKERS + 1][MAX_FD];
static unsigned int seed, serial;

static unsigned int any(unsigned int below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

/* -- The model ---------------------------------------------------------- */

static int new_desc(enum kind kind)
{
	descs[nr_descs].kind = kind;
	return nr_descs++;
}

static void has(int worker, int fd, int desc)
{
	table[worker][fd] = desc;
	descs[desc].fds++;
}

static bool is_alive(int desc)
{
	return descs[desc].fds || descs[desc].in_flight;
}

static int fds_of(int worker)
{
	int count = 0;

	for (int fd = 0; fd < MAX_FD; fd++)
		count += !!table[worker][fd];
	return count;
}

/* A descriptor of a worker at random, or of a certain kind; -1 if there is none. */
static int pick(int worker, bool (*wanted)(int desc))
{
	int found = -1, count = 0;

	for (int fd = 0; fd < MAX_FD; fd++)
		if (table[worker][fd] && (!wanted || wanted(table[worker][fd])) && !any(++count))
			found = fd;
	return found;
}

static bool can_send(int desc)
{
	return is_socket(descs[desc].kind);
}

static bool can_watch(int desc)
{
	return descs[desc].kind != PLAIN;
}

static bool is_epoll(int desc)
{
	return descs[desc].kind == EPOLL;
}

/*
 * Not the last one of what is watched, nor of a socket in which something waits:
 * so nothing but what is in a queue that somebody can read is only in flight.
 */
static bool can_close(int desc)
{
	const struct desc *d = &descs[desc];

	return d->fds > 1 || (!d->watched && (d->kind == READER || !d->queued));
}

/*
 * Where what is written to a description can be read; 0 if nowhere. Datagrams that
 * wait are lost when their receiver finds out that who sent them is gone.
 */
static int target_of(int desc)
{
	const struct desc *d = &descs[desc];

	if (d->kind == EVENT)
		return desc;
	return (d->kind == WRITER || is_socket(d->kind)) && is_alive(d->other) ? d->other : 0;
}

static void make(int worker, enum op op)
{
	enum kind kind = STREAM + any(3);
	int one, other, fd;

	order->number = kind;
	snprintf(order->path, sizeof(order->path), "%s", file_at(any(2) ? "this" : "that"));
	fd = ask(worker, op);
	if (fd < 0)
		return;
	switch (op) {
	case PIPE:
	case PAIR:
		one = new_desc(op == PIPE ? READER : kind);
		other = new_desc(op == PIPE ? WRITER : kind);
		descs[one].other = other;
		descs[other].other = one;
		has(worker, order->fds[0], one);
		has(worker, order->fds[1], other);
		break;
	default:
		has(worker, fd, new_desc(op == NEW_EVENT ? EVENT : op == NEW_EPOLL ? EPOLL : PLAIN));
	}
}

static void put(int worker, int fd)
{
	int desc = table[worker][fd], target = target_of(desc);
	struct desc *to = &descs[target];

	if (descs[desc].kind == PLAIN || target) {
		order->fd = fd;
		order->number = descs[desc].kind;
		order->value = descs[desc].kind == EVENT ? 1 + any(9) : ++serial;
		if ((target && to->queued == MAX_QUEUE) || ask(worker, PUT) < 0)
			return;
		if (descs[desc].kind == EVENT)
			to->counter += order->value;
		else if (target)
			to->queue[to->queued++] = (struct message){ .value = order->value };
	}
}

static void send_some(int worker, int fd)
{
	int target = target_of(table[worker][fd]);
	struct desc *to = &descs[target];
	struct message *message = &to->queue[to->queued];

	if (!target || to->queued == MAX_QUEUE || nr_sent > MANY_SENT)
		return;
	*message = (struct message){ .value = ++serial, .count = 1 + any(MAX_SENT) };
	order->fd = fd;
	order->value = message->value;
	order->count = message->count;
	for (int i = 0; i < message->count; i++) {
		order->fds[i] = pick(worker, NULL);
		message->descs[i] = table[worker][order->fds[i]];
	}
	if (ask(worker, SEND) < 0)
		return;
	to->queued++;
	nr_sent += message->count;
	for (int i = 0; i < message->count; i++)
		descs[message->descs[i]].in_flight++;
}

/* Takes what comes first; it must be what the model has. */
static bool take(int worker, int fd)
{
	int desc = table[worker][fd];
	struct desc *from = &descs[desc];
	struct message first = from->queue[0];

	if (!from->queued)
		return true;
	order->fd = fd;
	order->number = from->kind;
	if (ask(worker, TAKE) != sizeof(first.value) || order->value != first.value ||
	    order->count != first.count)
		return expect(false, "message %u of %u with %d files, of kind %d: %d, errno %d: %u with %d",
			      first.value, serial, first.count, from->kind, order->result,
			      order->error, order->value, order->count);
	memmove(&from->queue[0], &from->queue[1], --from->queued * sizeof(first));
	nr_sent -= first.count;
	for (int i = 0; i < first.count; i++) {
		descs[first.descs[i]].in_flight--;
		has(worker, order->fds[i], first.descs[i]);
	}
	return true;
}

static void watch_one(int worker, int epoll, int fd)
{
	order->fd = epoll;
	order->other = fd;
	order->value = ++serial;
	/* Not in circles, and not twice. */
	if (!ask(worker, WATCH))
		descs[table[worker][fd]].watched++;
}

static void step(void)
{
	int worker = 1 + any(nr_workers), fd = pick(worker, NULL), other;
	enum op op = any(OPS);

	if (op <= NEW_FILE || fd < 0) {
		if (op <= NEW_FILE && fds_of(worker) < MANY_FDS && nr_descs < MAX_DESCS - 2)
			make(worker, op);
		return;
	}
	order->fd = fd;
	switch (op) {
	case DUP:
		order->number = any(100);
		order->other = any(2);
		if (fds_of(worker) < MANY_FDS && ask(worker, DUP) >= 0)
			has(worker, order->result, table[worker][fd]);
		break;
	case CLOSE:
		if (!can_close(table[worker][fd]))
			break;
		ask(worker, CLOSE);
		descs[table[worker][fd]].fds--;
		table[worker][fd] = 0;
		break;
	case PUT:
		put(worker, fd);
		break;
	case SEND:
		fd = pick(worker, can_send);
		if (fd >= 0)
			send_some(worker, fd);
		break;
	case TAKE:
		if (fds_of(worker) < MANY_FDS)
			take(worker, fd);
		break;
	case WATCH:
		fd = pick(worker, is_epoll);
		other = pick(worker, can_watch);
		if (fd >= 0 && other >= 0)
			watch_one(worker, fd, other);
		break;
	case FORK:
		if (nr_workers == WORKERS || any(4))
			break;
		order->number = ++nr_workers;
		pids[nr_workers] = sure(ask(worker, FORK));
		for (fd = 0; fd < MAX_FD; fd++)
			if (table[worker][fd])
				has(nr_workers, fd, table[worker][fd]);
		break;
	default:
		break;
	}
}

/* -- Before and after --------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What all descriptors look like, and what epoll instances tell. */
static struct web {
	struct seen seen[WORKERS + 1][MAX_FD];
	int nr_ready[WORKERS + 1][MAX_FD], ready[WORKERS + 1][MAX_FD][MAX_READY];
} before, after;

static void look_at_all(struct web *web)
{
	for (int worker = 1; worker <= nr_workers; worker++) {
		ask(worker, REPORT);
		memcpy(web->seen[worker], order->seen[worker], sizeof(order->seen[worker]));
		for (int fd = 0; fd < MAX_FD; fd++) {
			int *ready = web->ready[worker][fd];

			if (!is_epoll(table[worker][fd]))
				continue;
			order->fd = fd;
			web->nr_ready[worker][fd] = ask(worker, READY);
			memcpy(ready, order->ready, sizeof(order->ready));
			qsort(ready, web->nr_ready[worker][fd] > 0 ? web->nr_ready[worker][fd] : 0,
			      sizeof(*ready), by_number);
		}
	}
}

static void compare(void)
{
	int different = 0, told_else = 0;

	for (int worker = 1; worker <= nr_workers; worker++) {
		for (int fd = 0; fd < MAX_FD; fd++) {
			int count = before.nr_ready[worker][fd];

			different += !!memcmp(&before.seen[worker][fd], &after.seen[worker][fd],
					      sizeof(struct seen));
			told_else += count != after.nr_ready[worker][fd] ||
				     (count > 0 && memcmp(before.ready[worker][fd], after.ready[worker][fd],
							  count * sizeof(int)));
		}
	}
	expect_eq(different, 0, "descriptors that look different");
	expect_eq(told_else, 0, "epoll instances that tell something else");
}

/* Whether two descriptors are of one description just where the model says so. */
static void compare_descriptions(void)
{
	int wrong = 0, compared = 0;
	int all = nr_workers * MAX_FD;

	for (int a = 0; a < all; a++) {
		int one = 1 + a / MAX_FD, fd = a % MAX_FD;

		for (int b = a + 1; b < all && table[one][fd]; b++) {
			int other = 1 + b / MAX_FD, at = b % MAX_FD;
			long differ;

			if (!table[other][at])
				continue;
			differ = syscall(SYS_kcmp, pids[one], pids[other], KCMP_FILE, fd, at);
			wrong += differ < 0 || (differ == 0) != (table[one][fd] == table[other][at]);
			compared++;
		}
	}
	expect(!wrong && compared, "kcmp: %d wrong of %d", wrong, compared);
}

/* Whether then comes what is to: the end, if there is nobody at the other one, or nothing. */
static bool is_empty(int worker, int fd)
{
	const struct desc *from = &descs[table[worker][fd]];
	bool ends = from->kind != EVENT && from->kind != DATAGRAM && !is_alive(from->other);
	int got;

	order->fd = fd;
	order->number = from->kind;
	got = ask(worker, TAKE);
	return ends ? !got : got < 0 && order->error == EAGAIN;
}

static bool can_take(int desc)
{
	enum kind kind = descs[desc].kind;

	return kind == READER || kind == EVENT || is_socket(kind);
}

/* Takes what waits, of which all must be right; returns how much it was, or -1. */
static int take_of(int worker, int fd)
{
	struct desc *from = &descs[table[worker][fd]];
	int count = 0;

	for (; from->queued; count++)
		if (!take(worker, fd))
			return -1;
	if (from->kind == EVENT && from->counter) {
		order->fd = fd;
		order->number = EVENT;
		ask(worker, TAKE);
		if (order->value != from->counter)
			return -1;
		count++;
	}
	return is_empty(worker, fd) ? count : -1;
}

static void take_all(void)
{
	bool done[MAX_DESCS] = {}, more = true;
	int wrong = 0, taken = 0;

	/* What is received may be a socket with more in it. */
	while (more) {
		more = false;
		for (int worker = 1; worker <= nr_workers; worker++) {
			for (int fd = 0; fd < MAX_FD; fd++) {
				int desc = table[worker][fd], count;

				if (!desc || done[desc] || !can_take(desc))
					continue;
				done[desc] = more = true;
				count = take_of(worker, fd);
				wrong += count < 0;
				taken += count > 0 ? count : 0;
			}
		}
	}
	expect(!wrong && taken, "what waited: %d wrong, %d right", wrong, taken);
}

int main(int argc, char **argv)
{
	const char *wanted = getenv("CR_SEED");

	payload_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	seed = wanted ? atoi(wanted) : (int)now_ns(CLOCK_REALTIME) | 1;
	expect(true, "CR_SEED=%u", seed);
	order = map_anon(sizeof(*order), MAP_SHARED);
	nr_workers = 1;
	pids[1] = sure(fork());
	if (!pids[1])
		work(1);
	for (int i = 0; i < STEPS; i++)
		step();
	look_at_all(&before);
	compare_descriptions();

	if (pause_here()) {
		order->fd = pick(1, NULL);
		ask(1, CLOSE);
	}
	look_at_all(&after);
	compare();
	compare_descriptions();
	take_all();
	compare_descriptions();
	return payload_end();
}
