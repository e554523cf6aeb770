// SPDX-License-Identifier: GPL-2.0
/*
 * What is registered with io_uring: files, of which some are open nowhere else,
 * in a table with gaps, a range and tags; buffers in private and in shared
 * memory, whose pages another process had; eventfds; limits for workers and
 * where they run; descriptors of the instances themselves; with an instance for
 * a single thread, too.
 */
#include "payload.h"
#include "uring.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define PLACES	8

static const char text[] = "0123456789abcdef";

static void update_file(struct ring *ring, int place, int fd, __u64 tag)
{
	struct io_uring_rsrc_update2 update = {
		.offset = place, .nr = 1,
		.data = (uintptr_t)&fd, .tags = (uintptr_t)&tag,
	};

	expect_eq(ring_register(ring, IORING_REGISTER_FILES_UPDATE2, &update, sizeof(update)), 1,
		  "file in place %d", place);
}

/* A read of @len bytes from the file in a place. */
static int read_at(struct ring *ring, int place, char *to, int len)
{
	return request(ring, (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .fd = place,
		.addr = (uintptr_t)to, .len = len, .off = -1,
	});
}

static struct ring files;
static int writer;

static void make_files(void)
{
	struct io_uring_rsrc_register table = { .nr = PLACES, .flags = IORING_RSRC_REGISTER_SPARSE };
	struct io_uring_file_index_range range = { .off = 4, .len = 3 };
	int named, any = sure(open("/dev/zero", O_RDONLY)), ends[2];
	char c[4];

	files = make(4, 0);
	sure(ring_register(&files, IORING_REGISTER_FILES2, &table, sizeof(table)));
	sure(ring_register(&files, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0));
	sure(pipe(ends));
	writer = ends[1];
	update_file(&files, 1, ends[0], 0);
	close(ends[0]);
	sure(write(writer, text, 3));
	write_file(file_at("named"), O_CREAT, text);
	named = sure(open(file_at("named"), O_RDONLY));
	update_file(&files, 3, named, 7);
	expect_eq(read_at(&files, 3, c, 4), 4, "read before");
	sure(close(named));
	/* One that the kernel puts into place 4. */
	expect_eq(request(&files, (struct io_uring_sqe){
		.opcode = IORING_OP_FILES_UPDATE, .addr = (uintptr_t)&any, .len = 1,
		.off = IORING_FILE_INDEX_ALLOC,
	}), 1, "a place for a file");
	expect_eq(any, 4, "which place");
}

static void check_files(void)
{
	char got[8] = "";
	int any = sure(open("/dev/null", O_RDONLY));

	expect_eq(read_at(&files, 1, got, sizeof(got)), 3, "registered pipe");
	expect(!memcmp(got, text, 3), "what it held");
	expect_eq(write(writer, text + 5, 2), 2, "it is still read from");
	expect_eq(read_at(&files, 1, got, sizeof(got)), 2, "registered pipe again");
	expect_eq(read_at(&files, 3, got, 4), 4, "registered file");
	expect(!memcmp(got, text + 4, 4), "its offset");
	expect_eq(read_at(&files, 4, got, 4), 4, "file that the kernel gave a place");
	expect_eq(read_at(&files, 2, got, 4), -EBADF, "a place without a file");
	expect_eq(read_at(&files, PLACES, got, 4), -EBADF, "no place");
	expect_eq(request(&files, (struct io_uring_sqe){
		.opcode = IORING_OP_FILES_UPDATE, .addr = (uintptr_t)&any, .len = 1,
		.off = IORING_FILE_INDEX_ALLOC,
	}), 1, "another place");
	expect_eq(any, 5, "the search goes on");
	update_file(&files, 3, -1, 0);
	expect_eq(files.cqes[*files.cq_head & files.cq_mask].user_data, 7, "tag of a file");
	expect(*files.cq_head + 1 == *files.cq_tail, "one result");
}

static struct ring buffered;
static char *private, *shared;

static void make_buffers(void)
{
	struct io_uring_rsrc_register table = { .nr = 4, .flags = IORING_RSRC_REGISTER_SPARSE };
	int memfd = sure(memfd_create("buffer", 0));
	__u64 tags[2] = { 0, 9 };
	struct iovec vec[2];
	struct io_uring_rsrc_update2 update = {
		.offset = 1, .nr = 2, .data = (uintptr_t)vec, .tags = (uintptr_t)tags,
	};

	buffered = make(4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	private = map_anon(4 * PAGE, MAP_PRIVATE);
	sure(ftruncate(memfd, 2 * PAGE));
	shared = sure(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0));
	memset(private, 'p', 4 * PAGE);
	strcpy(private + 100, text);
	strcpy(shared + PAGE - 4, text);
	vec[0] = (struct iovec){ private + 100, 2 * PAGE };
	vec[1] = (struct iovec){ shared, 2 * PAGE };
	sure(ring_register(&buffered, IORING_REGISTER_BUFFERS2, &table, sizeof(table)));
	expect_eq(ring_register(&buffered, IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof(update)), 2,
		  "buffers");
}

static int fixed(int opcode, int fd, char *at, int len, int buffer)
{
	return request(&buffered, (struct io_uring_sqe){
		.opcode = opcode, .fd = fd, .addr = (uintptr_t)at, .len = len, .off = -1,
		.buf_index = buffer,
	});
}

/* Through the kernel's view of the memory, and through that of the program. */
static void check_buffer(char *at, int buffer)
{
	char got[sizeof(text)] = "";
	int ends[2];

	sure(pipe(ends));
	expect_eq(fixed(IORING_OP_WRITE_FIXED, ends[1], at, sizeof(text), buffer), sizeof(text),
		  "buffer %d: written", buffer);
	expect_eq(read(ends[0], got, sizeof(got)), sizeof(got), "buffer %d: read", buffer);
	expect(!strcmp(got, text), "buffer %d: contents", buffer);
	sure(write(ends[1], "new", 3));
	expect_eq(fixed(IORING_OP_READ_FIXED, ends[0], at + 1, 3, buffer), 3, "buffer %d: filled",
		  buffer);
	expect(!memcmp(at, "0new4", 5), "buffer %d is the memory", buffer);
	sure(close(ends[0]));
	sure(close(ends[1]));
}

static void check_buffers(void)
{
	char c;

	check_buffer(private + 100, 1);
	check_buffer(shared + PAGE - 4, 2);
	expect(private[2 * PAGE + 99] == 'p', "the rest of a buffer");
	expect_eq(fixed(IORING_OP_WRITE_FIXED, 1, &c, 1, 1), -EFAULT, "outside of a buffer");
	expect_eq(fixed(IORING_OP_WRITE_FIXED, 1, private, 1, 3), -EFAULT, "a place without a buffer");
	sure(ring_register(&buffered, IORING_UNREGISTER_BUFFERS, NULL, 0));
	expect_eq(buffered.cqes[*buffered.cq_head & buffered.cq_mask].user_data, 9, "tag of a buffer");
}

static struct ring told, told_of_workers;
static int event, event_of_workers;

static void make_eventfds(void)
{
	told = make(4, 0);
	told_of_workers = make(4, 0);
	event = sure(eventfd(0, EFD_NONBLOCK));
	event_of_workers = sure(eventfd(5, EFD_NONBLOCK));
	sure(ring_register(&told, IORING_REGISTER_EVENTFD, &event, 1));
	sure(ring_register(&told_of_workers, IORING_REGISTER_EVENTFD_ASYNC, &event_of_workers, 1));
	submit(&told, 1, 2);
	submit(&told_of_workers, 1, 1);
}

static void check_eventfds(void)
{
	eventfd_t count = 0, more = 0;

	eventfd_read(event, &count);
	expect(count > 0, "what an eventfd was told before");
	expect(fetch(&told, 1, 2), "results");
	submit(&told, 3, 1);
	eventfd_read(event, &more);
	expect_eq(more, 1, "an eventfd is told");
	submit(&told_of_workers, 2, 1);
	eventfd_read(event_of_workers, &count);
	expect_eq(count, 5, "an eventfd is not told of what no worker has done");
	sure(ring_register(&told, IORING_UNREGISTER_EVENTFD, NULL, 0));
}

static struct ring limited;

/* Enters the instance that is registered in a place. */
static int enter_place(int place, int nr)
{
	return syscall(SYS_io_uring_enter, place, nr, nr,
		       IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL, 0);
}

static void register_ring(struct ring *ring, int place)
{
	struct io_uring_rsrc_update update = { .offset = place, .data = ring->fd };

	expect_eq(ring_register(ring, IORING_REGISTER_RING_FDS, &update, 1), 1, "place %d for a ring",
		  place);
}

/* Before there is any worker, which would stay where it is. */
static void make_limits(void)
{
	unsigned int most[2] = { 3, 5 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	limited = make(4, 0);
	sure(ring_register(&limited, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2));
	sure(ring_register(&limited, IORING_REGISTER_IOWQ_AFF, &cpus, sizeof(cpus)));
}

static void register_rings(void)
{
	register_ring(&limited, 2);
	register_ring(&files, 15);
	/* It is open nowhere else from here on. */
	sure(close(limited.fd));
}

/* Where the workers of this process may run. */
static void check_workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	char path[48], name[64];
	int nr = 0;

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", atoi(entry->d_name));
		if (read_file(path, name, sizeof(name)) <= 0 || strncmp(name, "iou-wrk", 7))
			continue;
		nr++;
		snprintf(path, sizeof(path), "self/task/%d", atoi(entry->d_name));
		const char *where = status_field(path, "Cpus_allowed_list");

		expect(!strcmp(where, "0"), "where a worker may run: %s", where);
	}
	closedir(dir);
	expect(nr > 0, "there is a worker");
}

static void check_limits(void)
{
	struct io_uring_sqe sync = { .opcode = IORING_OP_FSYNC, .fd = writer, .user_data = 1 };
	struct io_uring_rsrc_update update = { .offset = 2 };
	unsigned int most[2] = { 0, 0 };

	prepare(&limited, 1, 1);
	limited.sqes[(*limited.sq_tail - 1) & limited.sq_mask] = sync;
	expect_eq(enter_place(2, 1), 1, "a registered descriptor");
	check_workers();
	expect_errno(enter_place(3, 0), EBADF, "a place without one");
	limited.fd = 2;
	expect_eq(ring_register(&limited,
				IORING_REGISTER_IOWQ_MAX_WORKERS | IORING_REGISTER_USE_REGISTERED_RING,
				most, 2), 0, "limits");
	expect(most[0] == 3 && most[1] == 5, "limits: %u %u", most[0], most[1]);
	prepare(&files, 1, 1);
	expect_eq(enter_place(15, 1), 1, "another registered descriptor");
	++*files.cq_head;
	sure(ring_register(&limited, IORING_UNREGISTER_RING_FDS | IORING_REGISTER_USE_REGISTERED_RING,
			   &update, 1));
}

static pthread_mutex_t at_work = PTHREAD_MUTEX_INITIALIZER;

/* Another thread has nothing registered. */
static void *other_thread(void *unused)
{
	pthread_mutex_lock(&at_work);
	expect_errno(enter_place(2, 0), EINVAL, "another thread has no registered descriptors");
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t other;

	payload_begin(argc, argv);
	make_limits();
	make_files();
	make_buffers();
	make_eventfds();
	register_rings();
	pthread_mutex_lock(&at_work);
	pthread_create(&other, NULL, other_thread, NULL);
	if (pause_here()) {
		update_file(&files, 1, -1, 0);
		private[101] = 'x';
		sure(ring_register(&told, IORING_UNREGISTER_EVENTFD, NULL, 0));
	}
	pthread_mutex_unlock(&at_work);
	pthread_join(other, NULL);
	check_limits();
	check_files();
	check_buffers();
	check_eventfds();
	return payload_end();
}
