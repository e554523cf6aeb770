// SPDX-License-Identifier: GPL-2.0
/* Maps of bpf(2): what is in them, and what they are. */
#include "maps.h"

/* Values for each of so many processors are read at once. */
#define MOST_CPUS	1024

static int array, percpu_array, hash, percpu_hash, trie, queue, stack, frozen, read_only;

static int count(int fd)
{
	char key[2][16] = { { 0 } };
	int n = 0, at = 0;
	union bpf_attr attr = { .map_fd = fd, .next_key = (uintptr_t)key[0] };

	while (!bpf(BPF_MAP_GET_NEXT_KEY, &attr)) {
		n++;
		attr.key = (uintptr_t)key[at];
		at = !at;
		attr.next_key = (uintptr_t)key[at];
	}
	return n;
}

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = {
		.info = { .bpf_fd = fd, .info_len = sizeof(info), .info = (uintptr_t)&info },
	};

	sure(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	return info;
}

struct prefix {
	uint32_t length;
	uint8_t address[4];
};

static const struct prefix wide = { 8, { 10, 0, 0, 0 } }, narrow = { 16, { 10, 1, 0, 0 } };

static void fill(void)
{
	static uint64_t values[MOST_CPUS];
	uint32_t key, value;

	for (size_t i = 0; i < MOST_CPUS; i++)
		values[i] = 1000 + i;
	for (key = 0; key < 5; key++) {
		char text[13] = { 0 };

		snprintf(text, sizeof(text), "value %u", key);
		sure(map_put(array, &key, text));
		value = key * key;
		sure(map_put(hash, &key, &value));
		sure(map_put(queue, NULL, &value));
		sure(map_put(stack, NULL, &value));
	}
	key = 2;
	sure(map_call(BPF_MAP_DELETE_ELEM, hash, &key, NULL, 0));
	/* The first places are free again. */
	sure(map_call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, queue, NULL, &value, 0));
	sure(map_put(queue, NULL, &(uint32_t){ 77 }));
	key = 1;
	sure(map_put(percpu_array, &key, values));
	sure(map_put(percpu_hash, &key, values));
	sure(map_put(trie, &wide, &(uint32_t){ 8 }));
	sure(map_put(trie, &narrow, &(uint32_t){ 16 }));
	key = 0;
	sure(map_put(frozen, &key, &(uint32_t){ 5 }));
	sure(bpf(BPF_MAP_FREEZE, &(union bpf_attr){ .map_fd = frozen }));
}

static void check_percpu(int fd, const char *what)
{
	static uint64_t values[MOST_CPUS];
	uint32_t key = 1;
	bool same = true;

	memset(values, 0, sizeof(values));
	expect_eq(map_get(fd, &key, values), 0, "%s: an element", what);
	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++)
		same &= values[cpu] == (uint64_t)(1000 + cpu);
	expect(same, "%s: values of all processors", what);
}

static void check_line(int fd, const uint32_t *wanted, int nr, const char *what)
{
	uint32_t value = 0;

	for (int i = 0; i < nr; i++) {
		sure(map_call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, NULL, &value, 0));
		expect_eq(value, wanted[i], "%s: element %d", what, i);
	}
	expect_errno(map_call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, NULL, &value, 0), ENOENT, what);
}

static void check(void)
{
	static const uint32_t from_queue[] = { 1, 4, 9, 16, 77 }, from_stack[] = { 16, 9, 4, 1, 0 };
	struct prefix address = { 32, { 10, 1, 2, 3 } };
	struct bpf_map_info info = info_of(hash);
	uint32_t key = 3, value = 0;
	char text[13] = { 0 };

	expect_eq(map_get(array, &key, text), 0, "array: an element");
	expect(!strcmp(text, "value 3"), "array: its value");
	expect_eq(map_get(hash, &key, &value), 0, "hash table: an element");
	expect_eq(value, 9, "hash table: its value");
	key = 2;
	expect_errno(map_get(hash, &key, &value), ENOENT, "hash table: what was deleted");
	expect_eq(count(hash), 4, "hash table: elements");
	check_percpu(percpu_array, "array for processors");
	check_percpu(percpu_hash, "hash table for processors");
	expect_eq(count(percpu_hash), 1, "hash table for processors: elements");
	expect_eq(map_get(trie, &address, &value), 0, "trie: a prefix");
	expect_eq(value, 16, "trie: the longest one");
	address.address[1] = 7;
	sure(map_get(trie, &address, &value));
	expect_eq(value, 8, "trie: a shorter one");
	check_line(queue, from_queue, ARRAY_SIZE(from_queue), "queue");
	check_line(stack, from_stack, ARRAY_SIZE(from_stack), "stack");
	key = 0;
	expect_eq(map_get(frozen, &key, &value), 0, "frozen: an element");
	expect_eq(value, 5, "frozen: its value");
	expect_errno(map_put(frozen, &key, &value), EPERM, "frozen: it cannot be changed");
	expect_errno(map_put(read_only, &key, &value), EPERM, "read-only: by this descriptor");
	expect_eq(map_get(read_only, &key, &value), 0, "read-only: it can be read");
	expect_eq(info.type, BPF_MAP_TYPE_HASH, "type");
	expect_eq(info.max_entries, 8, "most elements");
	expect_eq(info.map_flags, BPF_F_NO_PREALLOC, "flags");
	expect(!strcmp(info.name, "selftest"), "name");
	for (key = 100; key < 104; key++)
		sure(map_put(hash, &key, &value));
	expect_errno(map_put(hash, &key, &value), E2BIG, "hash table: it is full");
}

/* The same map, by a descriptor that was inherited. */
static int sharer(void *unused)
{
	uint32_t key = 4, value = 44;

	(void)unused;
	await("checked");
	expect_eq(map_put(percpu_hash, &key, (uint64_t[MOST_CPUS]){ value }), 0, "a map that is shared");
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t key = 4;
	pid_t pid;

	payload_begin(argc, argv);
	array = map_create(BPF_MAP_TYPE_ARRAY, 4, 13, 5, 0);
	percpu_array = map_create(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 2, 0);
	hash = map_create(BPF_MAP_TYPE_HASH, 4, 4, 8, BPF_F_NO_PREALLOC);
	percpu_hash = map_create(BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 8, 0);
	trie = map_create(BPF_MAP_TYPE_LPM_TRIE, 8, 4, 8, BPF_F_NO_PREALLOC);
	queue = map_create(BPF_MAP_TYPE_QUEUE, 0, 4, 5, 0);
	stack = map_create(BPF_MAP_TYPE_STACK, 0, 4, 5, 0);
	frozen = map_create(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	read_only = map_create(BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_RDONLY);
	fill();
	pid = child(sharer, NULL);
	if (pause_here())
		sure(map_put(array, &(uint32_t){ 3 }, "spoilt"));
	check();
	tell("checked");
	reap(pid);
	expect_eq(map_get(percpu_hash, &key, (uint64_t[MOST_CPUS]){ 0 }), 0, "what another process has put");
	return payload_end();
}
