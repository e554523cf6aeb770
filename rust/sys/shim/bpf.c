// SPDX-License-Identifier: GPL-2.0
/*
 * Maps of bpf(2). Those that are read stand still: nobody but the container has
 * them, and no program uses them. Those that are made, nobody knows yet.
 */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <asm/rqspinlock.h>
#include <asm/unistd_64.h>

#include "bpf_types.h"
#include "shim.h"

/* What stays with a map. */
#define LASTING_FLAGS	(~(BPF_F_RDONLY | BPF_F_WRONLY))

bool cr_shim_is_bpf_map(struct file *file)
{
	return file->f_op == &bpf_map_fops;
}

static bool is_percpu(const struct bpf_map *map)
{
	return map->map_type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       map->map_type == BPF_MAP_TYPE_PERCPU_HASH;
}

static bool is_line(const struct bpf_map *map)
{
	return map->map_type == BPF_MAP_TYPE_QUEUE ||
	       map->map_type == BPF_MAP_TYPE_STACK;
}

/* Bytes of a value, of which there is one for each processor, or one. */
static size_t value_len(const struct bpf_map *map)
{
	return is_percpu(map) ? round_up(map->value_size, 8) : map->value_size;
}

static size_t values_len(const struct bpf_map *map)
{
	return value_len(map) * (is_percpu(map) ? num_possible_cpus() : 1);
}

static bool is_known(enum bpf_map_type type)
{
	switch (type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return true;
	default:
		return false;
	}
}

/* All but its elements; returns what is not supported of it, as bits: CR_BPF_X_*. */
u32 cr_shim_bpf_read(struct file *file, struct cr_img_bpf_map *out)
{
	struct bpf_map *map = file->private_data;
	u32 found = 0;

	BUILD_BUG_ON(sizeof(out->name) != sizeof(map->name));

	memset(out, 0, sizeof(*out));
	out->type = map->map_type;
	out->key_size = map->key_size;
	out->value_size = map->value_size;
	out->max_entries = map->max_entries;
	out->map_flags = map->map_flags & LASTING_FLAGS;
	if (!(file->f_mode & FMODE_WRITE))
		out->map_flags |= BPF_F_RDONLY;
	else if (!(file->f_mode & FMODE_READ))
		out->map_flags |= BPF_F_WRONLY;
	if (map->map_flags & BPF_F_NUMA_NODE)
		out->numa_node = map->numa_node;
	if (is_percpu(map))
		out->nr_cpus = num_possible_cpus();
	if (READ_ONCE(map->frozen))
		out->flags |= CR_BPF_MAP_FROZEN;
	memcpy(out->name, map->name, sizeof(out->name));

	/* Those on a network device cannot be walked through. */
	if (!is_known(map->map_type) || !map->ops->map_get_next_key)
		found |= BIT(CR_BPF_X_TYPE);
	if (map->btf || !IS_ERR_OR_NULL(map->record) || map->inner_map_meta)
		found |= BIT(CR_BPF_X_BTF);
	if (atomic64_read(&map->refcnt) != 1 ||
	    atomic64_read(&map->usercnt) != 1 || map->excl || map->owner)
		found |= BIT(CR_BPF_X_USED);
	return found;
}

/* Where elements are put, as many as fit. */
struct room {
	u8 *buf;
	size_t size, length;
	u32 nr;
};

static u8 *take(struct room *room, size_t length)
{
	size_t at = room->length;

	room->length += length;
	return room->length <= room->size ? room->buf + at : NULL;
}

/* -EAGAIN: it is just being changed. */
static int read_values(struct bpf_map *map, void *key, u8 *to)
{
	const void *value;
	int cpu;

	if (!is_percpu(map)) {
		value = map->ops->map_lookup_elem(map, key);
		if (IS_ERR_OR_NULL(value))
			return -EAGAIN;
		memcpy(to, value, map->value_size);
		return 0;
	}
	for_each_possible_cpu(cpu) {
		value = map->ops->map_lookup_percpu_elem(map, key, cpu);
		if (!value)
			return -EAGAIN;
		memset(to, 0, value_len(map));
		memcpy(to, value, map->value_size);
		to += value_len(map);
	}
	return 0;
}

/* A key is read to @key, which has room for two. */
static int read_keys(struct bpf_map *map, u8 *key, struct room *room)
{
	u8 *prev = NULL, *next = key;
	int err = 0;
	u8 *to;

	for (;;) {
		rcu_read_lock();
		if (!map->ops->map_get_next_key(map, prev, next)) {
			to = take(room, map->key_size + values_len(map));
			if (to) {
				memcpy(to, next, map->key_size);
				err = read_values(map, next, to + map->key_size);
			}
			room->nr++;
		} else {
			next = NULL;
		}
		rcu_read_unlock();
		/* No image has room for more. */
		if (err || !next || room->length > CR_IMG_MAX_PAYLOAD)
			return err;
		if (room->nr > map->max_entries)
			return -EAGAIN;
		prev = next;
		next = next == key ? key + map->key_size : key;
		cond_resched();
	}
}

static void read_line(struct bpf_map *map, struct room *room)
{
	const struct bpf_queue_stack *line =
		container_of(map, struct bpf_queue_stack, map);
	u32 at;
	u8 *to;

	for (at = line->tail; at != line->head; at = at + 1 == line->size ? 0 : at + 1) {
		to = take(room, map->value_size);
		if (to)
			memcpy(to, &line->elements[(size_t)at * map->value_size],
			       map->value_size);
		room->nr++;
	}
}

/*
 * Its elements, those of a queue or stack from the oldest one on: how many bytes
 * they take, of which as many whole ones as fit are written, and how many they are.
 */
int cr_shim_bpf_elements(struct file *file, u8 *buf, size_t size, size_t *length,
			 u32 *nr)
{
	struct bpf_map *map = file->private_data;
	struct room room = { .buf = buf, .size = size };
	int err = 0;
	u8 *key;

	if (is_line(map)) {
		read_line(map, &room);
	} else {
		key = kvzalloc(2 * (size_t)map->key_size, GFP_KERNEL);
		if (!key)
			return -ENOMEM;
		err = read_keys(map, key, &room);
		kvfree(key);
	}
	*length = room.length;
	*nr = room.nr;
	return err;
}

/* A map without elements; for a moment, the current task has a descriptor of it. */
struct file *cr_shim_bpf_make(const struct cr_img_bpf_map *in)
{
	union bpf_attr attr = {
		.map_type = in->type,
		.key_size = in->key_size,
		.value_size = in->value_size,
		.max_entries = in->max_entries,
		.map_flags = in->map_flags,
		.numa_node = in->numa_node,
	};
	const struct bpf_map *map;
	struct file *file;

	if (in->nr_cpus && in->nr_cpus != num_possible_cpus())
		return ERR_PTR(-ERANGE);
	memcpy(attr.map_name, in->name, sizeof(attr.map_name));
	file = cr_shim_make_with(__NR_bpf, BPF_MAP_CREATE, &attr,
				 offsetofend(union bpf_attr, map_extra));
	if (IS_ERR(file))
		return file;
	/* Somebody else may have had the descriptor in between. */
	map = cr_shim_is_bpf_map(file) ? file->private_data : NULL;
	if (map && map->map_type == in->type && map->key_size == in->key_size &&
	    map->value_size == in->value_size &&
	    map->max_entries == in->max_entries &&
	    atomic64_read(&map->refcnt) == 1 && file_count(file) == 1)
		return file;
	fput(file);
	return ERR_PTR(-EBADF);
}

static int write_values(struct bpf_map *map, u8 *key, u8 *values)
{
	void *value;
	int err, cpu;

	if (map->map_type != BPF_MAP_TYPE_PERCPU_ARRAY) {
		err = map->ops->map_update_elem(map, key, values, BPF_ANY);
		if (err || !is_percpu(map))
			return err;
	}
	for_each_possible_cpu(cpu) {
		value = map->ops->map_lookup_percpu_elem(map, key, cpu);
		if (!value)
			return -EINVAL;
		memcpy(value, values, map->value_size);
		values += value_len(map);
	}
	return 0;
}

/* Puts @nr elements, which are there, into a map that nobody else has. */
int cr_shim_bpf_fill(struct file *file, const u8 *elements, u32 nr)
{
	struct bpf_map *map = file->private_data;
	size_t each = map->key_size + values_len(map);
	u8 *element = kvmalloc(each, GFP_KERNEL);
	int err = 0;

	if (!element)
		return -ENOMEM;
	for (; nr && !err; nr--, elements += each) {
		memcpy(element, elements, each);
		rcu_read_lock();
		if (is_line(map))
			err = map->ops->map_push_elem(map, element, BPF_ANY);
		else
			err = write_values(map, element, element + map->key_size);
		rcu_read_unlock();
		cond_resched();
	}
	kvfree(element);
	return err;
}

/* As BPF_MAP_FREEZE does. */
void cr_shim_bpf_freeze(struct file *file)
{
	struct bpf_map *map = file->private_data;

	mutex_lock(&map->freeze_mutex);
	WRITE_ONCE(map->frozen, true);
	mutex_unlock(&map->freeze_mutex);
}
