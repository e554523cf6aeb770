// SPDX-License-Identifier: GPL-2.0
/*
 * mutate IMAGE SECONDS SEED [DIR]: restart changed copies of a good image for so long
 *
 * The changes know what an image is made of: records are left out, doubled,
 * exchanged, cut and lengthened; ids, counts, lengths, addresses, flags and
 * pids get values of their neighbours, or values from the edge. All checksums
 * are right afterwards, so that the changes get to the code that believes them.
 * What comes to life is killed at once. Prints how often what happened; that
 * nothing breaks is for the caller to see.
 *
 * With a kernel that has kcov, an image that reaches code which no other has
 * reached is kept, and changed further. They are kept in DIR, together with the
 * addresses that were reached, for the next run.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/cr.h>
#include <linux/cr_image.h>
#include <linux/kcov.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RECORDS	4096
#define ROOM		(1 << 20)

struct record {
	size_t at, length;
};

/* What kcov may collect of one restart, in words: by the caller, by the new tasks. */
#define TRACE_WORDS	(1 << 19)
#define HANDLE		0x6372
#define HANDLE_FILE	"/sys/module/cr/parameters/kcov_handle"
/* Addresses that were reached: a hash table, which is never full. */
#define MAX_REACHED	(1 << 17)
#define MAX_KEPT	256
#define MAX_KEPT_LEN	(64 << 20)
#define MAX_GROWTH	(16 << 10)

struct image {
	unsigned char *bytes;
	size_t len;
};

static struct image good, kept[MAX_KEPT];
static int nr_kept;
static size_t kept_len;
static uint64_t reached[MAX_REACHED], *traces[2];
static unsigned int nr_reached;
static unsigned char *bad;
static size_t bad_len;
static struct record records[MAX_RECORDS];
static int nr_records;
static uint64_t state;
static unsigned int table[256];

static uint64_t random64(void)
{
	/* xorshift64* */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t limit)
{
	return limit ? random64() % limit : 0;
}

static uint32_t crc32c(const unsigned char *bytes, size_t len)
{
	uint32_t crc = ~0u;

	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *bytes++) & 0xff];
	return ~crc;
}

static size_t padded(uint64_t len)
{
	return (len + 7) / 8 * 8;
}

static struct cr_img_record *head(struct record *rec)
{
	return (struct cr_img_record *)(bad + rec->at);
}

static unsigned char *payload(struct record *rec)
{
	return bad + rec->at + sizeof(struct cr_img_record);
}

static void seal(struct record *rec)
{
	struct cr_img_record *h = head(rec);
	size_t len = padded(rec->length);

	h->crc = crc32c((void *)h, offsetof(struct cr_img_record, crc));
	((struct cr_img_tail *)(payload(rec) + len))->crc = crc32c(payload(rec), len);
}

/* Where the records of the image are by now. */
static void find_records(void)
{
	size_t at = sizeof(struct cr_img_header);

	nr_records = 0;
	while (at + sizeof(struct cr_img_record) <= bad_len && nr_records < MAX_RECORDS) {
		struct record *rec = &records[nr_records++];

		rec->at = at;
		rec->length = head(rec)->length;
		at += sizeof(struct cr_img_record) + padded(rec->length) + sizeof(struct cr_img_tail);
	}
}

static size_t end_of(struct record *rec)
{
	return rec->at + sizeof(struct cr_img_record) + padded(rec->length) +
	       sizeof(struct cr_img_tail);
}

static struct record *any_record(void)
{
	struct record *rec;

	/* Contents of pages are not looked at, and take time to sum up. */
	do
		rec = &records[below(nr_records)];
	while (head(rec)->tag == CR_TAG_PAGES && below(8));
	return rec;
}

static uint64_t edge(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 7, 8, 63, 64, 65, 255, 4095, 4096, 4097, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 1ull << 32, 0x7ffffffff000, 0x7fffffffffff,
		0x800000000000, 0xff000000000000, 1ull << 62, ~0ull >> 1, 1ull << 63,
		~0ull, ~0ull - 4095, 0xffff888000000000, 0xffffffff81000000,
	};

	return values[below(sizeof(values) / sizeof(*values))];
}

/* Some member of a payload gets another value. */
static void change_member(struct record *rec)
{
	size_t size = below(2) ? 8 : 4, at;
	uint64_t value = 0;
	unsigned char *place;

	if (rec->length < size)
		return;
	at = below(rec->length / size) * size;
	place = payload(rec) + at;
	memcpy(&value, place, size);
	switch (below(6)) {
	case 0:
		value = edge();
		break;
	case 1:
		value += below(2) ? 1 : -1;
		break;
	case 2:
		value ^= 1ull << below(size * 8);
		break;
	case 3:
		value += below(2) ? 4096 : -4096;
		break;
	case 4: {
		/* What another one of its kind has there. */
		struct record *other = &records[below(nr_records)];

		for (int i = 0; i < 50 && head(other)->tag != head(rec)->tag; i++)
			other = &records[below(nr_records)];
		if (other->length >= at + size)
			memcpy(&value, payload(other) + at, size);
		break;
	}
	default:
		/* The id of another object. */
		value = head(&records[below(nr_records)])->id;
	}
	memcpy(place, &value, size);
}

/* The record becomes as long, with room made or taken away behind it. */
static void resize(struct record *rec, uint64_t length)
{
	size_t from = rec->at + sizeof(struct cr_img_record) + padded(rec->length);
	size_t to = rec->at + sizeof(struct cr_img_record) + padded(length);

	if (bad_len + padded(length) > good.len + ROOM / 2)
		return;
	memmove(bad + to, bad + from, bad_len - from);
	if (to > from)
		memset(bad + from, 0, to - from);
	bad_len += to - from;
	rec->length = length;
	head(rec)->length = length;
	memset(payload(rec) + length, 0, padded(length) - length);
	seal(rec);
	find_records();
}

static void change_order(void)
{
	struct record *a = any_record(), *b = any_record();
	size_t len = end_of(a) - a->at, at = b->at;
	unsigned char *copy = malloc(len);

	if (!copy)
		err(1, "malloc");
	memcpy(copy, bad + a->at, len);
	if (below(3)) {
		/* Take it away, or move it. */
		memmove(bad + a->at, bad + end_of(a), bad_len - end_of(a));
		bad_len -= len;
		if (at > a->at)
			at -= len;
	}
	if (below(3) && bad_len + len < good.len + ROOM / 2) {
		memmove(bad + at + len, bad + at, bad_len - at);
		memcpy(bad + at, copy, len);
		bad_len += len;
	}
	free(copy);
	find_records();
}

/* The last record counts the others: let it be right, most of the time. */
static void count(void)
{
	struct record *last = &records[nr_records - 1];
	struct cr_img_end *end = (void *)payload(last);

	if (!nr_records || head(last)->tag != CR_TAG_END || last->length < sizeof(*end))
		return;
	end->nr_records = nr_records - 1;
	end->length = last->at;
	seal(last);
}

static void mutate(void)
{
	const struct image *from = nr_kept && below(2) ? &kept[below(nr_kept)] : &good;

	memcpy(bad, from->bytes, from->len);
	bad_len = from->len;
	find_records();
	for (uint64_t n = 1 + below(3); n && nr_records > 1; n--) {
		struct record *rec = any_record();
		uint64_t length = rec->length;

		switch (below(20)) {
		case 0:
			change_order();
			continue;
		case 1:
			resize(rec, below(2) ? below(length + 1) : length + below(200));
			continue;
		case 2:
			head(rec)->id = below(2) ? edge() : head(any_record())->id;
			break;
		case 3:
			if (below(2))
				head(rec)->tag = head(any_record())->tag;
			else
				head(rec)->version += 1;
			break;
		default:
			change_member(rec);
		}
		seal(rec);
	}
	if (below(20))
		count();
}

static void *trace(int *fd)
{
	void *area;

	*fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (*fd < 0 || ioctl(*fd, KCOV_INIT_TRACE, TRACE_WORDS))
		return NULL;
	area = mmap(NULL, TRACE_WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		    MAP_SHARED, *fd, 0);
	return area == MAP_FAILED ? NULL : area;
}

/* What the tasks do that a restart creates goes to an instance of its own. */
static void *trace_others(void *ready)
{
	struct kcov_remote_arg arg = {
		.trace_mode = KCOV_TRACE_PC,
		.area_size = TRACE_WORDS / 8,
		.common_handle = kcov_remote_handle(KCOV_SUBSYSTEM_COMMON, HANDLE),
	};
	int fd, param = open(HANDLE_FILE, O_WRONLY | O_CLOEXEC);

	traces[1] = trace(&fd);
	if (traces[1] && (ioctl(fd, KCOV_REMOTE_ENABLE, &arg) || param < 0 ||
			  dprintf(param, "%u", HANDLE) < 0))
		err(1, "kcov");
	pthread_barrier_wait(ready);
	for (;;)
		pause();
	return NULL;
}

static void start_tracing(void)
{
	pthread_barrier_t ready;
	pthread_t thread;
	int fd;

	traces[0] = trace(&fd);
	if (!traces[0])
		return;
	if (pthread_barrier_init(&ready, NULL, 2) ||
	    pthread_create(&thread, NULL, trace_others, &ready))
		errx(1, "a thread");
	pthread_barrier_wait(&ready);
	if (ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		err(1, "kcov");
}

/* Is this the first time that it is reached? */
static bool reach(uint64_t pc)
{
	uint64_t at = pc * 0x9e3779b97f4a7c15ull >> 47;

	for (; reached[at]; at = (at + 1) % MAX_REACHED)
		if (reached[at] == pc)
			return false;
	if (nr_reached >= MAX_REACHED / 2)
		errx(1, "more addresses than expected");
	reached[at] = pc;
	nr_reached++;
	return true;
}

static void keep(const unsigned char *bytes, size_t len)
{
	struct image *image = &kept[nr_kept];

	/* Those that grow and grow take ever more time. */
	if (nr_kept == MAX_KEPT || kept_len + len > MAX_KEPT_LEN || len > good.len + MAX_GROWTH)
		return;
	image->bytes = malloc(len);
	if (!image->bytes)
		err(1, "malloc");
	memcpy(image->bytes, bytes, len);
	image->len = len;
	kept_len += len;
	nr_kept++;
}

static void clear_traces(void)
{
	for (int i = 0; i < 2; i++)
		if (traces[i])
			__atomic_store_n(&traces[i][0], 0, __ATOMIC_RELAXED);
}

/* Looks at what the restart reached; says whether there is anything new. */
static bool read_traces(void)
{
	bool new = false;

	for (int i = 0; i < 2; i++) {
		uint64_t n = traces[i] ? __atomic_load_n(&traces[i][0], __ATOMIC_RELAXED) : 0;

		for (uint64_t at = 1; at <= n && at < TRACE_WORDS; at++)
			new |= reach(traces[i][at]);
	}
	return new;
}

static struct image read_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct image image = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", name);
	image.len = st.st_size;
	image.bytes = malloc(image.len + 1);
	if (!image.bytes || read(fd, image.bytes, image.len) != (ssize_t)image.len)
		err(1, "%s", name);
	close(fd);
	return image;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd))
		err(1, "%s", name);
}

/* What an earlier run has kept in the current directory. */
static void read_kept(void)
{
	DIR *dir = opendir(".");
	struct dirent *entry;

	if (!dir)
		err(1, "DIR");
	while ((entry = readdir(dir))) {
		struct image image;

		if (strncmp(entry->d_name, "kept-", 5) && strcmp(entry->d_name, "reached"))
			continue;
		image = read_file(entry->d_name);
		if (entry->d_name[0] == 'k') {
			keep(image.bytes, image.len);
		} else {
			for (size_t at = 0; at + 8 <= image.len; at += 8)
				reach(*(uint64_t *)(image.bytes + at));
		}
		free(image.bytes);
	}
	closedir(dir);
}

static void write_kept(int from, const char *seed)
{
	uint64_t *list = malloc((nr_reached + 1) * sizeof(*list));
	size_t n = 0;
	char name[64];

	for (; from < nr_kept; from++) {
		snprintf(name, sizeof(name), "kept-%s-%d", seed, from);
		write_file(name, kept[from].bytes, kept[from].len);
	}
	if (!list)
		err(1, "malloc");
	for (size_t at = 0; at < MAX_REACHED; at++)
		if (reached[at])
			list[n++] = reached[at];
	write_file("reached", list, n * sizeof(*list));
	free(list);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int restart(int device, int image, int null)
{
	struct cr_external_fd externals[] = { { 0, null }, { 1, null }, { 2, null } };
	struct cr_restart args = {
		.size = sizeof(args),
		.image_fd = image,
		.log_fd = -1,
		.root_fd = -1,
		.cgroup_fd = -1,
		.nr_externals = 3,
		.externals = (uintptr_t)externals,
	};
	siginfo_t info;
	int error;

	if (lseek(image, 0, SEEK_SET) || ftruncate(image, 0) ||
	    pwrite(image, bad, bad_len, 0) != (ssize_t)bad_len)
		err(1, "image");
	clear_traces();
	error = ioctl(device, CR_IOC_RESTART, &args) ? errno : 0;
	if (error)
		return error;
	sched_yield();
	if (kill(args.pid, SIGKILL) || waitid(P_PID, args.pid, &info, WEXITED))
		err(1, "a container that cannot be killed");
	close(args.pidfd);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long long tried = 0, outcome[256] = { 0 };
	int device, image, null, before;
	double end;

	if (argc != 4 && argc != 5)
		errx(2, "usage: mutate IMAGE SECONDS SEED [DIR]");
	for (unsigned int n = 0; n < 256; n++) {
		table[n] = n;
		for (int i = 0; i < 8; i++)
			table[n] = table[n] >> 1 ^ (table[n] & 1 ? 0x82f63b78 : 0);
	}
	state = strtoull(argv[3], NULL, 0) * 2 + 1;
	good = read_file(argv[1]);
	bad = malloc(good.len + 2 * ROOM);
	device = open(CR_DEVICE, O_RDWR | O_CLOEXEC);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	image = memfd_create("image", MFD_CLOEXEC);
	if (!bad || device < 0 || null < 0 || image < 0)
		err(1, "open");
	if (argc == 5) {
		if (chdir(argv[4]))
			err(1, "%s", argv[4]);
		read_kept();
		start_tracing();
	}
	before = nr_kept;

	memcpy(bad, good.bytes, good.len);
	bad_len = good.len;
	if (restart(device, image, null))
		warn("the good image");
	read_traces();
	for (end = now() + atof(argv[2]); now() < end; tried++) {
		mutate();
		outcome[restart(device, image, null) & 0xff]++;
		if (read_traces())
			keep(bad, bad_len);
	}
	printf("%llu tried:", tried);
	for (int n = 0; n < 256; n++)
		if (outcome[n])
			printf(" %llu %s", outcome[n], n ? strerrorname_np(n) : "restarted");
	printf("\n");
	if (argc == 5)
		write_kept(before, argv[3]);
	return 0;
}
