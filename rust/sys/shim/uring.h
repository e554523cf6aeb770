/* SPDX-License-Identifier: GPL-2.0 */
/* Part of shim.h: io_uring. */
#ifndef _CR_SHIM_URING_H
#define _CR_SHIM_URING_H

/* io_uring.c */

#define CR_URING_X_SETUP	0
#define CR_URING_X_RESOURCES	1
#define CR_URING_X_BUSY		2
#define CR_URING_X_PERSONALITIES	3
#define CR_URING_X_RESTRICTED	4

/**
 * struct cr_shim_uring - whom an io_uring instance belongs to
 * @mm: identity of the memory that is charged
 * @submitter: identity of the thread that may submit requests, 0: all may
 * @user: identity of the user that is charged, 0: nobody
 * @unsupported: CR_URING_X_*
 */
struct cr_shim_uring {
	u64 mm;
	u64 submitter;
	u64 user;
	u32 unsupported;
};

bool cr_shim_is_io_uring(struct file *file);
void cr_shim_uring_read(struct file *file, struct cr_img_uring *out,
			struct cr_shim_uring *who, u8 *buf, u32 room);
struct file *cr_shim_uring_make(const struct cr_img_uring *in, const u8 *memory);
int cr_shim_uring_take(struct file *file, bool unlimited);
void cr_shim_uring_limit(struct file *file, const struct cr_img_uring *in);
void cr_shim_uring_set_submitter(struct file *file, struct task_struct *submitter);
int cr_shim_uring_map(struct file *file, u64 addr, u64 len, u32 prot, u64 pgoff);
u64 cr_shim_task_user(struct task_struct *t);
bool cr_shim_has_uring(struct task_struct *t);
u64 cr_shim_uring_unsupported(struct task_struct *t);
int cr_shim_uring_task_read(struct task_struct *t, u64 *ring, u32 workers[2],
			    u64 *cpus, u32 room, u32 *nr_words);
void cr_shim_uring_set_workers(const u32 workers[2]);
struct file *cr_shim_uring_registered(struct task_struct *t, u32 place);
u64 cr_shim_uring_identity(struct file *file);

/* io_uring_requests.c */

#define CR_URING_R_LINKED	0
#define CR_URING_R_DRAIN	1
#define CR_URING_R_ASYNC	2
#define CR_URING_R_CREDS	3
#define CR_URING_R_SELECTED	4
#define CR_URING_R_PARTIAL	5
#define CR_URING_R_REPLACED	6
#define CR_URING_R_CHANGED	7
#define CR_URING_R_PASSED	8
#define CR_URING_R_KIND		9
#define CR_URING_R_OTHER	10

/**
 * struct cr_shim_uring_request - request in progress
 * @image: the request, but for other objects and the place of a registered file
 * @file: the file that it is about, referenced, or NULL
 * @task: identity of the thread that has submitted it
 * @identity: its own
 * @before: identity of the request before it in the queue of its file, or 0
 * @node: identity of what a registered file is in, or 0
 * @unsupported: CR_URING_R_*
 * @exclusive: it is in the part of the queue of which one is woken
 */
struct cr_shim_uring_request {
	struct cr_img_uring_request image;
	struct file *file;
	u64 task;
	u64 identity;
	u64 before;
	u64 node;
	u32 unsupported;
	u32 exclusive;
};

u32 cr_shim_uring_requests(struct file *file, struct cr_shim_uring_request *out,
			   u32 room);
u64 cr_shim_nr_requests(struct task_struct *t);
bool cr_shim_requests_wait(struct task_struct *t);
u64 cr_shim_uring_node(struct file *file, u32 *from);

/* io_uring_issue.c */

int cr_shim_uring_issue(struct file *file, const struct cr_img_uring_request *in,
			u32 ring_fd, u32 fd);

/* io_uring_tables.c */

/**
 * struct cr_shim_uring_tables - what is registered with an io_uring instance
 * @eventfd: identity of the eventfd that is told of results, 0: none
 * @eventfd_async: it is told only of what workers have done
 * @eventfd_told: up to which result it has been told
 * @eventfd_busy: it is about to be told
 * @files: places for files, the first and the end of those that are chosen for who
 *	asks for any, and where the search for one begins
 * @buffers: places for buffers
 * @limits: how many workers there may be
 * @has_limits: somebody has said so
 */
struct cr_shim_uring_tables {
	u64 eventfd;
	u32 eventfd_async;
	u32 eventfd_told;
	u32 eventfd_busy;
	u32 files[4];
	u32 buffers;
	u32 limits[2];
	bool has_limits;
};

void cr_shim_uring_tables(struct file *file, struct cr_shim_uring_tables *out);
struct file *cr_shim_uring_file(struct file *file, u32 *from, u64 *tag);
int cr_shim_uring_buffer(struct file *file, u32 *from, struct mm_struct *mm,
			 struct cr_img_uring_entry *out);
void cr_shim_uring_set_hint(struct file *file, u32 hint);
void cr_shim_uring_set_told(struct file *file, u32 tail);
void cr_shim_uring_set_limits(struct file *file, u32 bounded, u32 unbounded);

/* io_uring_buffers.c */

int cr_shim_uring_group(struct file *file, u32 from, struct mm_struct *mm,
			struct cr_img_uring_group *out,
			struct cr_img_uring_buffer *bufs, u32 room);
int cr_shim_uring_continue_group(struct file *file, const struct cr_img_uring_group *in,
				 const struct cr_img_uring_buffer *bufs);
int cr_shim_uring_make_group(struct file *file, const struct cr_img_uring_group *in,
			     const struct cr_img_uring_buffer *bufs);
int cr_shim_uring_provide(struct file *file, u32 ring_fd, u32 group,
			  const struct cr_img_uring_buffer *bufs, u32 nr);
bool cr_shim_uring_is_mapped(struct file *file, struct mm_struct *mm, u64 start,
			     u64 len, u64 pgoff);

#endif /* _CR_SHIM_URING_H */
