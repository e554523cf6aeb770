// SPDX-License-Identifier: GPL-2.0
/* Pipes and what waits in them. */

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/magic.h>
#include <linux/pipe_fs_i.h>
#include <linux/user_namespace.h>

#include "shim.h"

static struct pipe_inode_info *pipe_of(struct file *file)
{
	if (!S_ISFIFO(file_inode(file)->i_mode) || file->f_mode & FMODE_PATH)
		return NULL;
	return file_inode(file)->i_pipe;
}

int cr_shim_pipe_read(struct file *file, struct cr_shim_pipe *out)
{
	struct pipe_inode_info *pipe = pipe_of(file);
	pipe_index_t i;

	memset(out, 0, sizeof(*out));
	if (!pipe)
		return -EINVAL;
	pipe_lock(pipe);
	out->inode = (unsigned long)file_inode(file);
	out->named = file_inode(file)->i_sb->s_magic != PIPEFS_MAGIC;
	out->readers = pipe->readers;
	out->writers = pipe->writers;
	out->ring_size = pipe->max_usage;
	out->special = pipe_has_watch_queue(pipe);
	out->uid = from_kuid_munged(current_user_ns(), file_inode(file)->i_uid);
	out->gid = from_kgid_munged(current_user_ns(), file_inode(file)->i_gid);
	for (i = pipe->tail; i != pipe->head; i++) {
		struct pipe_buffer *buf = pipe_buf(pipe, i);

		out->length += buf->len;
		if (buf->flags & PIPE_BUF_FLAG_PACKET)
			out->nr_packets++;
		if (buf->flags & PIPE_BUF_FLAG_WHOLE)
			out->special = true;
	}
	pipe_unlock(pipe);
	return 0;
}

/* The first @len bytes that wait in the pipe. They stay there. */
int cr_shim_pipe_copy(struct file *file, u8 *dst, u32 len)
{
	struct pipe_inode_info *pipe = pipe_of(file);
	pipe_index_t i;
	int err = 0;

	if (!pipe)
		return -EINVAL;
	pipe_lock(pipe);
	for (i = pipe->tail; i != pipe->head && len && !err; i++) {
		struct pipe_buffer *buf = pipe_buf(pipe, i);
		u32 done = 0, n = min(buf->len, len);

		err = pipe_buf_confirm(pipe, buf);
		/* A spliced buffer may span pages of a compound page. */
		while (!err && done < n) {
			u32 at = buf->offset + done;
			u32 part = min_t(u32, n - done,
					 PAGE_SIZE - offset_in_page(at));

			memcpy(dst, page_address(buf->page + at / PAGE_SIZE) +
			       offset_in_page(at), part);
			dst += part;
			done += part;
		}
		len -= n;
	}
	pipe_unlock(pipe);
	return err ?: len ? -EIO : 0;
}

/* The first @room packets that wait in the pipe; how many they are. */
u32 cr_shim_pipe_packets(struct file *file, struct cr_img_packet *out, u32 room)
{
	struct pipe_inode_info *pipe = pipe_of(file);
	u32 at = 0, nr = 0;
	pipe_index_t i;

	if (!pipe)
		return 0;
	pipe_lock(pipe);
	for (i = pipe->tail; i != pipe->head && nr < room; i++) {
		struct pipe_buffer *buf = pipe_buf(pipe, i);

		if (buf->flags & PIPE_BUF_FLAG_PACKET)
			out[nr++] = (struct cr_img_packet){ at, buf->len };
		at += buf->len;
	}
	pipe_unlock(pipe);
	return nr;
}

/* The kernel's own check of pipe-max-size and of the user's quota is in it. */
int cr_shim_pipe_resize(struct file *file, u32 ring_size)
{
	long err = pipe_fcntl(file, F_SETPIPE_SZ, ring_size * PAGE_SIZE);

	return err < 0 ? err : 0;
}

/* A new pipe: @ends[0] is read from, @ends[1] written to. */
int cr_shim_pipe_make(struct file **ends, u32 ring_size)
{
	int err = create_pipe_files(ends, 0);

	if (err)
		return err;
	err = cr_shim_pipe_resize(ends[1], ring_size);
	if (err < 0) {
		fput(ends[0]);
		fput(ends[1]);
		return err;
	}
	return 0;
}

/* The owner of a pipe without a name, which nobody else has yet. */
int cr_shim_pipe_chown(struct file *file, u32 uid, u32 gid)
{
	return cr_shim_inode_own(file_inode(file), uid, gid);
}

/* O_NONBLOCK, and O_DIRECT of a pipe, which open(2) does not take. */
void cr_shim_add_flags(struct file *file, u32 flags)
{
	spin_lock(&file->f_lock);
	file->f_flags |= flags;
	spin_unlock(&file->f_lock);
}

/* One more open file description of the pipe. */
struct file *cr_shim_pipe_reopen(struct file *end, u32 flags)
{
	return dentry_open(&end->f_path, flags, current_cred());
}
