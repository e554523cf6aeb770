// SPDX-License-Identifier: GPL-2.0
/* Pseudoterminals: drivers/tty/pty.c, and what waits in drivers/tty/n_tty.c. */

#include <linux/bitops.h>
#include <linux/bitmap.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <linux/tty_ldisc.h>
#include <linux/tty_port.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
/* Wants struct tty_struct to be known. */
#include <linux/devpts_fs.h>

#include "shim.h"

/* As in drivers/tty/n_tty.c. */
#define N_TTY_BUF_SIZE	CR_TTY_BUFFER
#define MASK(x)		((x) & (N_TTY_BUF_SIZE - 1))
#include "tty_types.h"

/* What is filled, and what is taken from. */
struct sink {
	u8 *at;
	u32 left;
};

struct source {
	const u8 *at;
	u32 left;
};

/* What /dev/tty stands for, if that is the slave of a pseudoterminal. */
static struct tty_struct *slave_or_null(struct tty_struct *tty)
{
	return tty->driver->type == TTY_DRIVER_TYPE_PTY &&
	       tty->driver->major == UNIX98_PTY_SLAVE_MAJOR ? tty : NULL;
}

static struct tty_struct *tty_of(struct file *file)
{
	const struct inode *inode = file_inode(file);
	struct tty_file_private *priv = file->private_data;

	if (!S_ISCHR(inode->i_mode) || file->f_mode & FMODE_PATH)
		return NULL;
	switch (imajor(inode)) {
	case TTYAUX_MAJOR:
		if (cr_shim_is_current_tty(file))
			return slave_or_null(priv->tty);
		/* /dev/ptmx; not /dev/console. */
		return iminor(inode) == 2 ? priv->tty : NULL;
	case UNIX98_PTY_SLAVE_MAJOR ...
	     UNIX98_PTY_SLAVE_MAJOR + UNIX98_PTY_MAJOR_COUNT - 1:
		return priv->tty;
	default:
		return NULL;
	}
}

static bool is_master(const struct tty_struct *tty)
{
	return tty->driver->subtype == PTY_TYPE_MASTER;
}

static struct tty_struct *master_of(struct tty_struct *tty)
{
	return is_master(tty) ? tty : tty->link;
}

static struct tty_struct *slave_of(struct tty_struct *tty)
{
	return is_master(tty) ? tty->link : tty;
}

/* The slave that @file is of, or the slave of its master; 0 for other files. */
u64 cr_shim_tty_identity(struct file *file)
{
	struct tty_struct *tty = tty_of(file);

	return tty ? (unsigned long)slave_of(tty) : 0;
}

bool cr_shim_tty_is_master(struct file *file)
{
	struct tty_struct *tty = tty_of(file);

	return tty && is_master(tty);
}

bool cr_shim_tty_is_hung_up(struct file *file)
{
	return tty_hung_up_p(file);
}

/* The number of a pseudoterminal. */
u32 cr_shim_tty_index(struct file *file)
{
	return tty_of(file)->index;
}

static u32 files_of(struct tty_struct *tty, u64 *out, u32 nr, u32 max)
{
	struct tty_file_private *priv;

	spin_lock(&tty->files_lock);
	list_for_each_entry(priv, &tty->tty_files, list) {
		if (nr < max)
			out[nr] = (unsigned long)priv->file;
		nr++;
	}
	spin_unlock(&tty->files_lock);
	return nr;
}

/* The open files of both ends: how many there are. */
u32 cr_shim_tty_files(struct file *file, u64 *out, u32 max)
{
	struct tty_struct *tty = tty_of(file);
	u32 nr = files_of(master_of(tty), out, 0, max);

	return files_of(slave_of(tty), out, nr, max);
}

/* The controlling terminal of the process of @t, 0 for none. */
u64 cr_shim_task_tty(struct task_struct *t)
{
	unsigned long flags;
	u64 identity;

	if (!lock_task_sighand(t, &flags))
		return 0;
	identity = (unsigned long)t->signal->tty;
	unlock_task_sighand(t, &flags);
	return identity;
}

static struct file *master_file(struct tty_struct *master)
{
	struct tty_file_private *priv;
	struct file *file = NULL;

	spin_lock(&master->files_lock);
	priv = list_first_entry_or_null(&master->tty_files,
					struct tty_file_private, list);
	if (priv)
		file = get_file_active(&priv->file);
	spin_unlock(&master->files_lock);
	return file;
}

/* The open file of the master of a pair; NULL if it is closed. */
struct file *cr_shim_tty_master(struct file *file)
{
	return master_file(master_of(tty_of(file)));
}

/* That of the controlling terminal of the process of @t. */
struct file *cr_shim_task_tty_master(struct task_struct *t)
{
	struct tty_struct *tty;
	struct file *file = NULL;
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return NULL;
	tty = tty_kref_get(t->signal->tty);
	unlock_task_sighand(t, &flags);
	if (!tty)
		return NULL;
	if (tty->driver->type == TTY_DRIVER_TYPE_PTY && tty->link)
		file = master_file(tty->link);
	tty_kref_put(tty);
	return file;
}

static void put_bytes(struct sink *to, const u8 *from, u32 len)
{
	if (to->left < len)
		return;
	memcpy(to->at, from, len);
	to->at += len;
	to->left -= len;
}

/* What is in a ring of N_TTY_BUF_SIZE from @at on. */
static void put_ring(struct sink *to, const u8 *ring, size_t at, u32 len)
{
	u32 first = min_t(u32, len, N_TTY_BUF_SIZE - MASK(at));

	put_bytes(to, ring + MASK(at), first);
	put_bytes(to, ring, len - first);
}

static void read_ldisc(struct n_tty_data *ld, struct cr_img_tty_end *out,
		       struct sink *to)
{
	u32 i;

	out->flags |= (ld->lnext ? CR_TTY_LNEXT : 0) |
		      (ld->erasing ? CR_TTY_ERASING : 0) |
		      (ld->push ? CR_TTY_PUSH : 0) |
		      (ld->no_room ? CR_TTY_NO_ROOM : 0);
	out->nr_read = ld->read_head - ld->read_tail;
	/* As long as one of these means nothing, it is left where it was. */
	if (ld->commit_head - ld->read_tail <= out->nr_read)
		out->commit_head = ld->commit_head - ld->read_tail;
	if (ld->canon_head - ld->read_tail <= out->nr_read)
		out->canon_head = ld->canon_head - ld->read_tail;
	if (ld->read_tail - ld->line_start <= N_TTY_BUF_SIZE)
		out->line_start = ld->read_tail - ld->line_start;
	out->nr_echo = ld->echo_head - ld->echo_tail;
	out->echo_commit = ld->echo_commit - ld->echo_tail;
	out->echo_mark = ld->echo_mark - ld->echo_tail;
	/* Where tabs are is what matters of a longer line. */
	out->column = min(ld->column, CR_TTY_MAX_COLUMN | (ld->column & 7));
	out->canon_column = min(ld->canon_column,
				CR_TTY_MAX_COLUMN | (ld->canon_column & 7));
	out->lookahead = ld->lookahead_count;
	put_ring(to, ld->read_buf, ld->read_tail, out->nr_read);
	for (i = 0; i < out->nr_read; i++) {
		u8 ends = test_bit(MASK(ld->read_tail + i), ld->read_flags);

		put_bytes(to, &ends, 1);
	}
	put_ring(to, ld->echo_buf, ld->echo_tail, out->nr_echo);
}

/* What the other end has written, and the line discipline has not looked at. */
static int read_flip(struct tty_bufhead *buf, struct cr_img_tty_end *out,
		     struct sink *to)
{
	struct tty_buffer *b;

	for (b = buf->head; b; b = b->next) {
		u32 len = b->used - b->read;

		if (b->flags && memchr_inv(flag_buf_ptr(b, b->read), TTY_NORMAL, len))
			return -EOPNOTSUPP;
		if (out->nr_flip + len > CR_TTY_MAX_FLIP)
			return -EOPNOTSUPP;
		put_bytes(to, char_buf_ptr(b, b->read), len);
		out->nr_flip += len;
		if (b->lookahead > b->read)
			out->flip_lookahead += b->lookahead - b->read;
	}
	return 0;
}

static int read_end(struct tty_struct *tty, struct cr_img_tty_end *out,
		    struct sink *to)
{
	static const u32 bits[][2] = {
		{ TTY_EXCLUSIVE, CR_TTY_EXCLUSIVE },
		{ TTY_IO_ERROR, CR_TTY_IO_ERROR },
		{ TTY_OTHER_CLOSED, CR_TTY_OTHER_CLOSED },
		{ TTY_HUPPED, CR_TTY_HUPPED },
	};
	struct tty_ldisc *ld;
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (test_bit(bits[i][0], &tty->flags))
			out->flags |= bits[i][1];
	scoped_guard(spinlock_irq, &tty->flow.lock)
		out->flags |= (tty->flow.stopped ? CR_TTY_STOPPED : 0) |
			      (tty->flow.tco_stopped ? CR_TTY_TCO_STOPPED : 0);

	ld = tty_ldisc_ref(tty);
	if (ld && ld->ops->num != N_TTY) {
		tty_ldisc_deref(ld);
		return -EOPNOTSUPP;
	}
	mutex_lock(&tty->port->buf.lock);
	down_write(&tty->termios_rwsem);
	if (ld)
		read_ldisc(tty->disc_data, out, to);
	up_write(&tty->termios_rwsem);
	err = read_flip(&tty->port->buf, out, to);
	mutex_unlock(&tty->port->buf.lock);
	if (ld)
		tty_ldisc_deref(ld);
	return err;
}

static void read_termios(const struct ktermios *in, struct cr_img_termios *out)
{
	BUILD_BUG_ON(sizeof(in->c_cc) != sizeof(out->cc));
	out->iflag = in->c_iflag;
	out->oflag = in->c_oflag;
	out->cflag = in->c_cflag;
	out->lflag = in->c_lflag;
	out->line = in->c_line;
	memcpy(out->cc, in->c_cc, sizeof(out->cc));
	out->ispeed = in->c_ispeed;
	out->ospeed = in->c_ospeed;
}

static struct ktermios termios_from(const struct cr_img_termios *in)
{
	struct ktermios t = {
		.c_iflag = in->iflag,
		.c_oflag = in->oflag,
		.c_cflag = in->cflag,
		.c_lflag = in->lflag,
		.c_line = in->line,
		.c_ispeed = in->ispeed,
		.c_ospeed = in->ospeed,
	};

	memcpy(t.c_cc, in->cc, sizeof(in->cc));
	return t;
}

static int read_session(struct tty_struct *slave, struct pid_namespace *ns,
			struct cr_img_tty *out)
{
	struct pid *session, *pgrp, *found;
	int err = 0;

	scoped_guard(spinlock_irq, &slave->ctrl.lock) {
		session = get_pid(slave->ctrl.session);
		pgrp = get_pid(slave->ctrl.pgrp);
		out->packet_status = slave->ctrl.pktstatus;
	}
	if (session) {
		out->session = pid_nr_ns(session, ns);
		out->pgrp = pid_nr_ns(pgrp, ns);
		if (!out->session || !out->pgrp)
			err = -EXDEV;
		rcu_read_lock();
		found = find_pid_ns(out->pgrp, ns);
		if (!found)
			out->flags |= CR_TTY_PGRP_GONE;
		/* Numbers of another namespace are not known once it is gone. */
		if (found ? found != pgrp : pgrp->level != ns->level)
			err = err ?: -EEXIST;
		rcu_read_unlock();
	}
	put_pid(session);
	put_pid(pgrp);
	return err;
}

/*
 * Nobody uses the pair meanwhile. @data has room for CR_SHIM_TTY_DATA bytes; how
 * many there are, or -EOPNOTSUPP: another line discipline; -EXDEV: a session
 * outside of @ns; -EEXIST: a foreground process group that is gone, and its
 * number is in use.
 */
int cr_shim_tty_read(struct file *file, struct pid_namespace *ns,
		     struct cr_img_tty *out, u8 *data)
{
	struct tty_struct *master = master_of(tty_of(file));
	struct tty_struct *slave = master->link;
	struct sink to = { data, CR_SHIM_TTY_DATA };
	struct inode *inode;
	int err;

	memset(out, 0, sizeof(*out));
	out->index = master->index;
	if (list_empty(&master->tty_files)) {
		out->flags = CR_TTY_MASTER_CLOSED;
		return 0;
	}
	/* What the slave looks at may be echoed to the master. */
	flush_work(&slave->port->buf.work);
	flush_work(&master->port->buf.work);

	if (test_bit(TTY_PTY_LOCK, &master->flags))
		out->flags |= CR_TTY_LOCKED;
	if (master->ctrl.packet)
		out->flags |= CR_TTY_PACKET;
	inode = d_inode((struct dentry *)slave->driver_data);
	out->mode = inode->i_mode & S_IALLUGO;
	out->uid = from_kuid_munged(current_user_ns(), inode->i_uid);
	out->gid = from_kgid_munged(current_user_ns(), inode->i_gid);
	out->rows = slave->winsize.ws_row;
	out->columns = slave->winsize.ws_col;
	out->xpixel = slave->winsize.ws_xpixel;
	out->ypixel = slave->winsize.ws_ypixel;
	scoped_guard(rwsem_read, &slave->termios_rwsem) {
		read_termios(&slave->termios, &out->termios);
		read_termios(&slave->termios_locked, &out->locked);
	}
	err = read_session(slave, ns, out) ?:
	      read_end(master, &out->master, &to) ?:
	      read_end(slave, &out->slave, &to);
	return err ?: CR_SHIM_TTY_DATA - to.left;
}

/* Another open file of the slave. For a moment, the current task has a descriptor of it. */
struct file *cr_shim_tty_open_peer(struct file *master, u32 flags)
{
	u64 identity = cr_shim_tty_identity(master);
	struct file *file;

	clear_bit(TTY_PTY_LOCK, &tty_of(master)->flags);
	file = cr_shim_without_fd(ptm_open_peer(master, tty_of(master),
						flags | O_NOCTTY | O_CLOEXEC));
	if (IS_ERR(file))
		return file;
	/* Somebody else may have had the descriptor in between. */
	if (cr_shim_tty_identity(file) != identity) {
		fput(file);
		return ERR_PTR(-EBADF);
	}
	/* Unlike open(2), this has left it to the file. */
	scoped_guard(spinlock, &file->f_lock)
		file->f_flags &= ~O_CLOEXEC;
	return file;
}

void cr_shim_tty_hang_up(struct file *master)
{
	tty_vhangup(tty_of(master)->link);
}

static const u8 *take(struct source *from, u32 len)
{
	const u8 *at = from->at;

	if (from->left < len)
		return NULL;
	from->at += len;
	from->left -= len;
	return at;
}

static void write_ldisc(struct n_tty_data *ld, const struct cr_img_tty_end *in,
			const u8 *typed, const u8 *ends, const u8 *echo)
{
	size_t tail = in->line_start, echo_tail = N_TTY_BUF_SIZE;
	u32 i;

	ld->lnext = !!(in->flags & CR_TTY_LNEXT);
	ld->erasing = !!(in->flags & CR_TTY_ERASING);
	ld->push = !!(in->flags & CR_TTY_PUSH);
	ld->no_room = !!(in->flags & CR_TTY_NO_ROOM);
	bitmap_zero(ld->read_flags, N_TTY_BUF_SIZE);
	for (i = 0; i < in->nr_read; i++) {
		ld->read_buf[MASK(tail + i)] = typed[i];
		if (ends[i])
			__set_bit(MASK(tail + i), ld->read_flags);
	}
	for (i = 0; i < in->nr_echo; i++)
		ld->echo_buf[MASK(echo_tail + i)] = echo[i];
	ld->line_start = 0;
	ld->read_tail = tail;
	ld->read_head = tail + in->nr_read;
	ld->commit_head = tail + in->commit_head;
	ld->canon_head = tail + in->canon_head;
	ld->echo_tail = echo_tail;
	ld->echo_head = echo_tail + in->nr_echo;
	ld->echo_commit = echo_tail + in->echo_commit;
	ld->echo_mark = echo_tail + in->echo_mark;
	ld->column = in->column;
	ld->canon_column = in->canon_column;
	ld->lookahead_count = in->lookahead;
}

static int write_flip(struct tty_port *port, const struct cr_img_tty_end *in,
		      const u8 *data)
{
	struct tty_bufhead *buf = &port->buf;
	u32 left = in->flip_lookahead;
	int limit = buf->mem_limit;
	struct tty_buffer *b;
	size_t n;

	if (!in->nr_flip)
		return 0;
	/* It may have come in smaller parts, which fit better. */
	tty_buffer_set_limit(port, 4 * CR_TTY_MAX_FLIP);
	n = tty_insert_flip_string(port, data, in->nr_flip);
	tty_buffer_set_limit(port, limit);
	if (n != in->nr_flip)
		return -ENOMEM;
	mutex_lock(&buf->lock);
	for (b = buf->head; b; b = b->next) {
		b->lookahead = b->read + min(left, b->used - b->read);
		left -= b->lookahead - b->read;
	}
	mutex_unlock(&buf->lock);
	tty_flip_buffer_push(port);
	return 0;
}

static int write_end(struct tty_struct *tty, const struct cr_img_tty_end *in,
		     struct source *from)
{
	const u8 *typed = take(from, in->nr_read);
	const u8 *ends = take(from, in->nr_read);
	const u8 *echo = take(from, in->nr_echo);
	const u8 *flip = take(from, in->nr_flip);
	struct tty_ldisc *ld;

	if (!typed || !ends || !echo || !flip ||
	    test_bit(TTY_HUPPED, &tty->flags) != !!(in->flags & CR_TTY_HUPPED))
		return -EINVAL;
	ld = tty_ldisc_ref(tty);
	if (ld) {
		mutex_lock(&tty->port->buf.lock);
		down_write(&tty->termios_rwsem);
		write_ldisc(tty->disc_data, in, typed, ends, echo);
		up_write(&tty->termios_rwsem);
		mutex_unlock(&tty->port->buf.lock);
		tty_ldisc_deref(ld);
	} else if (in->nr_read || in->nr_echo || in->nr_flip) {
		return -EINVAL;
	}
	scoped_guard(spinlock_irq, &tty->flow.lock) {
		tty->flow.stopped = in->flags & CR_TTY_STOPPED;
		tty->flow.tco_stopped = in->flags & CR_TTY_TCO_STOPPED;
	}
	assign_bit(TTY_EXCLUSIVE, &tty->flags, in->flags & CR_TTY_EXCLUSIVE);
	assign_bit(TTY_IO_ERROR, &tty->flags, in->flags & CR_TTY_IO_ERROR);
	assign_bit(TTY_OTHER_CLOSED, &tty->flags, in->flags & CR_TTY_OTHER_CLOSED);
	return write_flip(tty->port, in, flip);
}

static int set_owner(struct inode *inode, const struct cr_img_tty *in)
{
	int err;

	inode_lock(inode);
	err = cr_shim_inode_own(inode, in->uid, in->gid);
	if (!err)
		inode->i_mode = (inode->i_mode & S_IFMT) |
				(in->mode & S_IALLUGO);
	inode_unlock(inode);
	return err;
}

/*
 * Gives a new pair, all files of which are open by now, its state. Nobody uses it
 * yet.
 */
int cr_shim_tty_write(struct file *file, const struct cr_img_tty *in,
		      const u8 *data, u32 len)
{
	struct tty_struct *master = tty_of(file), *slave = master->link;
	struct ktermios termios = termios_from(&in->termios);
	struct source from = { data, len };
	int err;

	err = set_owner(d_inode((struct dentry *)slave->driver_data), in);
	if (err)
		return err;
	tty_set_termios(slave, &termios);
	slave->termios_locked = termios_from(&in->locked);
	scoped_guard(mutex, &slave->winsize_mutex) {
		slave->winsize = (struct winsize){
			in->rows, in->columns, in->xpixel, in->ypixel
		};
		master->winsize = slave->winsize;
	}
	/* What one end has written may be echoed as soon as it is there. */
	err = write_end(master, &in->master, &from) ?:
	      write_end(slave, &in->slave, &from);
	if (err)
		return err;
	scoped_guard(spinlock_irq, &slave->ctrl.lock)
		slave->ctrl.pktstatus = in->packet_status;
	scoped_guard(spinlock_irq, &master->ctrl.lock)
		master->ctrl.packet = in->flags & CR_TTY_PACKET;
	assign_bit(TTY_PTY_LOCK, &master->flags, in->flags & CR_TTY_LOCKED);
	return 0;
}

/* Makes the slave of @master the controlling terminal of a session. */
int cr_shim_tty_set_session(struct file *master, struct pid *session,
			    struct pid *pgrp)
{
	struct tty_struct *slave = tty_of(master)->link;

	guard(spinlock_irq)(&slave->ctrl.lock);
	if (slave->ctrl.session)
		return -EBUSY;
	put_pid(slave->ctrl.pgrp);
	slave->ctrl.session = get_pid(session);
	slave->ctrl.pgrp = get_pid(pgrp);
	return 0;
}

/* The same for the process of @t, which is of that session. */
int cr_shim_task_set_tty(struct task_struct *t, struct file *master)
{
	unsigned long flags;
	int err = -EBUSY;

	if (!lock_task_sighand(t, &flags))
		return -ESRCH;
	if (!t->signal->tty) {
		t->signal->tty = tty_kref_get(tty_of(master)->link);
		err = 0;
	}
	unlock_task_sighand(t, &flags);
	return err;
}
