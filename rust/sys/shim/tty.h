/* SPDX-License-Identifier: GPL-2.0 */
/* Part of shim.h: pseudoterminals. */
#ifndef _CR_SHIM_TTY_H
#define _CR_SHIM_TTY_H

/* tty.c */

/* What waits in both ends of a pseudoterminal, bytes at most. */
#define CR_SHIM_TTY_DATA	(2 * (3 * CR_TTY_BUFFER + CR_TTY_MAX_FLIP))

/*
 * What a read waits for: the first character or line; the same, and it ends without;
 * several characters.
 */
#define CR_SHIM_TTY_ONE		0
#define CR_SHIM_TTY_TIME	1
#define CR_SHIM_TTY_MANY	2

/* tty_sleep.c */
u32 cr_shim_tty_reads(struct file *file, u64 *timeout_ns);

u64 cr_shim_tty_identity(struct file *file);
bool cr_shim_tty_is_master(struct file *file);
bool cr_shim_tty_is_hung_up(struct file *file);
u32 cr_shim_tty_index(struct file *file);
struct file *cr_shim_tty_master(struct file *file);
u32 cr_shim_tty_files(struct file *file, u64 *out, u32 max);
u64 cr_shim_task_tty(struct task_struct *t);
struct file *cr_shim_task_tty_master(struct task_struct *t);
int cr_shim_tty_read(struct file *file, struct pid_namespace *ns,
		     struct cr_img_tty *out, u8 *data);
struct file *cr_shim_tty_open_peer(struct file *master, u32 flags);
bool cr_shim_is_current_tty(struct file *file);
struct file *cr_shim_tty_open_current(struct file *master,
				      const struct path *root,
				      const char *name, u32 flags);
void cr_shim_tty_hang_up(struct file *master);
int cr_shim_tty_write(struct file *file, const struct cr_img_tty *in,
		      const u8 *data, u32 len);
int cr_shim_tty_set_session(struct file *master, struct pid *session,
			    struct pid *pgrp);
int cr_shim_task_set_tty(struct task_struct *t, struct file *master);

#endif /* _CR_SHIM_TTY_H */
