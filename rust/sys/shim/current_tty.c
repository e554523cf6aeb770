// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/tty: the controlling terminal of whoever opens it, drivers/tty/tty_io.c.
 */

#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kthread.h>
#include <linux/major.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>

#include "shim.h"

struct opening {
	const struct path *root;
	const char *name;
	u32 flags;
	const struct cred *cred;
	struct tty_struct *tty;
	struct file *file;
	struct completion done;
};

static struct tty_struct *tty_of(const struct file *file)
{
	return ((struct tty_file_private *)file->private_data)->tty;
}

bool cr_shim_is_current_tty(struct file *file)
{
	return S_ISCHR(file_inode(file)->i_mode) &&
	       file_inode(file)->i_rdev == MKDEV(TTYAUX_MAJOR, 0);
}

static void set_current_tty(struct tty_struct *tty)
{
	spin_lock_irq(&current->sighand->siglock);
	swap(current->signal->tty, tty);
	spin_unlock_irq(&current->sighand->siglock);
	tty_kref_put(tty);
}

static int open_it(void *arg)
{
	struct opening *opening = arg;
	struct file *file;

	set_current_tty(tty_kref_get(opening->tty));
	scoped_with_creds(opening->cred)
		file = cr_shim_open(opening->root, opening->name,
				    opening->flags | O_NOCTTY);
	set_current_tty(NULL);
	if (!IS_ERR(file) && (!cr_shim_is_current_tty(file) ||
			      tty_of(file) != opening->tty)) {
		fput(file);
		file = ERR_PTR(-ESTALE);
	}
	opening->file = file;
	kthread_complete_and_exit(&opening->done, 0);
}

/*
 * Opens /dev/tty, whose name that is, so that it is the slave of @master. A
 * thread of its own does it: what controls the caller is nobody's business.
 * -ESTALE: the name is that of something else.
 */
struct file *cr_shim_tty_open_current(struct file *master,
				      const struct path *root,
				      const char *name, u32 flags)
{
	struct opening opening = {
		.root = root,
		.name = name,
		.flags = flags,
		.cred = current_cred(),
		.tty = tty_of(master)->link,
		.done = COMPLETION_INITIALIZER_ONSTACK(opening.done),
	};
	struct task_struct *thread;

	clear_bit(TTY_PTY_LOCK, &tty_of(master)->flags);
	thread = kthread_run(open_it, &opening, "cr-open-tty");
	if (IS_ERR(thread))
		return ERR_CAST(thread);
	wait_for_completion(&opening.done);
	return opening.file;
}
