// SPDX-License-Identifier: GPL-2.0
/* What is in files. */

#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "shim.h"

ssize_t cr_shim_stream_write(struct file *file, const void *buf, size_t len)
{
	bool seekable = !(file->f_mode & FMODE_STREAM);
	loff_t pos = file->f_pos;
	ssize_t n = kernel_write(file, buf, len, seekable ? &pos : NULL);

	if (n > 0 && seekable)
		file->f_pos = pos;
	return n;
}

/* Writes all of @parts, @len bytes, unless the file takes no more. */
ssize_t cr_shim_stream_writev(struct file *file, const struct kvec *parts,
			      u32 nr, size_t len)
{
	bool seekable = !(file->f_mode & FMODE_STREAM);
	loff_t pos = file->f_pos;
	struct iov_iter iter;
	size_t written = 0;
	ssize_t n = 0;

	iov_iter_kvec(&iter, ITER_SOURCE, parts, nr, len);
	while (written < len && !fatal_signal_pending(current)) {
		/* A limit of the file's size has cut off what is beyond it. */
		iov_iter_reexpand(&iter, len - written);
		n = vfs_iter_write(file, &iter, seekable ? &pos : NULL, 0);
		if (n <= 0)
			break;
		written += n;
		if (seekable)
			file->f_pos = pos;
	}
	return n < 0 ? n : written;
}

ssize_t cr_shim_stream_read(struct file *file, void *buf, size_t len)
{
	bool seekable = !(file->f_mode & FMODE_STREAM);
	loff_t pos = file->f_pos;
	ssize_t n = kernel_read(file, buf, len, seekable ? &pos : NULL);

	if (n > 0 && seekable)
		file->f_pos = pos;
	return n;
}

ssize_t cr_shim_pwrite(struct file *file, const void *buf, size_t len, u64 at)
{
	loff_t pos = at;

	return kernel_write(file, buf, len, &pos);
}

ssize_t cr_shim_pread(struct file *file, void *buf, size_t len, u64 at)
{
	loff_t pos = at;

	return kernel_read(file, buf, len, &pos);
}

/* The next offset >= @pos with data, or, with @hole, without. */
s64 cr_shim_seek_data(struct file *file, u64 pos, bool hole)
{
	if (is_file_hugepages(file))
		return cr_shim_hugetlb_seek(file, pos, hole);
	return vfs_llseek(file, pos, hole ? SEEK_HOLE : SEEK_DATA);
}

s64 cr_shim_seek_set(struct file *file, u64 pos)
{
	return vfs_llseek(file, pos, SEEK_SET);
}

s64 cr_shim_seek_cur(struct file *file, u64 count)
{
	return vfs_llseek(file, count, SEEK_CUR);
}

/* A pipe or socket has nothing to sync. */
int cr_shim_sync(struct file *file)
{
	if (!S_ISREG(file_inode(file)->i_mode))
		return 0;
	return vfs_fsync(file, 0);
}
