/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Checkpoint and restart of containers: the ioctls of /dev/cr.
 *
 * Every argument structure begins with its size, as that of clone3(2) does:
 * user space sets it to the sizeof() that it was compiled with. A kernel that
 * knows a longer structure takes the missing members as zero; a kernel that
 * knows a shorter one accepts the rest when it is zero, and else fails with
 * E2BIG.
 *
 * Both calls need CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the user
 * namespace that owns the container's pid namespace.
 *
 * When a call fails, text lines go to @log_fd, each with a newline; the first
 * names the cause.
 */
#ifndef _UAPI_LINUX_CR_H
#define _UAPI_LINUX_CR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CR_DEVICE		"/dev/cr"
#define CR_ABI_VERSION		1

/**
 * struct cr_stats - what a call did, under the names that criu uses
 * @freezing_time: until every thread stood still, us
 * @frozen_time: while every thread stood still, us
 * @memdump_time: finding the pages to write, and copying shared ones, us
 * @memwrite_time: writing pages, us
 * @pages_scanned: pages looked at
 * @pages_written: pages in the image
 * @forking_time: creating the tasks, us
 * @restore_time: from the first byte read to the release of the tasks, us
 * @pages_restored: pages put in place
 * @nr_tasks: threads in the container
 * @image_bytes: bytes of the image
 */
struct cr_stats {
	__u64 freezing_time;
	__u64 frozen_time;
	__u64 memdump_time;
	__u64 memwrite_time;
	__u64 pages_scanned;
	__u64 pages_written;
	__u64 forking_time;
	__u64 restore_time;
	__u64 pages_restored;
	__u64 nr_tasks;
	__u64 image_bytes;
};

/**
 * struct cr_external - an object that the container shares with the outside
 * @pid: a task of the container, by its pid there
 * @fd: its descriptor
 * @key: under this number the object is to be supplied at restart
 * @reserved: zero
 *
 * A description that does not leave the container is saved as usual even if
 * it is declared here.
 */
struct cr_external {
	__s32 pid;
	__s32 fd;
	__u32 key;
	__u32 reserved;
};

/**
 * struct cr_external_fd - replacement for an external object
 * @key: number from struct cr_external
 * @fd: descriptor of the caller
 */
struct cr_external_fd {
	__u32 key;
	__s32 fd;
};

#define CR_MAX_EXTERNALS	1024

/**
 * struct cr_section - data to carry in the image for user space
 * @name: who understands it, NUL padded
 * @addr: where it is
 * @len: bytes, at most CR_MAX_SECTION_LEN
 */
struct cr_section {
	__u8 name[16];
	__u64 addr;
	__u64 len;
};

#define CR_MAX_SECTIONS		16
#define CR_MAX_SECTION_LEN	(512U << 10)

/*
 * Kill the container once the image is complete and, if it goes to a file,
 * synced to it; return when its tasks are gone.
 */
#define CR_CHECKPOINT_KILL	0x1
/* Write lines "progress DONE TOTAL", in pages, to log_fd. */
#define CR_CHECKPOINT_PROGRESS	0x2
/*
 * Note from now on which private pages change, so that a later checkpoint can
 * name this one as its parent. That is noted in the page tables (soft-dirty) and
 * ends with the processes; until then the module cannot be unloaded. What the
 * container itself uses soft-dirty for is left alone: then, and with
 * CR_CHECKPOINT_KILL, nothing is noted.
 */
#define CR_CHECKPOINT_TRACK	0x4
/* Save only what has changed since the checkpoint @parent. */
#define CR_CHECKPOINT_INCREMENT	0x8
/* Save no private memory that madvise(MADV_DONTDUMP) was called for. */
#define CR_CHECKPOINT_NO_DONTDUMP 0x10
/*
 * With CR_CHECKPOINT_KILL, where @image_fd is not where the image stays: write a
 * byte to @confirm_fd when the image is complete, and kill nobody before a byte
 * comes back from there.
 */
#define CR_CHECKPOINT_CONFIRM	0x20

/**
 * struct cr_checkpoint - argument of CR_IOC_CHECKPOINT
 * @size: sizeof(struct cr_checkpoint)
 * @flags: CR_CHECKPOINT_*
 * @pid: the container's init as the caller sees it; or 0, and @pidfd
 * @pidfd: pidfd of the container's init, or -1
 * @image_fd: where the image goes: a file, a pipe or a stream socket
 * @log_fd: where errors go, or -1
 * @timeout_ms: give up when the tasks do not stand still by then; 0 for 10 s
 * @nr_externals: entries at @externals, at most CR_MAX_EXTERNALS
 * @externals: struct cr_external[]
 * @sections: struct cr_section[]
 * @nr_sections: entries at @sections, at most CR_MAX_SECTIONS
 * @reserved: zero
 * @stats: filled in on success
 * @parent: with CR_CHECKPOINT_INCREMENT, the id of the image that has the rest
 * @confirm_fd: with CR_CHECKPOINT_CONFIRM, a stream socket, which becomes
 *	non-blocking
 * @reserved2: zero
 *
 * Returns 0, or -1 and errno:
 *
 * EPERM - the caller lacks the capability, or may not read a task.
 * ESRCH - no such pid, or it died during the checkpoint.
 * EINVAL - it is not the init of a pid namespace, or contains the caller;
 *	bad arguments.
 * EOPNOTSUPP - the container has state that cannot be saved; @log_fd says
 *	which.
 * EBUSY - it shares an object with the outside that was not declared external.
 * ETIMEDOUT - a task did not stand still in time; so it is for one that another
 *	checkpoint holds for so long, or whose restart is not complete.
 * EAGAIN - a task died during the checkpoint.
 * ESTALE - @parent is not the last checkpoint of this container that was made
 *	with CR_CHECKPOINT_TRACK.
 * ECANCELED - @confirm_fd was closed instead of a confirmation.
 * Any error of writing to @image_fd.
 *
 * The container runs on unchanged whenever the call fails.
 */
struct cr_checkpoint {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__s32 pidfd;
	__s32 image_fd;
	__s32 log_fd;
	__u32 timeout_ms;
	__u32 nr_externals;
	__u64 externals;
	__u64 sections;
	__u32 nr_sections;
	__u32 reserved;
	struct cr_stats stats;
	__u8 parent[16];
	__s32 confirm_fd;
	__u32 reserved2;
};

/* Write lines "progress DONE TOTAL", in pages, to log_fd. */
#define CR_RESTART_PROGRESS	0x1
/* Accept files whose size or time of modification is not what it was. */
#define CR_RESTART_CHANGED_FILES 0x2
/*
 * Let the tasks go before all of their memory is there. Pages of writable private
 * anonymous memory, of which no process has inherited any, are passed over. Whoever
 * touches one waits until the caller has provided it, by means of @lazy.
 */
#define CR_RESTART_LAZY		0x4

/**
 * struct cr_lazy - memory whose pages the caller has to provide
 * @mm: object id of the memory descriptor
 * @fd: its userfaultfd(2), close-on-exec and non-blocking, with all events that
 *	there are: fork, remap, remove and unmap
 * @reserved: zero
 *
 * All pages of the image are to be copied that belong to the object and are not
 * there (EEXIST). Other pages that are asked for are zero.
 */
struct cr_lazy {
	__u64 mm;
	__s32 fd;
	__u32 reserved;
};

/*
 * Of the descriptor @lazy_fd: all pages are in, and nobody will provide any more.
 * If it is closed before that, the container is killed, and none of its tasks
 * sees a page that is not there as zeroes.
 */
#define CR_IOC_LAZY_DONE	_IO(CR_IOC_MAGIC, 4)

/**
 * struct cr_restart - argument of CR_IOC_RESTART
 * @size: sizeof(struct cr_restart)
 * @flags: CR_RESTART_*
 * @image_fd: where the image comes from
 * @log_fd: where errors go, or -1
 * @root_fd: directory that becomes the container's root, or -1 for the
 *	caller's
 * @cgroup_fd: cgroup (v2) directory to start the tasks in, or -1 for the
 *	caller's
 * @nr_externals: entries at @externals, at most CR_MAX_EXTERNALS
 * @prefix_len: bytes at @prefix
 * @externals: struct cr_external_fd[]
 * @prefix: beginning of the image, which the caller has read already (for
 *	the sections in it); the rest comes from @image_fd
 * @pid: out: the new init as the caller sees it; it is a child of the caller
 * @pidfd: out: pidfd of it, close-on-exec
 * @stats: filled in on success
 * @lazy: with CR_RESTART_LAZY, out: struct cr_lazy[]
 * @nr_lazy: room at @lazy: a process needs one entry at most; out: entries
 * @lazy_fd: with CR_RESTART_LAZY, out: the right to provide them, close-on-exec,
 *	or -1 if there are none
 *
 * The tasks start in the caller's namespaces, except for pid, UTS and IPC
 * namespaces that the container had to itself. A fresh pid namespace that
 * the caller has prepared with unshare(CLONE_NEWPID), and in which no task
 * has been created, is taken as it is.
 *
 * Returns 0, or -1 and errno:
 *
 * EPERM - the caller lacks the capability, or a right that the image asks
 *	for.
 * EBADMSG - the image is damaged or incomplete.
 * EPROTONOSUPPORT - it is of another format version, architecture or a CPU
 *	with more features.
 * ENXIO - an external object was not supplied.
 * ESTALE - a file is not what it was.
 * ENOSPC - there is no room for all entries at @lazy.
 * Any error of the system calls that rebuild the state.
 *
 * Nothing is left behind when the call fails.
 */
struct cr_restart {
	__u32 size;
	__u32 flags;
	__s32 image_fd;
	__s32 log_fd;
	__s32 root_fd;
	__s32 cgroup_fd;
	__u32 nr_externals;
	__u32 prefix_len;
	__u64 externals;
	__u64 prefix;
	__s32 pid;
	__s32 pidfd;
	struct cr_stats stats;
	__u64 lazy;
	__u32 nr_lazy;
	__s32 lazy_fd;
};

#define CR_MAX_PREFIX_LEN	(16U << 20)

/**
 * struct cr_info - argument of CR_IOC_INFO
 * @size: sizeof(struct cr_info)
 * @abi_version: out: CR_ABI_VERSION
 * @format_version: out: image format written and read
 * @flags: out: CR_INFO_*
 * @xfeatures: out: XSAVE components of this CPU that tasks may use
 * @xstate_size: out: bytes of extended state per thread
 * @reserved: zero
 * @kernel_release: out: release that the module was built for
 */
struct cr_info {
	__u32 size;
	__u32 abi_version;
	__u32 format_version;
	__u32 flags;
	__u64 xfeatures;
	__u32 xstate_size;
	__u32 reserved;
	__u8 kernel_release[64];
};

/* The caller has the capability in its own user namespace. */
#define CR_INFO_CAPABLE		0x1

/* The size is in the argument: the number stays when a structure grows. */
#define CR_IOC_MAGIC		0xCE
#define CR_IOC_CHECKPOINT	_IOC(_IOC_READ | _IOC_WRITE, CR_IOC_MAGIC, 1, 0)
#define CR_IOC_RESTART		_IOC(_IOC_READ | _IOC_WRITE, CR_IOC_MAGIC, 2, 0)
#define CR_IOC_INFO		_IOC(_IOC_READ | _IOC_WRITE, CR_IOC_MAGIC, 3, 0)

#endif /* _UAPI_LINUX_CR_H */
