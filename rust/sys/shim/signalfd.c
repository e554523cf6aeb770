// SPDX-License-Identifier: GPL-2.0
/* signalfd: fs/signalfd.c. */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/signal.h>
#include <linux/slab.h>

#include "shim.h"
#include "signalfd_types.h"

extern const struct file_operations signalfd_fops;

bool cr_shim_is_signalfd(struct file *file)
{
	return file->f_op == &signalfd_fops;
}

/* The signals that it accepts. */
u64 cr_shim_signalfd_read(struct file *file)
{
	const struct signalfd_ctx *ctx = file->private_data;

	return ~READ_ONCE(ctx->sigmask.sig[0]);
}

/*
 * As fs/signalfd.c:do_signalfd4(); but that wants the signals in the memory of
 * its caller, who has no place for them here.
 */
struct file *cr_shim_signalfd_make(u64 accepted)
{
	struct signalfd_ctx *ctx = kmalloc_obj(*ctx);
	struct file *file;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->sigmask.sig[0] = ~(accepted & ~(sigmask(SIGKILL) | sigmask(SIGSTOP)));
	file = anon_inode_getfile_fmode("[signalfd]", &signalfd_fops, ctx,
					O_RDWR, FMODE_NOWAIT);
	if (IS_ERR(file))
		kfree(ctx);
	return file;
}
