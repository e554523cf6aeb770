/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Checkpoint image, format 1.
 *
 * An image is a byte stream that is written and read in one pass: a file
 * header, then records, the last of them CR_TAG_END. Integers are little
 * endian. Every structure is free of implicit padding, and reserved members
 * are zero: a reader refuses other values.
 *
 * Objects that tasks share (open file descriptions, memory, descriptor
 * tables ...) are records with an object id, written once and before any
 * record that refers to them. Ids are positive and grow along the stream; a
 * reference of 0 means "none".
 *
 * Documentation/image-format.rst describes the order of the records and what a
 * reader has to check.
 */
#ifndef _UAPI_LINUX_CR_IMAGE_H
#define _UAPI_LINUX_CR_IMAGE_H

#include <linux/types.h>

/* "CR-IMAGE" */
#define CR_IMG_MAGIC		0x4547414d492d5243ULL
#define CR_IMG_VERSION		1

/*
 * Longest payload of a record that is not CR_TAG_PAGES, and of one that is.
 * The former has room for a full pipe and for a million descriptors.
 */
#define CR_IMG_MAX_PAYLOAD	(32U << 20)
#define CR_IMG_MAX_PAGES_PAYLOAD (4U << 20)
/* Longest path, without a terminating NUL. */
#define CR_IMG_PATH_MAX		4095

/**
 * struct cr_img_header - first bytes of an image
 * @magic: CR_IMG_MAGIC
 * @version: CR_IMG_VERSION; a reader refuses any other
 * @header_len: sizeof(struct cr_img_header)
 * @arch: ELF machine (e_machine) of the kernel that wrote the image
 * @page_size: bytes in a page
 * @flags: reserved
 * @xfeatures: XSAVE components that may be in use (XCR0 | IA32_XSS user part)
 * @xstate_size: bytes of the XSAVE area of a thread
 * @time_ns: CLOCK_REALTIME at the moment of the checkpoint, ns
 * @kernel_release: uname release, NUL padded
 * @reserved: zero
 * @crc: CRC32C of all the bytes before it
 */
struct cr_img_header {
	__u64 magic;
	__u32 version;
	__u32 header_len;
	__u32 arch;
	__u32 page_size;
	__u64 flags;
	__u64 xfeatures;
	__u32 xstate_size;
	__u32 reserved0;
	__u64 time_ns;
	__u8 kernel_release[64];
	__u32 reserved;
	__u32 crc;
};

/* A reader that does not know the tag may pass over the record. */
#define CR_REC_SKIPPABLE	0x0001

/**
 * struct cr_img_record - precedes every payload
 * @tag: enum cr_img_tag
 * @version: version of this tag's payload
 * @flags: CR_REC_*
 * @length: bytes of payload, without padding and tail
 * @id: object id, or 0
 * @reserved: zero
 * @crc: CRC32C of the bytes of this structure before it
 *
 * The payload follows, zero padded to a multiple of 8 bytes, and then a struct
 * cr_img_tail.
 */
struct cr_img_record {
	__u32 tag;
	__u16 version;
	__u16 flags;
	__u64 length;
	__u64 id;
	__u32 reserved;
	__u32 crc;
};

/**
 * struct cr_img_tail - follows every padded payload
 * @crc: CRC32C of the padded payload
 * @reserved: zero
 */
struct cr_img_tail {
	__u32 crc;
	__u32 reserved;
};

/**
 * enum cr_img_tag - kinds of records
 *
 * "obj" marks those that carry an object id.
 *
 * @CR_TAG_END: last record; struct cr_img_end
 * @CR_TAG_SECTION: section of user space; struct cr_img_section, then data.
 *	Skippable. All sections come before the first other record.
 * @CR_TAG_CONTAINER: struct cr_img_container; the first record of the kernel
 * @CR_TAG_UTS: struct cr_img_uts
 * @CR_TAG_IPC: struct cr_img_ipc
 * @CR_TAG_SEM: set of semaphores; struct cr_img_sem, then struct
 *	cr_img_semaphore[]; after CR_TAG_IPC
 * @CR_TAG_MSGQ: System V message queue; struct cr_img_msgq, then for each
 *	message struct cr_img_msg and its text; after CR_TAG_IPC
 * @CR_TAG_SHM: System V shared memory; struct cr_img_shm; after CR_TAG_IPC
 * @CR_TAG_MQUEUE: obj; POSIX message queue; struct cr_img_mqueue, then its name,
 *	then for each message struct cr_img_msg and its text; after CR_TAG_IPC
 * @CR_TAG_SEMADJ: struct cr_img_semadj, then __s16 adjustments[]; after all
 *	processes
 * @CR_TAG_CPU: what programs could use of the processor: names of features as in
 *	/proc/cpuinfo, separated by single spaces
 * @CR_TAG_CRED: obj; struct cr_img_cred, then __u32 groups[]
 * @CR_TAG_LANDLOCK: obj; struct cr_img_landlock, then for each rule struct
 *	cr_img_landlock_rule and its path
 * @CR_TAG_BPF_MAP: obj; struct cr_img_bpf_map, then its elements
 * @CR_TAG_PIPE: obj; struct cr_img_pipe, then struct cr_img_packet[], then its
 *	path, then the bytes in it
 * @CR_TAG_SHMEM: obj; struct cr_img_shmem
 * @CR_TAG_INODE: obj; struct cr_img_inode, then its name
 * @CR_TAG_TTY: obj; struct cr_img_tty, then the path of the master, then what waits
 *	in the master and what waits in the slave, see struct cr_img_tty_end
 * @CR_TAG_FILE: obj; struct cr_img_file, then the path
 * @CR_TAG_FDTABLE: obj; struct cr_img_fdtable, then struct cr_img_fd[]
 * @CR_TAG_FS: obj; struct cr_img_fs, then cwd path, root path
 * @CR_TAG_SIGHAND: obj; struct cr_img_sighand
 * @CR_TAG_POLICY: obj; struct cr_img_policy, then __u64 asked[], __u64 nodes[]
 * @CR_TAG_MM: obj; struct cr_img_mm, then __u64 auxv[]
 * @CR_TAG_VMA: struct cr_img_vma; belongs to the last CR_TAG_MM
 * @CR_TAG_GUARDS: struct cr_img_guards, then struct cr_img_run[]; after the
 *	CR_TAG_MM it names and its mappings; by ascending CR_TAG_MM
 * @CR_TAG_LDT: struct cr_img_ldt, then __u64 descriptors[]; after the CR_TAG_MM it
 *	names and its mappings; by ascending CR_TAG_MM
 * @CR_TAG_AIO: obj; struct cr_img_aio, then struct cr_img_aio_event[]
 * @CR_TAG_URING: obj; struct cr_img_uring, then its rings and entries
 * @CR_TAG_LOCK: struct cr_img_lock; after the tables and files it names
 * @CR_TAG_SECCOMP: obj; struct cr_img_seccomp, then __u64 insns[]
 * @CR_TAG_PIDNS: obj; struct cr_img_pidns
 * @CR_TAG_EPOLL: struct cr_img_epoll, then struct cr_img_epoll_item[]; after
 *	the files it names; one for each instance
 * @CR_TAG_TIMERFD: struct cr_img_timerfd; after the file it names; one for each
 *	timerfd
 * @CR_TAG_INOTIFY: struct cr_img_inotify, then for each event struct
 *	cr_img_inotify_event and its name; after the file it names; one for each
 *	inotify instance
 * @CR_TAG_WATCH: struct cr_img_watch, then the path; belongs to the last
 *	CR_TAG_INOTIFY
 * @CR_TAG_FANOTIFY: struct cr_img_fanotify, then for each event struct
 *	cr_img_fanotify_event, its file handles, names and path; after the file it
 *	names; one for each fanotify group
 * @CR_TAG_FANOTIFY_MARK: struct cr_img_fanotify_mark, then the path; belongs to
 *	the last CR_TAG_FANOTIFY
 * @CR_TAG_OWNER: struct cr_img_owner; after the file it names
 * @CR_TAG_DNOTIFY: struct cr_img_dnotify; after the table and the file it names;
 *	those of one directory in the order in which they are told
 * @CR_TAG_PID: struct cr_img_pid, then __u32 numbers[]; by ascending number
 * @CR_TAG_SOCKET: obj; struct cr_img_socket, then __u32 groups[], name, path
 * @CR_TAG_PEER: struct cr_img_peer, then the name; after the sockets it names
 * @CR_TAG_INET: obj; struct cr_img_inet, then struct cr_img_sockopt[]
 * @CR_TAG_STREAM: struct cr_img_stream, then the bytes; after the sockets it
 *	names; one for each CR_TAG_INET that is connected, in their order, but for
 *	clients of CR_TAG_WAITING
 * @CR_TAG_WAITING: struct cr_img_waiting, then the bytes; after the sockets it
 *	names; those of one in the order in which they are to be accepted
 * @CR_TAG_DATAGRAM: struct cr_img_datagram, then the bytes; after the socket it
 *	names; by ascending sockets, those of one in their order
 * @CR_TAG_SOURCE: struct cr_img_source; after the socket it names; by ascending
 *	sockets
 * @CR_TAG_SOCKERR: struct cr_img_sockerr, then the bytes; after the socket it
 *	names; by ascending sockets, those of one in their order
 * @CR_TAG_CORK: struct cr_img_cork, then the bytes; after the socket it names; by
 *	ascending sockets
 * @CR_TAG_NETLINK: obj; struct cr_img_netlink, then struct cr_img_sockopt[]
 * @CR_TAG_NLMSG: struct cr_img_netlink_message, then the bytes; after the
 *	socket it names; by ascending sockets, those of one in their order
 * @CR_TAG_LINK: obj; struct cr_img_link, then struct cr_img_sockopt[]
 * @CR_TAG_FRAME: struct cr_img_frame, then the bytes; after the socket it names;
 *	by ascending sockets, those of one in their order
 * @CR_TAG_SOCKFILTER: struct cr_img_sockfilter, then __u64 insns[]; after the
 *	socket it names; by ascending sockets, those of one by ascending options
 * @CR_TAG_KERNFS_FILE: obj; struct cr_img_kernfs_file, then what is left
 * @CR_TAG_MESSAGE: struct cr_img_message, then __u64 files[], name, bytes; after
 *	what it names
 * @CR_TAG_PROCESS: struct cr_img_process; parents before children, and the init
 *	of a pid namespace before the others in it
 * @CR_TAG_THREAD: struct cr_img_thread, then __u32 numbers[]; belongs to the
 *	last CR_TAG_PROCESS, the thread-group leader first
 * @CR_TAG_REGS: struct cr_img_regs; belongs to the last CR_TAG_THREAD
 * @CR_TAG_XSTATE: struct cr_img_xstate, then the blocks; belongs to the last
 *	CR_TAG_THREAD
 * @CR_TAG_SIGQUEUE: struct cr_img_sigqueue, then struct cr_img_siginfo[];
 *	belongs to the last CR_TAG_THREAD, or, shared, to the last
 *	CR_TAG_PROCESS
 * @CR_TAG_SCHED: struct cr_img_sched, then __u64 cpus[]; belongs to the last
 *	CR_TAG_THREAD
 * @CR_TAG_CONTROLS: struct cr_img_controls; belongs to the last CR_TAG_THREAD
 * @CR_TAG_TRACE: struct cr_img_trace; belongs to the last CR_TAG_THREAD
 * @CR_TAG_DEBUGREGS: struct cr_img_debugregs; belongs to the last CR_TAG_THREAD
 * @CR_TAG_TLS: struct cr_img_tls; belongs to the last CR_TAG_THREAD
 * @CR_TAG_TIMERS: struct cr_img_timers, then struct cr_img_timer[]; belongs to
 *	the last CR_TAG_PROCESS
 * @CR_TAG_INHERIT: struct cr_img_inherit, then struct cr_img_run[]; after all
 *	processes
 * @CR_TAG_UNCHANGED: struct cr_img_unchanged, then struct cr_img_run[]; after all
 *	processes, in images that have a parent
 * @CR_TAG_HUGE: struct cr_img_huge, then struct cr_img_run[]; after all processes
 * @CR_TAG_RESERVE: struct cr_img_reserve, then struct cr_img_run[]; after the
 *	object that it is about, by ascending object
 * @CR_TAG_SHARED_POLICY: struct cr_img_shared_policy, then struct
 *	cr_img_policy_run[]; after the object and the policies that it is about, by
 *	ascending object
 * @CR_TAG_URING_TABLE: struct cr_img_uring_table, then struct
 *	cr_img_uring_entry[]; after all processes and what it names; by ascending
 *	instance and kind
 * @CR_TAG_URING_GROUP: struct cr_img_uring_group, then struct
 *	cr_img_uring_buffer[]; after all processes and what it names; by ascending
 *	instance and group
 * @CR_TAG_URING_TASK: struct cr_img_uring_task, then __u64 cpus[]; after all
 *	processes and what it names; by ascending thread
 * @CR_TAG_URING_REQUEST: struct cr_img_uring_request; after all processes and what
 *	it names; in the order in which they are to be submitted again
 * @CR_TAG_PAGES: struct cr_img_pages, struct cr_img_run[], zeroes up to
 *	@data_offset, then the pages. After all the records above.
 */
enum cr_img_tag {
	CR_TAG_END		= 0x01,
	CR_TAG_SECTION		= 0x02,

	CR_TAG_CONTAINER	= 0x10,
	CR_TAG_UTS		= 0x11,
	CR_TAG_IPC		= 0x12,
	CR_TAG_CPU		= 0x13,
	CR_TAG_SEM		= 0x14,
	CR_TAG_MSGQ		= 0x15,
	CR_TAG_SEMADJ		= 0x16,
	CR_TAG_SHM		= 0x17,
	CR_TAG_MQUEUE		= 0x18,
	CR_TAG_POLICY		= 0x19,
	CR_TAG_LDT		= 0x1e,

	CR_TAG_CRED		= 0x20,
	CR_TAG_PIPE		= 0x21,
	CR_TAG_SHMEM		= 0x22,
	CR_TAG_FILE		= 0x23,
	CR_TAG_FDTABLE		= 0x24,
	CR_TAG_FS		= 0x25,
	CR_TAG_SIGHAND		= 0x26,
	CR_TAG_MM		= 0x27,
	CR_TAG_VMA		= 0x28,
	CR_TAG_LOCK		= 0x29,
	CR_TAG_SECCOMP		= 0x2a,
	CR_TAG_EPOLL		= 0x2b,
	CR_TAG_OWNER		= 0x2c,
	CR_TAG_PIDNS		= 0x2d,
	CR_TAG_PID		= 0x2e,
	CR_TAG_TIMERFD		= 0x2f,
	CR_TAG_INODE		= 0x38,
	CR_TAG_INOTIFY		= 0x39,
	CR_TAG_WATCH		= 0x3a,
	CR_TAG_TTY		= 0x30,
	CR_TAG_NETLINK		= 0x31,
	CR_TAG_NLMSG		= 0x32,
	CR_TAG_DATAGRAM		= 0x33,
	CR_TAG_SOCKET		= 0x34,
	CR_TAG_PEER		= 0x35,
	CR_TAG_MESSAGE		= 0x36,
	CR_TAG_GUARDS		= 0x37,
	CR_TAG_INET		= 0x3b,
	CR_TAG_STREAM		= 0x3c,
	CR_TAG_AIO		= 0x3d,
	CR_TAG_URING		= 0x3e,
	CR_TAG_WAITING		= 0x3f,

	CR_TAG_PROCESS		= 0x40,
	CR_TAG_THREAD		= 0x41,
	CR_TAG_REGS		= 0x42,
	CR_TAG_XSTATE		= 0x43,
	CR_TAG_SIGQUEUE		= 0x44,
	CR_TAG_SCHED		= 0x45,
	CR_TAG_CONTROLS		= 0x46,
	CR_TAG_TIMERS		= 0x47,
	CR_TAG_TRACE		= 0x4a,
	CR_TAG_DEBUGREGS	= 0x4b,
	CR_TAG_TLS		= 0x4e,

	CR_TAG_INHERIT		= 0x50,
	CR_TAG_UNCHANGED	= 0x51,
	CR_TAG_HUGE		= 0x52,
	CR_TAG_SOCKFILTER	= 0x53,
	CR_TAG_LINK		= 0x54,
	CR_TAG_FRAME		= 0x55,
	CR_TAG_URING_TABLE	= 0x56,
	CR_TAG_URING_TASK	= 0x57,
	CR_TAG_KERNFS_FILE	= 0x58,
	CR_TAG_SOURCE		= 0x59,
	CR_TAG_URING_REQUEST	= 0x5a,
	CR_TAG_LANDLOCK		= 0x5e,
	CR_TAG_BPF_MAP		= 0x5f,
	CR_TAG_FANOTIFY		= 0x5c,
	CR_TAG_FANOTIFY_MARK	= 0x5d,

	CR_TAG_PAGES		= 0x60,
	CR_TAG_RESERVE		= 0x61,
	CR_TAG_SOCKERR		= 0x62,
	CR_TAG_CORK		= 0x63,
	CR_TAG_URING_GROUP	= 0x66,
	CR_TAG_DNOTIFY		= 0x68,
	CR_TAG_SHARED_POLICY	= 0x6a,
};

/**
 * struct cr_img_end - proves that the image is complete
 * @nr_records: records before this one
 * @nr_pages: pages in all CR_TAG_PAGES records
 * @length: bytes of the image before this record
 */
struct cr_img_end {
	__u64 nr_records;
	__u64 nr_pages;
	__u64 length;
};

#define CR_SECTION_NAME_LEN	16

/**
 * struct cr_img_section - data of user space that travels in the image
 * @name: who understands it, NUL padded ("crctl")
 */
struct cr_img_section {
	__u8 name[CR_SECTION_NAME_LEN];
};

/* Namespaces that the container does not share with the checkpoint's caller. */
#define CR_NS_MNT		0x1
#define CR_NS_UTS		0x2
#define CR_NS_IPC		0x4
/* A container always has one after a restart, so that its clocks go on. */
#define CR_NS_TIME		0x8

#define CR_IMG_ID_LEN		16

/**
 * struct cr_img_container - the container as a whole
 * @nr_processes: CR_TAG_PROCESS records
 * @nr_threads: CR_TAG_THREAD records
 * @last_pid: the pid handed out last in the pid namespace
 * @namespaces: CR_NS_*
 * @monotonic_ns: CLOCK_MONOTONIC in the container, at the moment of the
 *	checkpoint
 * @boottime_ns: the same of CLOCK_BOOTTIME
 * @nr_pages: pages that follow in CR_TAG_PAGES records
 * @id: of the image, by chance; an image that was merged with its parents keeps it
 * @parent: id of the image that has what is not in this one; zeroes if nothing is
 *	missing
 */
struct cr_img_container {
	__u32 nr_processes;
	__u32 nr_threads;
	__u32 last_pid;
	__u32 namespaces;
	__u64 monotonic_ns;
	__u64 boottime_ns;
	__u64 nr_pages;
	__u8 id[CR_IMG_ID_LEN];
	__u8 parent[CR_IMG_ID_LEN];
};

/**
 * struct cr_img_uts - names of a UTS namespace, NUL padded
 * @nodename: host name
 * @domainname: NIS domain name
 */
struct cr_img_uts {
	__u8 nodename[65];
	__u8 domainname[65];
	__u8 reserved[6];
};

/**
 * struct cr_img_ipc - sysctls of an IPC namespace, by their names
 * @shmmax: kernel.shmmax; as for the next ones
 * @sem: kernel.sem: its four numbers
 * @mq_queues_max: fs.mqueue.queues_max; as for the next ones
 * @next_seq: what identifiers of new semaphores, queues and segments begin with
 * @last_index: what the last identifier of each has ended with, or -1
 */
struct cr_img_ipc {
	__u64 shmmax;
	__u64 shmall;
	__u32 shmmni;
	__u32 shm_rmid_forced;
	__u32 msgmax;
	__u32 msgmnb;
	__u32 msgmni;
	__s32 sem[4];
	__u32 mq_queues_max;
	__u32 mq_msg_max;
	__u32 mq_msgsize_max;
	__u32 mq_msg_default;
	__u32 mq_msgsize_default;
	__u32 next_seq[3];
	__s32 last_index[3];
};

/**
 * struct cr_img_ipc_perm - what all System V IPC objects have
 * @id: identifier
 * @key: 0 (IPC_PRIVATE) for one without
 * @uid: owner
 * @gid: group of the owner
 * @cuid: who has created it
 * @cgid: group of who has created it
 * @mode: permissions
 * @reserved: zero
 */
struct cr_img_ipc_perm {
	__s32 id;
	__s32 key;
	__u32 uid;
	__u32 gid;
	__u32 cuid;
	__u32 cgid;
	__u32 mode;
	__u32 reserved;
};

/**
 * struct cr_img_sem - set of semaphores
 * @perm: identifier, owner and permissions
 * @ctime: of the last change, seconds of CLOCK_REALTIME
 * @nr: semaphores that follow
 * @reserved: zero
 */
struct cr_img_sem {
	struct cr_img_ipc_perm perm;
	__s64 ctime;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct cr_img_semaphore - one semaphore
 * @otime: of the last operation, seconds of CLOCK_REALTIME
 * @value: at most 32767
 * @pid: of the last operation, or 0
 */
struct cr_img_semaphore {
	__s64 otime;
	__u32 value;
	__u32 pid;
};

/**
 * struct cr_img_semadj - what the end of a process does to a set of semaphores
 *	(SEM_UNDO)
 * @pid: the process
 * @id: identifier of the set
 * @nr: adjustments that follow, one for each semaphore of the set
 * @reserved: zero
 */
struct cr_img_semadj {
	__u32 pid;
	__s32 id;
	__u32 nr;
	__u32 reserved;
};

/* Highest value of a semaphore, and most of an adjustment. */
#define CR_SEM_MAX		32767

/**
 * struct cr_img_shm - segment of System V shared memory
 * @perm: identifier, owner and permissions
 * @object: CR_TAG_SHMEM with its contents
 * @size: bytes; that of the object is the next multiple of the page size
 * @atime: of the last shmat(2), seconds of CLOCK_REALTIME
 * @dtime: of the last shmdt(2)
 * @ctime: of the last change
 * @cpid: who has created it, or 0
 * @lpid: who has attached or detached it last, or 0
 * @creator: the thread that has created it, if it lives, else 0
 * @flags: CR_SHM_*
 */
struct cr_img_shm {
	struct cr_img_ipc_perm perm;
	__u64 object;
	__u64 size;
	__s64 atime;
	__s64 dtime;
	__s64 ctime;
	__u32 cpid;
	__u32 lpid;
	__u32 creator;
	__u32 flags;
};

/* It goes with its last mapping (IPC_RMID). */
#define CR_SHM_DEST		0x1

/**
 * struct cr_img_msgq - System V message queue
 * @perm: identifier, owner and permissions
 * @stime: of the last msgsnd(2), seconds of CLOCK_REALTIME
 * @rtime: of the last msgrcv(2)
 * @ctime: of the last change
 * @qbytes: most bytes in it
 * @lspid: who has called msgsnd(2) last, or 0
 * @lrpid: who has called msgrcv(2) last, or 0
 * @nr: messages that follow, the oldest first
 * @reserved: zero
 */
struct cr_img_msgq {
	struct cr_img_ipc_perm perm;
	__s64 stime;
	__s64 rtime;
	__s64 ctime;
	__u64 qbytes;
	__u32 lspid;
	__u32 lrpid;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct cr_img_msg - message, without padding
 * @mtype: its type, above 0; or, in a POSIX queue, its priority
 * @length: bytes of text that follow
 * @reserved: zero
 */
struct cr_img_msg {
	__s64 mtype;
	__u32 length;
	__u32 reserved;
};

/*
 * It has no name any more (mq_unlink(3)). Who is told of a message gets a signal
 * (SIGEV_SIGNAL), or the cookie at a socket (SIGEV_THREAD), else nothing (SIGEV_NONE).
 */
#define CR_MQUEUE_REMOVED	0x1
#define CR_MQUEUE_SIGNALS	0x2
#define CR_MQUEUE_SOCKET	0x4
/* The name, without "/"; and below which priorities are. */
#define CR_MQUEUE_NAME_MAX	255
#define CR_MQUEUE_PRIORITIES	32768

/**
 * struct cr_img_mqueue - POSIX message queue
 * @mode: permissions
 * @uid: owner
 * @gid: group
 * @flags: CR_MQUEUE_*
 * @max_messages: most messages in it
 * @max_length: most bytes in a message
 * @nr: messages, in the order in which they are received
 * @name_len: bytes of the name
 * @atime_sec: times, of CLOCK_REALTIME
 * @notify_pid: the process that is told of the next message (mq_notify(3)), or 0
 * @notify_value: what comes with the signal
 * @notify_signal: the signal, or 0; or the descriptor of the socket
 * @notify_fd: a descriptor of the queue in that process
 * @cookie: what comes at the socket
 */
struct cr_img_mqueue {
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u32 max_messages;
	__u32 max_length;
	__u32 nr;
	__u32 name_len;
	__s64 atime_sec;
	__s64 mtime_sec;
	__s64 ctime_sec;
	__u32 atime_nsec;
	__u32 mtime_nsec;
	__u32 ctime_nsec;
	__u32 notify_pid;
	__u64 notify_value;
	__u32 notify_signal;
	__u32 notify_fd;
	__u8 cookie[32];
};

/**
 * struct cr_img_cred - credentials
 * @uid: real, effective, saved and file system user id
 * @gid: the same of the group
 * @cap: inheritable, permitted, effective, bounding and ambient set
 * @securebits: SECBIT_*
 * @nr_groups: supplementary groups that follow
 * @landlock_log: bit n: layer n + 1 of the Landlock domain was enforced by the
 *	program that is executed; CR_LANDLOCK_LOG_OFF
 * @reqkey_keyring: where requested keys go (KEYCTL_SET_REQKEY_KEYRING)
 * @landlock: CR_TAG_LANDLOCK of the newest layer of the Landlock domain, or 0
 */
struct cr_img_cred {
	__u32 uid[4];
	__u32 gid[4];
	__u64 cap[5];
	__u32 securebits;
	__u32 nr_groups;
	__u32 landlock_log;
	__u32 reqkey_keyring;
	__u64 landlock;
};

/* What further layers deny is not logged. */
#define CR_LANDLOCK_LOG_OFF	0x10000

/* As for landlock_restrict_self(2): what is denied is not logged ... */
#define CR_LANDLOCK_SAME_EXEC_OFF	0x1
/* ... is logged of programs that are executed later, too ... */
#define CR_LANDLOCK_NEW_EXEC_ON		0x2
/* ... is not logged at all, because an older layer has said so. */
#define CR_LANDLOCK_UNLOGGED		0x4
/* Not a layer, but a set of rules that an open file refers to. */
#define CR_LANDLOCK_RULESET		0x8

/**
 * struct cr_img_landlock - layer of a Landlock domain, or set of rules for one
 * @prev: CR_TAG_LANDLOCK of the layer before it, or 0
 * @fs: LANDLOCK_ACCESS_FS_* that are denied where no rule allows them
 * @net: LANDLOCK_ACCESS_NET_*, the same
 * @scoped: LANDLOCK_SCOPE_* that are denied
 * @quiet_fs: those of @fs that are not logged of what is quiet
 * @quiet_net: the same of @net
 * @quiet_scoped: the same of @scoped
 * @flags: CR_LANDLOCK_*
 * @nr_rules: rules that follow
 */
struct cr_img_landlock {
	__u64 prev;
	__u32 fs;
	__u32 net;
	__u32 scoped;
	__u32 quiet_fs;
	__u32 quiet_net;
	__u32 quiet_scoped;
	__u32 flags;
	__u32 nr_rules;
};

/* What is denied of it is quiet. */
#define CR_LANDLOCK_RULE_QUIET	0x1
/* It is about a port, not about what is below a name. */
#define CR_LANDLOCK_RULE_PORT	0x2

/**
 * struct cr_img_landlock_rule - what a layer allows
 * @access: those of its @fs, or @net, that are allowed
 * @port: the port
 * @flags: CR_LANDLOCK_RULE_*
 * @mode: type of the file, as in struct cr_img_file; 0 for a port
 * @path_len: bytes of path that follow; no NUL; 0 for a port
 */
struct cr_img_landlock_rule {
	__u32 access;
	__u16 port;
	__u16 flags;
	__u32 mode;
	__u32 path_len;
};

/* Most layers of a Landlock domain. */
#define CR_MAX_LANDLOCK		16

/* Nobody may change it any more by bpf(2). */
#define CR_BPF_MAP_FROZEN	0x1

/**
 * struct cr_img_bpf_map - map of bpf(2)
 * @type: BPF_MAP_TYPE_*
 * @key_size: bytes of a key; 0 for a queue or stack
 * @value_size: bytes of a value
 * @max_entries: most elements in it
 * @map_flags: BPF_F_* that it was made with, with BPF_F_RDONLY or BPF_F_WRONLY if
 *	that is all that its open file is for
 * @numa_node: where its memory is, with BPF_F_NUMA_NODE
 * @nr_cpus: values of an element, one for each possible processor; 0 if it has one
 * @nr: elements that follow, those of a queue or stack from the oldest one on
 * @flags: CR_BPF_MAP_*
 * @reserved: zero
 * @name: its name, NUL padded
 *
 * An element is a key and its values, each of them padded to 8 bytes if there is one
 * for each processor.
 */
struct cr_img_bpf_map {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 numa_node;
	__u32 nr_cpus;
	__u32 nr;
	__u32 flags;
	__u32 reserved;
	__u8 name[16];
};

/**
 * struct cr_img_pipe - pipe
 * @ring_size: buffers in the ring, a power of two
 * @length: bytes that wait in the pipe and follow the path
 * @path_len: bytes of path that follow; 0 for a pipe without a name
 * @uid: owner of a pipe without a name
 * @gid: group of a pipe without a name
 * @nr_packets: how many of the bytes are packets
 */
struct cr_img_pipe {
	__u32 ring_size;
	__u32 length;
	__u32 path_len;
	__u32 uid;
	__u32 gid;
	__u32 nr_packets;
};

/**
 * struct cr_img_packet - what a pipe gives to one read(2), and forgets the rest
 * @at: where it begins, counted from the first byte in the pipe
 * @length: bytes, at most a page
 */
struct cr_img_packet {
	__u32 at;
	__u32 length;
};

/* Swap and memory are not accounted in advance. */
#define CR_SHMEM_NORESERVE	0x1
/* Behind a segment of System V shared memory, for one CR_TAG_SHM. */
#define CR_SHMEM_SYSV		0x2
/* Of huge pages of 2 MB. */
#define CR_SHMEM_HUGETLB	0x4
/* With CR_SHMEM_HUGETLB: of 1 GB. */
#define CR_SHMEM_GIGANTIC	0x8

/**
 * struct cr_img_shmem - memory object behind anonymous mappings that are shared, or
 *	of huge pages, or a segment of System V shared memory
 * @size: bytes, whole pages
 * @flags: CR_SHMEM_*
 * @key: which key the segment was made with; 0 without CR_SHMEM_SYSV
 */
struct cr_img_shmem {
	__u64 size;
	__u32 flags;
	__u32 key;
};

/**
 * enum cr_img_inode_kind - what has no name, so that its contents are in the image
 * @CR_INODE_MEMFD: memfd_create(2); its name is what was given there
 * @CR_INODE_REMOVED: regular file that has been removed and is still in use; its
 *	name is that of its directory
 * @CR_INODE_TMPFILE: the same of O_TMPFILE, which may get a name
 * @CR_INODE_DIRECTORY: directory that has been removed and is still in use; its
 *	name is that of the next one above it that was not. It has no contents:
 *	@size is 0
 * @CR_INODE_HUGETLB: memfd of huge pages of 2 MB (MFD_HUGETLB)
 * @CR_INODE_GIGANTIC: the same of 1 GB
 * @CR_INODE_HUGETLB_REMOVED, @CR_INODE_HUGETLB_TMPFILE: as CR_INODE_REMOVED and
 *	CR_INODE_TMPFILE, of a mounted hugetlbfs with huge pages of 2 MB
 * @CR_INODE_GIGANTIC_REMOVED, @CR_INODE_GIGANTIC_TMPFILE: the same of 1 GB
 */
enum cr_img_inode_kind {
	CR_INODE_MEMFD		= 1,
	CR_INODE_REMOVED	= 2,
	CR_INODE_TMPFILE	= 3,
	CR_INODE_DIRECTORY	= 4,
	CR_INODE_HUGETLB	= 5,
	CR_INODE_GIGANTIC	= 6,
	CR_INODE_HUGETLB_REMOVED	= 7,
	CR_INODE_HUGETLB_TMPFILE	= 8,
	CR_INODE_GIGANTIC_REMOVED	= 9,
	CR_INODE_GIGANTIC_TMPFILE	= 10,
};

/**
 * struct cr_img_inode - inode whose contents are in the image
 * @kind: enum cr_img_inode_kind
 * @mode: permissions, without the type
 * @size: bytes
 * @atime_sec, @atime_nsec: when it was read
 * @mtime_sec, @mtime_nsec: when it was written to
 * @seals: F_SEAL_* of a memfd
 * @name_len: bytes of the name that follows
 */
struct cr_img_inode {
	__u32 kind;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u64 size;
	__s64 atime_sec;
	__s64 mtime_sec;
	__u32 atime_nsec;
	__u32 mtime_nsec;
	__u32 seals;
	__u32 name_len;
};

/* Longest line, and most that waits to be read or echoed, at one end of a terminal. */
#define CR_TTY_BUFFER	4096
/* Most that has been written and is not looked at by the other end yet. */
#define CR_TTY_MAX_FLIP	32768
/* Most columns that are told apart. */
#define CR_TTY_MAX_COLUMN	(1 << 24)

/* Output is stopped, by a character or by who has the terminal open (TCOOFF). */
#define CR_TTY_STOPPED		(1 << 0)
#define CR_TTY_TCO_STOPPED	(1 << 1)
/* Nobody else may open it (TIOCEXCL). */
#define CR_TTY_EXCLUSIVE	(1 << 2)
/* Nobody has this end open; who had the other one has closed it. */
#define CR_TTY_IO_ERROR		(1 << 3)
#define CR_TTY_OTHER_CLOSED	(1 << 4)
/* It was hung up, and not opened again. */
#define CR_TTY_HUPPED		(1 << 5)
/* The line discipline: the next character is taken as it is; characters are being
 * erased; there is no end of a line; there was no room for what has been written. */
#define CR_TTY_LNEXT		(1 << 6)
#define CR_TTY_ERASING		(1 << 7)
#define CR_TTY_PUSH		(1 << 8)
#define CR_TTY_NO_ROOM		(1 << 9)

/**
 * struct cr_img_tty_end - one end of a pseudoterminal
 * @flags: CR_TTY_*
 * @nr_read: bytes that wait to be read
 * @line_start: how many bytes before these the line began
 * @canon_head: how many of them are complete lines
 * @commit_head: how many of them may be read otherwise
 * @nr_echo: bytes that wait to be echoed, coded as in drivers/tty/n_tty.c
 * @echo_commit: how many of them are to be echoed as soon as there is room
 * @echo_mark: how many of them belong to what was looked at as a whole; less than
 *	0 if more than these is out already
 * @column: where the next character is put, from 0 on
 * @canon_column: where the line that is typed began
 * @lookahead: bytes not looked at yet that were searched for flow control
 * @nr_flip: bytes that the other end has written, and that are not looked at yet
 * @flip_lookahead: how many of them were searched for flow control
 * @reserved: zero
 *
 * The payload has for each end: the bytes that wait to be read; for each of them a
 * byte, 1 where a line ends, else 0; the echo; what is not looked at.
 */
struct cr_img_tty_end {
	__u32 flags;
	__u32 nr_read;
	__u32 line_start;
	__u32 canon_head;
	__u32 commit_head;
	__u32 nr_echo;
	__u32 echo_commit;
	__s32 echo_mark;
	__u32 column;
	__u32 canon_column;
	__u32 lookahead;
	__u32 nr_flip;
	__u32 flip_lookahead;
	__u32 reserved;
};

/**
 * struct cr_img_termios - struct ktermios of the kernel
 */
struct cr_img_termios {
	__u32 iflag;
	__u32 oflag;
	__u32 cflag;
	__u32 lflag;
	__u8 line;
	__u8 cc[19];
	__u32 ispeed;
	__u32 ospeed;
};

/* The slave may not be opened (TIOCSPTLCK). */
#define CR_TTY_LOCKED		(1 << 0)
/* The master is closed, and the slave hung up: only its files are left. */
#define CR_TTY_MASTER_CLOSED	(1 << 1)
/* The master is in packet mode (TIOCPKT). */
#define CR_TTY_PACKET		(1 << 2)
/* The foreground process group has ended, and nobody has its number. */
#define CR_TTY_PGRP_GONE	(1 << 3)

/**
 * struct cr_img_tty - pseudoterminal, both ends of it
 * @index: its number: the slave is /dev/pts/@index
 * @flags: CR_TTY_LOCKED and those after it
 * @open_flags: of the open file of the master
 * @mode: permissions of the slave, without the type
 * @uid: its owner
 * @gid: its group
 * @session: session whose controlling terminal it is, or 0
 * @pgrp: the foreground process group of that
 * @rows: size of the window
 * @columns: the same
 * @xpixel: the same
 * @ypixel: the same
 * @packet_status: TIOCPKT_* that the master is to be told
 * @path_len: bytes of the path of the master, which opening it again makes a new
 *	pseudoterminal
 * @termios: settings of the slave
 * @locked: which of them are locked (TIOCSLCKTRMIOS)
 * @master: the master
 * @slave: the slave
 */
struct cr_img_tty {
	__u32 index;
	__u32 flags;
	__u32 open_flags;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 session;
	__u32 pgrp;
	__u16 rows;
	__u16 columns;
	__u16 xpixel;
	__u16 ypixel;
	__u32 packet_status;
	__u32 path_len;
	struct cr_img_termios termios;
	struct cr_img_termios locked;
	struct cr_img_tty_end master;
	struct cr_img_tty_end slave;
};

/**
 * enum cr_img_file_kind - what an open file description refers to
 * @CR_FILE_REG: regular file, found again by path
 * @CR_FILE_DIR: directory, found again by path
 * @CR_FILE_CHR: memory device (null, zero, full, random, urandom), by path
 * @CR_FILE_PIPE: @target is a CR_TAG_PIPE
 * @CR_FILE_EXTERNAL: supplied at restart; @target is the key of the external
 * @CR_FILE_EVENTFD: eventfd(2); @pos is its counter, @target is 1 for one that
 *	is a semaphore, else 0
 * @CR_FILE_EPOLL: epoll(7); a CR_TAG_EPOLL says what it watches
 * @CR_FILE_PROC_TASK: a file of a process or thread in procfs, such as /proc/PID/mem,
 *	found again by path when all threads are there; as CR_FILE_PROC. In a list of
 *	mappings, @target is 3 more than the address where the next read goes on, or
 *	than -1 or -2 behind the last. In one of mounts, it is 1 at the end, and 2
 *	more if poll(2) has to tell of a change
 * @CR_FILE_TIMERFD: timerfd_create(2); @target is its clock, @pos counts
 *	expirations that have not been read; a CR_TAG_TIMERFD says the rest
 * @CR_FILE_MEMFD: what memfd_create(2) has returned; @target is a CR_TAG_INODE
 * @CR_FILE_INODE: opened since, by /proc/PID/fd or the like, or only mapped;
 *	@target is a CR_TAG_INODE
 * @CR_FILE_SIGNALFD: signalfd(2); @target are the signals that it accepts
 * @CR_FILE_PIDFD: pidfd_open(2); @target is the process or thread; 0 if that has
 *	ended and been waited for: then @pos is its exit code, and @ino the same
 *	number for all pidfds of the same process
 * @CR_FILE_SOCKET: @target is a CR_TAG_SOCKET
 * @CR_FILE_INOTIFY: inotify_init(2); a CR_TAG_INOTIFY says what it has to tell
 * @CR_FILE_FANOTIFY: fanotify_init(2); @target has the flags of the group, and above
 *	these 32 bits those that files are opened with when an event is read; a
 *	CR_TAG_FANOTIFY says what it has to tell
 * @CR_FILE_PTMX: the master of a pseudoterminal; @target is a CR_TAG_TTY
 * @CR_FILE_PTS: the slave of one; @target is a CR_TAG_TTY
 * @CR_FILE_CURRENT_TTY: the same, opened as /dev/tty, by path
 * @CR_FILE_HUNG_UP: the same, opened before it was hung up: nothing can be done
 *	with it any more; it has a path if it was opened as /dev/tty
 * @CR_FILE_INET: @target is a CR_TAG_INET
 * @CR_FILE_IO_URING: @target is a CR_TAG_URING
 * @CR_FILE_NETLINK: @target is a CR_TAG_NETLINK
 * @CR_FILE_LINK: @target is a CR_TAG_LINK
 * @CR_FILE_MQUEUE: mq_open(3); @target is a CR_TAG_MQUEUE
 * @CR_FILE_REMOVED_DIR: directory that was removed; @target is a CR_TAG_INODE
 * @CR_FILE_PROC: a file of procfs that is not a process's, such as /proc/stat,
 *	found again by path; the next read goes on with @size bytes, which follow
 *	the path, then with record @target minus one; all this is 0 if the offset
 *	says all. A sysctl has no records: @target is 1 if poll(2) has to tell of a
 *	change
 * @CR_FILE_BPF_MAP: map of bpf(2); @target is a CR_TAG_BPF_MAP
 * @CR_FILE_RULESET: landlock_create_ruleset(2); @target is a CR_TAG_LANDLOCK
 * @CR_FILE_KERNFS: a file of sysfs, or of a cgroup of version 2; @target is a
 *	CR_TAG_KERNFS_FILE
 * @CR_FILE_PATH: opened with O_PATH, so that it is only a place; by path, whatever
 *	@mode says that is there, also a symbolic link
 */
enum cr_img_file_kind {
	CR_FILE_REG		= 1,
	CR_FILE_DIR		= 2,
	CR_FILE_CHR		= 3,
	CR_FILE_PIPE		= 4,
	CR_FILE_EXTERNAL	= 5,
	CR_FILE_EVENTFD		= 6,
	CR_FILE_EPOLL		= 7,
	CR_FILE_PROC_TASK	= 8,
	CR_FILE_TIMERFD		= 9,
	CR_FILE_MEMFD		= 16,
	CR_FILE_INODE		= 17,
	CR_FILE_SIGNALFD	= 10,
	CR_FILE_PIDFD		= 11,
	CR_FILE_INOTIFY		= 14,
	CR_FILE_SOCKET		= 20,
	CR_FILE_PTMX		= 12,
	CR_FILE_PTS		= 13,
	CR_FILE_CURRENT_TTY	= 19,
	CR_FILE_HUNG_UP		= 15,
	CR_FILE_INET		= 21,
	CR_FILE_IO_URING	= 22,
	CR_FILE_NETLINK		= 23,
	CR_FILE_PROC		= 18,
	CR_FILE_MQUEUE		= 24,
	CR_FILE_REMOVED_DIR	= 25,
	CR_FILE_PATH		= 26,
	CR_FILE_LINK		= 28,
	CR_FILE_KERNFS		= 30,
	CR_FILE_BPF_MAP		= 32,
	CR_FILE_RULESET		= 33,
	CR_FILE_FANOTIFY	= 31,
};

/*
 * With the flags of a file that has or had a name: what is done with it is no event,
 * as with one that fanotify has opened; permission to read or write is asked for; or
 * with both, only where contents may be missing.
 */
#define CR_OPEN_UNTOLD		0x40000000
#define CR_OPEN_ASKS		0x80000000

/**
 * struct cr_img_file - open file description
 * @kind: enum cr_img_file_kind
 * @flags: open flags as F_GETFL shows them, and CR_OPEN_*
 * @pos: offset
 * @target: see @kind
 * @dev: device of the file, as stat(2) shows it
 * @ino: inode number
 * @size: bytes in the file
 * @mtime_ns: time of last modification, ns since the epoch
 * @rdev: device that a device node names
 * @mode: type and permissions
 * @path_len: bytes of path that follow; no NUL
 *
 * A path is absolute, seen from the root directory of the container's init.
 */
struct cr_img_file {
	__u32 kind;
	__u32 flags;
	__u64 pos;
	__u64 target;
	__u64 dev;
	__u64 ino;
	__u64 size;
	__u64 mtime_ns;
	__u64 rdev;
	__u32 mode;
	__u32 path_len;
};

/* Since it was read, poll(2) has been told that there is something new. */
#define CR_KERNFS_CHANGED	0x1
/* There is a trigger: of tasks that are all stalled, and not only some of them. */
#define CR_KERNFS_FULL	0x2
/* The trigger has an event that nobody has polled yet. */
#define CR_KERNFS_EVENT	0x4

/**
 * struct cr_img_kernfs_file - file of sysfs, or of a cgroup of version 2
 * @opener: capabilities of who has opened it to write to it
 * @next: the next read goes on with what is left, then with this record minus one;
 *	0 if the offset says all
 * @uid: who has opened it to write to it
 * @gid: the group
 * @flags: CR_KERNFS_*
 * @mount_len: bytes of the path of the mount in that of the file, if it is of the
 *	cgroup that the container is in: then it is found in that which it is in by
 *	then; 0 for others, which are found by path
 * @threshold_us: of the trigger of a file that tells of pressure, microseconds
 * @window_us: the same; 0 if there is no trigger
 * @nr_left: bytes that follow: left of the last read
 */
struct cr_img_kernfs_file {
	__u64 opener;
	__u64 next;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u32 mount_len;
	__u32 threshold_us;
	__u32 window_us;
	__u32 nr_left;
	__u32 reserved;
};

/**
 * struct cr_img_fdtable - descriptor table
 * @nr_fds: descriptors that follow, by ascending number
 * @next_fd: lowest number that may be free
 */
struct cr_img_fdtable {
	__u32 nr_fds;
	__u32 next_fd;
};

#define CR_FD_CLOEXEC		0x1

/**
 * struct cr_img_fd - descriptor
 * @fd: number
 * @flags: CR_FD_*
 * @file: CR_TAG_FILE
 */
struct cr_img_fd {
	__u32 fd;
	__u32 flags;
	__u64 file;
};

/**
 * struct cr_img_fs - working directory, root directory and umask
 * @umask: file mode creation mask
 * @cwd_len: bytes of the working directory's path that follow; 0 with @cwd
 * @root_len: bytes of the root directory's path that follow it
 * @reserved: zero
 * @cwd: CR_TAG_INODE of a working directory that was removed, or 0
 */
struct cr_img_fs {
	__u32 umask;
	__u32 cwd_len;
	__u32 root_len;
	__u32 reserved;
	__u64 cwd;
};

#define CR_NSIG			64
#define CR_SA_COMPAT		0x02000000

/**
 * struct cr_img_sigaction - action of one signal
 * @handler: address, or 0 for SIG_DFL, 1 for SIG_IGN
 * @flags: SA_*; CR_SA_COMPAT: a 32-bit program has set it, whose signal frames
 *	are other ones
 * @restorer: address of the return trampoline
 * @mask: signals blocked while the handler runs
 */
struct cr_img_sigaction {
	__u64 handler;
	__u64 flags;
	__u64 restorer;
	__u64 mask;
};

/**
 * struct cr_img_sighand - signal actions
 * @action: of signal 1, 2, ...
 */
struct cr_img_sighand {
	struct cr_img_sigaction action[CR_NSIG];
};

/* prctl(PR_SET_THP_DISABLE) */
#define CR_MM_THP_DISABLE	0x1
/* New mappings go to low addresses first. */
#define CR_MM_BOTTOM_UP		0x2
/* The same with PR_THP_DISABLE_EXCEPT_ADVISED; not both. */
#define CR_MM_THP_ADVISED	0x4
/* prctl(PR_SET_MDWE); the second only with the first. */
#define CR_MM_MDWE		0x8
#define CR_MM_MDWE_NO_INHERIT	0x10
/* mlockall(MCL_FUTURE); the second with MCL_ONFAULT, and only with the first. */
#define CR_MM_LOCKED		0x20
#define CR_MM_LOCKONFAULT	0x40
/* prctl(PR_SET_MEMORY_MERGE): new mappings are CR_VMA_MERGEABLE. */
#define CR_MM_MERGE_ANY		0x80
/* That of a 32-bit program: so are its vDSO, and all threads that have it. */
#define CR_MM_COMPAT		0x100

/* The hash of futexes that all processes share: PR_FUTEX_HASH with 0. */
#define CR_FUTEX_GLOBAL		1

/**
 * struct cr_img_mm - memory descriptor, in the terms of prctl(PR_SET_MM)
 * @exe: CR_TAG_FILE that /proc/self/exe names
 * @vdso: address of the first mapping of the vDSO's group, or 0
 * @vdso_crc: CRC32C of the vDSO's code
 * @nr_vmas: CR_TAG_VMA records that follow
 * @nr_auxv: words of the auxiliary vector that follow
 * @dumpable: PR_GET_DUMPABLE
 * @membarrier: registrations, MEMBARRIER_STATE_* of the kernel
 * @flags: CR_MM_*
 * @dump_filter: /proc/PID/coredump_filter
 * @futex_slots: slots of its hash of futexes (PR_FUTEX_HASH), CR_FUTEX_GLOBAL, or 0
 *	for what the kernel chooses
 * @mmap_base: where the search for free addresses begins, downwards
 * @mmap_legacy_base: where it begins, upwards
 * @hiwater_rss: most pages that were in memory
 * @hiwater_vm: most pages that were mapped
 * @pkeys: protection keys that are allocated: a bit for each but number 0, which
 *	always is
 * @exec_pkey: the one of them that the kernel has taken for mappings that are to
 *	be executed only; 0 for none
 * @mmap_compat_base: as @mmap_base, for system calls of 32-bit programs
 * @mmap_compat_legacy_base: as @mmap_legacy_base, the same
 */
struct cr_img_mm {
	__u64 start_code;
	__u64 end_code;
	__u64 start_data;
	__u64 end_data;
	__u64 start_brk;
	__u64 brk;
	__u64 start_stack;
	__u64 arg_start;
	__u64 arg_end;
	__u64 env_start;
	__u64 env_end;
	__u64 exe;
	__u64 vdso;
	__u32 vdso_crc;
	__u32 nr_vmas;
	__u32 nr_auxv;
	__u32 dumpable;
	__u32 membarrier;
	__u32 flags;
	__u32 dump_filter;
	__u32 futex_slots;
	__u64 mmap_base;
	__u64 mmap_legacy_base;
	__u64 hiwater_rss;
	__u64 hiwater_vm;
	__u32 pkeys;
	__u32 exec_pkey;
	__u64 mmap_compat_base;
	__u64 mmap_compat_legacy_base;
};

/* Most words in a set of NUMA nodes. */
#define CR_MAX_NODE_WORDS	16

/**
 * struct cr_img_policy - a NUMA memory policy, of mappings or threads
 * @mode: MPOL_PREFERRED to MPOL_WEIGHTED_INTERLEAVE of linux/mempolicy.h
 * @flags: MPOL_F_* that go with the mode
 * @home_node: one more than the node that set_mempolicy_home_node(2) has named; 0
 *	for none
 * @nr_words: words of each of the two sets of nodes that follow, the last of
 *	which are not both zero; 0 for MPOL_LOCAL
 *
 * The first set is what was asked for, the second one what came of that where it
 * was asked for. Without MPOL_F_STATIC_NODES or MPOL_F_RELATIVE_NODES they are the
 * same.
 */
struct cr_img_policy {
	__u32 mode;
	__u32 flags;
	__u32 home_node;
	__u32 nr_words;
};

/**
 * struct cr_img_shared_policy - NUMA memory policies of shared memory, which all have
 *	that map it
 * @object: CR_TAG_SHMEM without CR_SHMEM_HUGETLB, or CR_TAG_INODE of a file that is
 *	none of huge pages
 * @nr_runs: struct cr_img_policy_run that follow, by ascending offset
 * @reserved: zero
 */
struct cr_img_shared_policy {
	__u64 object;
	__u32 nr_runs;
	__u32 reserved;
};

/**
 * struct cr_img_policy_run - a part of shared memory with a NUMA memory policy
 * @start: its offset, which may be behind the end of the file
 * @nr_pages: how long it is
 * @policy: CR_TAG_POLICY
 */
struct cr_img_policy_run {
	__u64 start;
	__u64 nr_pages;
	__u64 policy;
};

/**
 * enum cr_img_vma_kind - what a mapping shows
 * @CR_VMA_ANON: private anonymous memory
 * @CR_VMA_FILE: a file, private or shared; @object is a CR_TAG_FILE
 * @CR_VMA_SHMEM: shared anonymous memory, or private one of huge pages
 *	(MAP_HUGETLB); @object is a CR_TAG_SHMEM
 * @CR_VMA_SHM: System V shared memory; @object is the CR_TAG_SHMEM of a segment
 * @CR_VMA_VDSO: part of the kernel's vDSO and its data pages
 * @CR_VMA_AIO: all of the ring of an asynchronous I/O context; @object is a
 *	CR_TAG_AIO, and no other mapping's
 */
enum cr_img_vma_kind {
	CR_VMA_ANON		= 1,
	CR_VMA_FILE		= 2,
	CR_VMA_SHMEM		= 3,
	CR_VMA_VDSO		= 4,
	CR_VMA_SHM		= 5,
	CR_VMA_AIO		= 6,
};

#define CR_VMA_READ		0x0001
#define CR_VMA_WRITE		0x0002
#define CR_VMA_EXEC		0x0004
#define CR_VMA_SHARED		0x0008
#define CR_VMA_GROWSDOWN	0x0010
#define CR_VMA_ACCOUNT		0x0020	/* counts as committed memory */
#define CR_VMA_NORESERVE	0x0040
#define CR_VMA_LOCKED		0x0080
#define CR_VMA_LOCKONFAULT	0x0100
#define CR_VMA_DONTFORK		0x0200
#define CR_VMA_WIPEONFORK	0x0400
#define CR_VMA_DONTDUMP		0x0800
#define CR_VMA_HUGEPAGE		0x1000
#define CR_VMA_NOHUGEPAGE	0x2000
#define CR_VMA_RAND_READ	0x4000
#define CR_VMA_SEQ_READ		0x8000
/* The kernel may drop its pages at any time (MAP_DROPPABLE): none is saved. */
#define CR_VMA_DROPPABLE	0x10000
/* Neither the mapping nor its protection can be changed any more (mseal(2)). */
#define CR_VMA_SEALED		0x20000
/* Attached with SHM_RDONLY. */
#define CR_VMA_RDONLY		0x40000
/* Pages with the same contents may become one (KSM): of private memory only. */
#define CR_VMA_MERGEABLE	0x80000
/* Of huge pages of 2 MB, as @object is: MAP_HUGETLB, SHM_HUGETLB, MFD_HUGETLB. */
#define CR_VMA_HUGETLB		0x100000
/* With CR_VMA_HUGETLB: of 1 GB. */
#define CR_VMA_GIGANTIC		0x200000
/*
 * The same, of private mappings: the kernel keeps a huge page for each of its
 * pages, as for who has made a mapping without MAP_NORESERVE, not for children.
 */
#define CR_VMA_RESERVED		0x400000
/* The upper four bits are the protection key. */
#define CR_VMA_PKEY_SHIFT	28
#define CR_NR_PKEYS		16

/**
 * struct cr_img_vma - mapping
 * @start: first address
 * @end: first address after it
 * @pgoff: offset in the object, in pages
 * @object: see @kind
 * @policy: CR_TAG_POLICY of mbind(2); 0 if there is none
 * @kind: enum cr_img_vma_kind
 * @flags: CR_VMA_*
 */
struct cr_img_vma {
	__u64 start;
	__u64 end;
	__u64 pgoff;
	__u64 object;
	__u64 policy;
	__u32 kind;
	__u32 flags;
};

/**
 * struct cr_img_aio_event - the end of a request: struct io_event of
 *	linux/aio_abi.h
 * @data: what the program calls it
 * @obj: where the program has the request
 * @res: its result
 * @res2: the same, secondary
 */
struct cr_img_aio_event {
	__u64 data;
	__u64 obj;
	__s64 res;
	__s64 res2;
};

/**
 * struct cr_img_aio - context of asynchronous I/O, without requests in progress
 *	(io_setup(2))
 * @max_requests: how many the program has asked for
 * @nr_pages: of its ring, which has a header of 32 bytes, and slots for events in
 *	all the rest
 * @head: the slot of the first event
 * @nr_events: struct cr_img_aio_event that follow: those that nobody has fetched,
 *	fewer than there are slots
 */
struct cr_img_aio {
	__u32 max_requests;
	__u32 nr_pages;
	__u32 head;
	__u32 nr_events;
};

/* Nobody is charged for what it is going to pin (CAP_IPC_LOCK). */
#define CR_URING_UNLIMITED	0x1
/* Requests that wait for others (IOSQE_IO_DRAIN) are refused by now. */
#define CR_URING_NO_DRAIN	0x2
/* It cannot be used yet (IORING_SETUP_R_DISABLED). */
#define CR_URING_DISABLED	0x4
/* Only certain requests may be submitted, and only certain things be registered. */
#define CR_URING_FEW_REQUESTS	0x8
#define CR_URING_FEW_REGISTER	0x10
#define CR_URING_MAX_ENTRIES	32768
/* IORING_SETUP_*: CQSIZE, CLAMP, from SUBMIT_ALL to DEFER_TASKRUN, NO_SQARRAY, CQE_MIXED, SQE_MIXED. */
#define CR_URING_SETUP		0xd3f98

/**
 * struct cr_img_uring - io_uring instance
 * @setup_flags: IORING_SETUP_*, without R_DISABLED
 * @sq_entries: of the submission queue, a power of two
 * @cq_entries: of the completion queue, the same
 * @sq_head: up to where the kernel has taken requests
 * @cq_tail: up to where it has told results
 * @flags: CR_URING_*
 * @owner: the process that is charged for what it pins
 * @submitter: the thread that may submit requests, 0: all may, or it is not known yet
 * @nr_ring_pages: of the queues; their contents follow
 * @nr_entry_pages: of the requests; their contents follow these
 * @allowed_ops: IORING_OP_* that may be submitted, as bits; zero without
 *	CR_URING_FEW_REQUESTS, as the two below
 * @allowed_flags: IOSQE_* that requests may have
 * @required_flags: the same that they must have
 * @allowed_register: IORING_REGISTER_* that may be done, as bits; zero without
 *	CR_URING_FEW_REGISTER
 */
struct cr_img_uring {
	__u32 setup_flags;
	__u32 sq_entries;
	__u32 cq_entries;
	__u32 sq_head;
	__u32 cq_tail;
	__u32 flags;
	__u32 owner;
	__u32 submitter;
	__u32 nr_ring_pages;
	__u32 nr_entry_pages;
	__u64 allowed_ops[2];
	__u64 allowed_register;
	__u32 allowed_flags;
	__u32 required_flags;
};

/**
 * enum cr_img_uring_kind - what is registered with an io_uring instance
 * @CR_URING_FILES: files, which are CR_TAG_FILE. @value: places there are, the first
 *	and the end of those that are chosen for who asks for any, and where the search
 *	for one begins
 * @CR_URING_BUFFERS: buffers in the CR_TAG_MM of @owner. @value: places there are
 * @CR_URING_EVENTFD: one eventfd, a CR_TAG_FILE in place 0, that is told of
 *	results. @value: 1 if only of what workers have done, up to which result it has
 *	been told
 * @CR_URING_LIMITS: no entries. @value: how many workers tasks may have, by default,
 *	for what ends soon, and for what may not
 */
enum cr_img_uring_kind {
	CR_URING_FILES		= 1,
	CR_URING_BUFFERS	= 2,
	CR_URING_EVENTFD	= 3,
	CR_URING_LIMITS		= 4,
};

/* Most places for files, and for buffers; most bytes of a buffer. */
#define CR_URING_MAX_FILES	(1 << 20)
#define CR_URING_MAX_BUFFERS	(1 << 14)
#define CR_URING_MAX_BUFFER	(1 << 30)

/**
 * struct cr_img_uring_table - what is registered with an io_uring instance
 * @ring: CR_TAG_FILE of the instance
 * @kind: enum cr_img_uring_kind
 * @nr: entries that follow, by ascending place
 * @value: see there; the others are zero
 */
struct cr_img_uring_table {
	__u64 ring;
	__u32 kind;
	__u32 nr;
	__u32 value[4];
};

/**
 * struct cr_img_uring_entry - one of these
 * @object: what it is, or what it is in
 * @addr: of a buffer; else zero
 * @length: of a buffer, bytes; else zero
 * @tag: what a result is to have that tells when it is not in use any more; 0 for no
 *	such result
 * @index: its place
 * @reserved: zero
 */
struct cr_img_uring_entry {
	__u64 object;
	__u64 addr;
	__u64 length;
	__u64 tag;
	__u32 index;
	__u32 reserved;
};

/* Its ring is memory of the kernel (IOU_PBUF_RING_MMAP). */
#define CR_URING_GROUP_MAPPED	0x1
/* Buffers of its ring are used up bit by bit (IOU_PBUF_RING_INC). */
#define CR_URING_GROUP_INC	0x2
/* It has no ring (IORING_OP_PROVIDE_BUFFERS). */
#define CR_URING_GROUP_LIST	0x4
/* Most places in a ring, most buffers without one, and most bytes of one of these. */
#define CR_URING_MAX_RING	(1 << 15)
#define CR_URING_MAX_LIST	(1 << 16)
#define CR_URING_MAX_PROVIDED	0x7ffff000

/**
 * struct cr_img_uring_group - buffers that are provided to an io_uring instance
 * @ring: CR_TAG_FILE of the instance
 * @mm: CR_TAG_MM that the ring of buffers is in; 0 for the kernel, or if there is none
 * @addr: where in there; else zero
 * @group: its number
 * @flags: CR_URING_GROUP_*
 * @nr_places: of the ring, a power of two; else zero
 * @head: the next buffer of the ring that is used
 * @min_left: with how many bytes left a buffer is used up; else zero
 * @nr: buffers that follow: all memory of a ring that is the kernel's, or those without
 *	a ring, the next one first
 */
struct cr_img_uring_group {
	__u64 ring;
	__u64 mm;
	__u64 addr;
	__u32 group;
	__u32 flags;
	__u32 nr_places;
	__u32 head;
	__u32 min_left;
	__u32 nr;
};

/**
 * struct cr_img_uring_buffer - one of these
 * @addr: where it is
 * @length: bytes
 * @id: its number
 * @reserved: zero without a ring
 */
struct cr_img_uring_buffer {
	__u64 addr;
	__u32 length;
	__u16 id;
	__u16 reserved;
};

/* Most instances that a thread can register for itself. */
#define CR_URING_MAX_RINGS	16

/**
 * struct cr_img_uring_task - what a thread has for its use of io_uring
 * @ring: CR_TAG_FILE of an instance that it has used
 * @rings: CR_TAG_FILE of instances that it has registered
 *	(IORING_REGISTER_RING_FDS), by their place; 0 for none
 * @tid: the thread
 * @workers: how many workers it may have, for what ends soon, and for what may not
 * @nr_words: words that follow: the processors where these may run; 0 for all that
 *	the thread may use
 */
struct cr_img_uring_task {
	__u64 ring;
	__u64 rings[CR_URING_MAX_RINGS];
	__u32 tid;
	__u32 workers[2];
	__u32 nr_words;
};

/* What the request waits for has happened, and it is about to be completed. */
#define CR_URING_FIRED		0x1

/**
 * struct cr_img_uring_request - request in progress of an io_uring instance
 * @ring: CR_TAG_FILE of the instance
 * @file: CR_TAG_FILE that it is about; 0 for none, or a registered one
 * @user_data: what its result has
 * @addr: as in struct io_uring_sqe; of a timeout, how long it is, ns
 * @off: the same, or addr2
 * @value: of a timeout that recurs, ns that are left of the first one; of a request to
 *	accept connections, its limit of descriptors (RLIMIT_NOFILE); else zero
 * @tid: the thread that has submitted it
 * @len: as in struct io_uring_sqe
 * @op_flags: the same: flags of the operation, or events
 * @index: place of the registered file; else zero
 * @slot: file_index of struct io_uring_sqe
 * @buf_index: as in struct io_uring_sqe
 * @ioprio: the same
 * @opcode: IORING_OP_*
 * @sqe_flags: IOSQE_*
 * @flags: CR_URING_FIRED
 * @reserved: zero
 */
struct cr_img_uring_request {
	__u64 ring;
	__u64 file;
	__u64 user_data;
	__u64 addr;
	__u64 off;
	__u64 value;
	__u32 tid;
	__u32 len;
	__u32 op_flags;
	__u32 index;
	__u32 slot;
	__u16 buf_index;
	__u16 ioprio;
	__u8 opcode;
	__u8 sqe_flags;
	__u16 flags;
	__u32 reserved;
};

/**
 * struct cr_img_guards - guard regions: pages that must not be touched, although
 *	they are mapped (MADV_GUARD_INSTALL)
 * @mm: CR_TAG_MM
 * @nr_runs: struct cr_img_run that follow, by ascending address, each in one
 *	mapping, which is not one of CR_VMA_LOCKED
 * @reserved: zero
 */
struct cr_img_guards {
	__u64 mm;
	__u32 nr_runs;
	__u32 reserved;
};

/* Most descriptors in a local descriptor table. */
#define CR_MAX_LDT		8192

/**
 * struct cr_img_ldt - local descriptor table: segments that modify_ldt(2) has made
 * @mm: CR_TAG_MM
 * @nr: descriptors that follow, as the processor has them; 0 for no segment
 * @reserved: zero
 */
struct cr_img_ldt {
	__u64 mm;
	__u32 nr;
	__u32 reserved;
};

/**
 * enum cr_img_lock_kind - whose lock it is
 * @CR_LOCK_POSIX: of the processes that use the descriptor table @owner
 * @CR_LOCK_OFD: of the open file description @file
 * @CR_LOCK_FLOCK: flock(2) of the open file description @file
 * @CR_LOCK_LEASE: lease of the open file description @file (F_SETLEASE)
 */
enum cr_img_lock_kind {
	CR_LOCK_POSIX		= 1,
	CR_LOCK_OFD		= 2,
	CR_LOCK_FLOCK		= 3,
	CR_LOCK_LEASE		= 4,
};

/**
 * struct cr_img_lock - file lock
 * @file: CR_TAG_FILE it was taken through
 * @owner: CR_TAG_FDTABLE for CR_LOCK_POSIX, else 0
 * @start: first byte
 * @end: last byte; 2^63 - 1 for "to the end"
 * @kind: enum cr_img_lock_kind
 * @exclusive: 1 for a write lock, 0 for a read lock
 * @pid: for CR_LOCK_POSIX and CR_LOCK_LEASE: the process that has taken it, 0 if it
 *	is gone
 * @fd: for CR_LOCK_LEASE: the descriptor by which it was taken, which is told of with
 *	the signal, else 0
 */
struct cr_img_lock {
	__u64 file;
	__u64 owner;
	__u64 start;
	__u64 end;
	__u32 kind;
	__u32 exclusive;
	__u32 pid;
	__u32 fd;
};

/**
 * enum cr_img_owner_kind - to whom a file sends signals
 * @CR_OWNER_THREAD: F_OWNER_TID
 * @CR_OWNER_PROCESS: F_OWNER_PID
 * @CR_OWNER_GROUP: F_OWNER_PGRP
 */
enum cr_img_owner_kind {
	CR_OWNER_THREAD		= 0,
	CR_OWNER_PROCESS	= 1,
	CR_OWNER_GROUP		= 2,
};

/* It has had no room, and is to tell when it has: of a socket. */
#define CR_OWNER_WANTS_ROOM	0x1
/* Nobody has set O_ASYNC. */
#define CR_OWNER_SYNC	0xffffffffu

/**
 * struct cr_img_owner - signals that an open file sends: fcntl(2), F_SETOWN
 * @file: CR_TAG_FILE
 * @pid: to whom; 0 for nobody, or if that one is gone
 * @kind: enum cr_img_owner_kind
 * @uid: who has set it
 * @euid: and with which effective id
 * @signal: which one (F_SETSIG); 0 for SIGIO without information
 * @fd: for which descriptor, if O_ASYNC is set, which pipes, sockets and inotify
 *	instances can; or CR_OWNER_SYNC
 * @flags: CR_OWNER_*
 * @reserved: zero
 */
struct cr_img_owner {
	__u64 file;
	__u32 pid;
	__u32 kind;
	__u32 uid;
	__u32 euid;
	__u32 signal;
	__u32 fd;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct cr_img_dnotify - signals of a directory: fcntl(2), F_NOTIFY
 * @file: CR_TAG_FILE
 * @files: CR_TAG_FDTABLE that it was asked for in
 * @mask: DN_*
 * @fd: the descriptor in that table, which is told of with the signal
 */
struct cr_img_dnotify {
	__u64 file;
	__u64 files;
	__u32 mask;
	__u32 fd;
};

/**
 * enum cr_img_socket_state - how far a socket is
 * @CR_SOCKET_CLOSED: neither connected nor listening
 * @CR_SOCKET_CONNECTED: connected, maybe to one that is gone
 * @CR_SOCKET_LISTENING: takes connections
 */
enum cr_img_socket_state {
	CR_SOCKET_CLOSED	= 0,
	CR_SOCKET_CONNECTED	= 1,
	CR_SOCKET_LISTENING	= 2,
};

/* Options of a socket. Most are named like those of setsockopt(2). */
#define CR_SOCKET_KEEPALIVE	0x1
#define CR_SOCKET_LINGER	0x2
#define CR_SOCKET_BROADCAST	0x4
#define CR_SOCKET_DONTROUTE	0x8
#define CR_SOCKET_DEBUG		0x10
#define CR_SOCKET_OOBINLINE	0x20
#define CR_SOCKET_STAMPED	0x40	/* packets get a time stamp */
#define CR_SOCKET_TIMESTAMP	0x80
#define CR_SOCKET_TIMESTAMPNS	0x100
#define CR_SOCKET_TIMESTAMP_NEW	0x200
#define CR_SOCKET_RXQ_OVFL	0x400
#define CR_SOCKET_RCVMARK	0x800
#define CR_SOCKET_RCVPRIORITY	0x1000
#define CR_SOCKET_FILTER_LOCKED	0x2000
#define CR_SOCKET_PASSCRED	0x4000
#define CR_SOCKET_PASSPIDFD	0x8000
#define CR_SOCKET_PASSRIGHTS	0x10000
#define CR_SOCKET_INQ		0x20000
#define CR_SOCKET_NO_CHECK	0x40000
#define CR_SOCKET_REUSEADDR	0x80000
#define CR_SOCKET_REUSEPORT	0x100000
#define CR_SOCKET_SNDBUF	0x200000	/* was set */
#define CR_SOCKET_RCVBUF	0x400000	/* was set */
#define CR_SOCKET_PASSSEC	0x800000
/* It is found by its name. Others that have one have it from a listener. */
#define CR_SOCKET_BOUND		0x1000000
/* Whose it is at the other end is known: SO_PEERCRED. */
#define CR_SOCKET_PEERCRED	0x2000000

/* Longest name of a socket. */
#define CR_SOCKET_NAME_MAX	109

/**
 * struct cr_img_socket - socket of the family AF_UNIX
 * @listener: CR_TAG_SOCKET in whose queue it waits to be accepted; such a socket
 *	has no open file. 0 for others.
 * @rcvtimeo_ns: SO_RCVTIMEO, ns; all bits set for none
 * @sndtimeo_ns: SO_SNDTIMEO, the same
 * @type: SOCK_*
 * @state: enum cr_img_socket_state
 * @options: CR_SOCKET_*
 * @shutdown: 1 when nothing is received any more, 2 when nothing is sent
 * @error: errno that the next call returns, or 0
 * @backlog: most connections, or datagrams, that wait
 * @sndbuf: bytes
 * @rcvbuf: bytes
 * @rcvlowat: bytes
 * @peek_off: SO_PEEK_OFF
 * @priority: SO_PRIORITY
 * @mark: SO_MARK
 * @linger: SO_LINGER, seconds
 * @uid: owner; 0 if it waits to be accepted, as the next two
 * @gid: group
 * @mode: permissions, for a name that it may be bound to
 * @peer_pid: process at the other end; 0 if it was outside of the container
 * @peer_uid: its effective user
 * @peer_gid: its effective group
 * @nr_groups: its supplementary groups, which follow
 * @name_len: bytes of name that follow; an abstract one begins with a NUL, others
 *	end with one
 * @path_len: bytes of path that follow: where a name is, unless it was removed
 */
struct cr_img_socket {
	__u64 listener;
	__u64 rcvtimeo_ns;
	__u64 sndtimeo_ns;
	__u32 type;
	__u32 state;
	__u32 options;
	__u32 shutdown;
	__u32 error;
	__u32 backlog;
	__s32 sndbuf;
	__s32 rcvbuf;
	__s32 rcvlowat;
	__s32 peek_off;
	__u32 priority;
	__u32 mark;
	__u32 linger;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 peer_pid;
	__u32 peer_uid;
	__u32 peer_gid;
	__u32 nr_groups;
	__u32 name_len;
	__u32 path_len;
};

/**
 * struct cr_img_peer - what a socket is connected to
 * @socket: CR_TAG_SOCKET
 * @peer: CR_TAG_SOCKET, or 0 for one that is gone
 * @name_len: bytes that follow: the name of one that is gone
 * @reserved: zero
 *
 * Datagrams go from @socket to @peer. Other sockets are connected to each other:
 * there is one record for both of them.
 */
struct cr_img_peer {
	__u64 socket;
	__u64 peer;
	__u32 name_len;
	__u32 reserved;
};

/* Most files in a message: SCM_MAX_FD. */
#define CR_MESSAGE_FILES	253
/* Most bytes in a piece of a stream, and in another message. */
#define CR_MESSAGE_PIECE	32768
#define CR_MESSAGE_MAX		(2 << 20)
/* @pid, @uid and @gid mean something: SCM_CREDENTIALS. */
#define CR_MESSAGE_CREDS	0x1
/* It was sent with MSG_OOB, and is the last such one; it was received as such. */
#define CR_MESSAGE_URGENT	0x2
#define CR_MESSAGE_URGENT_READ	0x4

/**
 * struct cr_img_message - message, or piece of a stream, that waits in a socket
 * @socket: CR_TAG_SOCKET that is to receive it
 * @sender: CR_TAG_SOCKET that has sent this datagram; 0 for one that is gone,
 *	and in a stream or sequence, where it is the peer
 * @time_ns: when it came, ns since the epoch; 0 if nobody wants to know
 * @flags: CR_MESSAGE_*
 * @pid: process that has sent it; 0 if it was outside of the container
 * @uid: its user; all bits set for none
 * @gid: its group; the same
 * @length: bytes of it
 * @nr_files: files that go with it
 * @name_len: bytes of the name of a sender that is gone
 * @reserved: zero
 *
 * The files follow, as __u64: CR_TAG_FILE; then the name, then the bytes. Those of
 * one socket come in their order.
 */
struct cr_img_message {
	__u64 socket;
	__u64 sender;
	__u64 time_ns;
	__u32 flags;
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 length;
	__u32 nr_files;
	__u32 name_len;
	__u32 reserved;
};

/* Most options of a socket. */
#define CR_MAX_SOCKOPTS		512
/* Bytes of one. */
#define CR_SOCKOPT_LEN		32

/**
 * struct cr_img_sockopt - option of a socket, as getsockopt(2) tells it
 * @level: SOL_*
 * @name: SO_*, PACKET_*, IP_*, IPV6_*, ICMP*_*, TCP_*, UDP_* or NETLINK_*; IP_ADD_MEMBERSHIP,
 *	IPV6_ADD_MEMBERSHIP and NETLINK_ADD_MEMBERSHIP, once for each group, as
 *	setsockopt(2) takes them
 * @length: bytes of the value
 * @reserved: zero
 * @value: zeros follow it
 */
struct cr_img_sockopt {
	__u32 level;
	__u32 name;
	__u32 length;
	__u32 reserved;
	__u8 value[CR_SOCKOPT_LEN];
};

/* Others find it by its port. */
#define CR_INET_BOUND		0x1
/* The program has chosen its address, or its port; or connect(2) has, later. */
#define CR_INET_OWN_ADDR	0x2
#define CR_INET_OWN_PORT	0x4
#define CR_INET_CONNECT_PORT	0x8
/* It was connected, and is not any more. */
#define CR_INET_DONE		0x10
/* The connection has come in by the loopback device: IPV6_MULTICAST_IF tells it. */
#define CR_INET_CAME_BY_LO	0x20

/**
 * struct cr_img_inet - TCP, UDP or raw socket
 * @family: AF_INET or AF_INET6
 * @type: SOCK_STREAM, SOCK_DGRAM or SOCK_RAW
 * @protocol: IPPROTO_TCP, IPPROTO_UDP, or of a raw socket, any from 1 to 255
 * @state: enum cr_img_socket_state
 * @flags: CR_INET_*
 * @shutdown: 1 when nothing is received any more, 2 when nothing is sent
 * @error: errno that the next call returns, or 0
 * @error_soft: errno that SO_ERROR tells otherwise, or 0
 * @backlog: most connections that wait to be accepted; of UDP: how many sockets
 *	at its port come before it
 * @uid: owner
 * @gid: group
 * @mode: permissions
 * @local_port: in the machine's byte order
 * @remote_port: of its connection, or the last one of TCP, or 0
 * @mss: bytes in a segment of that; 0 for UDP
 * @ttl: hops that its packets had left; 0 for UDP
 * @nr_options: options that follow
 * @drops: datagrams that found no room in it; of TCP that listens: how many sockets
 *	with SO_REUSEPORT at its port come before it
 * @local: its address, 4 or 16 bytes
 * @remote: that of its connection, or the last one
 */
struct cr_img_inet {
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 state;
	__u32 flags;
	__u32 shutdown;
	__u32 error;
	__u32 error_soft;
	__u32 backlog;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 local_port;
	__u32 remote_port;
	__u32 mss;
	__u32 ttl;
	__u32 nr_options;
	__u32 drops;
	__u8 local[16];
	__u8 remote[16];
};

/* What the ends of a connection have agreed on. */
#define CR_STREAM_SACK		0x1
#define CR_STREAM_TIMESTAMPS	0x2
/* One of the bytes received was sent with MSG_OOB; and has been received as such. */
#define CR_STREAM_URGENT	0x4
#define CR_STREAM_URGENT_READ	0x8
/* Most bytes that are on their way to an end of a connection. */
#define CR_STREAM_MAX		(16U << 20)
/* Most bits that a window is shifted by. */
#define CR_STREAM_SCALE_MAX	14

/**
 * struct cr_img_stream - what is on its way to an end of a TCP connection
 * @socket: the end that receives it: a CR_TAG_INET
 * @peer: the other end; 0 for one that is gone, after which comes the end
 * @nr_received: bytes that have been received, and not been read
 * @nr_pending: bytes that the other end has been told to send, and not received
 * @read_seq: sequence number of what is read next
 * @write_seq: sequence number of what is written next
 * @mss: bytes in a segment, at most
 * @send_scale: bits that windows are shifted by which it is told
 * @receive_scale: those which it tells
 * @send_window: bytes that the other end has room for
 * @max_window: the most that it had room for
 * @receive_window: bytes that it has told to have room for
 * @flags: CR_STREAM_*
 * @urgent: how many bytes are to be read before the one of CR_STREAM_URGENT or
 *	CR_STREAM_URGENT_READ, else 0
 *
 * Bytes received and pending follow.
 */
struct cr_img_stream {
	__u64 socket;
	__u64 peer;
	__u32 nr_received;
	__u32 nr_pending;
	__u32 read_seq;
	__u32 write_seq;
	__u32 mss;
	__u32 send_scale;
	__u32 receive_scale;
	__u32 send_window;
	__u32 max_window;
	__u32 receive_window;
	__u32 flags;
	__u32 urgent;
};

/* Nothing comes after the bytes: the client has closed it, or its half of it. */
#define CR_WAITING_ENDED	0x1

/**
 * struct cr_img_waiting - TCP connection that was not accepted yet
 * @listener: CR_TAG_INET
 * @client: CR_TAG_INET that is connected to it; 0: it was closed
 * @nr_bytes: how many bytes follow: what the client has sent, or is to send
 * @flags: CR_WAITING_*
 * @family: of the connection; it is AF_INET for IPv4 in a socket of IPv6, too
 * @port: of the client
 * @from: address of the client, like those of struct cr_img_inet
 * @to: the address that it is connected to
 */
struct cr_img_waiting {
	__u64 listener;
	__u64 client;
	__u32 nr_bytes;
	__u32 flags;
	__u32 family;
	__u32 port;
	__u8 from[16];
	__u8 to[16];
};

/**
 * struct cr_img_source - source of a multicast group of a UDP, ping or raw socket
 * @socket: CR_TAG_INET that is a member of the group
 * @family: AF_INET or AF_INET6: of the group
 * @ifindex: device by which it is a member
 * @blocked: 1: the socket receives what others send, and one of its options says
 *	that it is a member; 0: it receives nothing but what such sources send
 * @address: of IPv4, the address of a device by which the program has joined the
 *	group, if not by number; 0 if it is blocked
 * @group: address of the group, like those of struct cr_img_inet
 * @source: address of the source
 */
struct cr_img_source {
	__u64 socket;
	__u32 family;
	__u32 ifindex;
	__u32 blocked;
	__u8 address[4];
	__u8 group[16];
	__u8 source[16];
};

/* Most bytes of a datagram. */
#define CR_DATAGRAM_MAX		65535

/**
 * struct cr_img_datagram - datagram that waits in a UDP socket, or packet that
 *	waits in a raw one, or, without the header of IPv4, in one for ping
 *
 * A packet of IPv4 in a raw socket begins with its header: what that says is 0
 * here. No packet has ports.
 *
 * @socket: CR_TAG_INET that is to receive it
 * @time_ns: when it came, ns since the epoch; 0 if nobody wanted to know
 * @length: bytes that follow
 * @family: AF_INET or AF_INET6: of the packet
 * @from_port: of the sender
 * @to_port: to which it was sent
 * @ifindex: device that it came by, if that is known
 * @spec_dst: address for an answer, if that is known, as in struct in_pktinfo
 * @ttl: hops that it had left
 * @tos: type of service, or traffic class
 * @flow: flow label of IPv6
 * @mark: as SO_RCVMARK tells it
 * @priority: as SO_RCVPRIORITY tells it
 * @drops: as SO_RXQ_OVFL tells it
 * @frag_max: bytes of its largest fragment; 0 for a whole one
 * @segment: bytes in each of several datagrams that came as one (UDP_GRO), or 0
 * @from: address of the sender, like those of struct cr_img_inet
 * @to: the address that it was sent to
 */
struct cr_img_datagram {
	__u64 socket;
	__u64 time_ns;
	__u32 length;
	__u32 family;
	__u32 from_port;
	__u32 to_port;
	__u32 ifindex;
	__u8 spec_dst[4];
	__u32 ttl;
	__u32 tos;
	__u32 flow;
	__u32 mark;
	__u32 priority;
	__u32 drops;
	__u32 frag_max;
	__u32 segment;
	__u8 from[16];
	__u8 to[16];
};

/**
 * struct cr_img_sockerr - error that waits in a TCP, UDP, ping or raw socket: MSG_ERRQUEUE
 * @packet: the packet that told of it, in what IP_RECVERR tells of that: with addresses
 *	and no ports; all but @socket, @time_ns, @length and @family is 0 of an error of
 *	the machine itself; the bytes that follow are those that the program has sent
 * @error: errno; 0 of no error, but the path MTU that IPV6_RECVPATHMTU tells
 * @info: ee_info, or the path MTU
 * @data: ee_data
 * @origin: SO_EE_ORIGIN_LOCAL, _ICMP or _ICMP6; _NONE of a path MTU
 * @type: type of the message of ICMP
 * @code: its code
 * @port: to which the program has sent
 * @flow: flow label and class of IPv6 with which it has sent
 * @to: address to which it has sent
 */
struct cr_img_sockerr {
	struct cr_img_datagram packet;
	__u32 error;
	__u32 info;
	__u32 data;
	__u32 origin;
	__u32 type;
	__u32 code;
	__u32 port;
	__u32 flow;
	__u8 to[16];
};

/**
 * struct cr_img_cork - datagram of a UDP socket of which more is to come: UDP_CORK, MSG_MORE
 * @socket: CR_TAG_INET
 * @length: bytes that there are of it
 * @family: of the datagram: AF_INET, also in a socket of IPv6, or AF_INET6
 * @port: to which it goes
 * @ifindex: number of the device by which it goes, or 0 for any
 * @ttl: IP_TTL, or 0 for what is usual; IPV6_HOPLIMIT
 * @tos: IP_TOS, IPV6_TCLASS
 * @mark: SO_MARK
 * @priority: SO_PRIORITY
 * @segment: UDP_SEGMENT
 * @whole: IPV6_DONTFRAG; 0 of IPv4
 * @from: address from which it comes, like those of struct cr_img_inet
 * @to: address to which it goes
 */
struct cr_img_cork {
	__u64 socket;
	__u32 length;
	__u32 family;
	__u32 port;
	__u32 ifindex;
	__u32 ttl;
	__u32 tos;
	__u32 mark;
	__u32 priority;
	__u32 segment;
	__u32 whole;
	__u8 from[16];
	__u8 to[16];
};

/* Bytes of the name of a device, and of an address of one. */
#define CR_DEVICE_LEN		16
#define CR_DEVICE_ADDR_LEN	32
/* Most bytes of a frame in a packet socket. */
#define CR_FRAME_MAX		131072

/**
 * struct cr_img_link - packet socket (AF_PACKET)
 * @device: name of the device to which it is bound, NUL padded; empty for all
 * @ifindex: number of that, which it must have again, or 0
 * @type: SOCK_RAW or SOCK_DGRAM
 * @protocol: ETH_P_*, or 0 for none
 * @error: errno that the next call returns, or 0
 * @packets: PACKET_STATISTICS, without those that there was no room for
 * @packet_drops: the same, those that there was no room for
 * @freezes: the same, how often a ring was full, which it had once
 * @drops: SO_RXQ_OVFL
 * @uid: owner
 * @gid: group
 * @mode: permissions
 * @nr_options: options that follow
 */
struct cr_img_link {
	__u8 device[CR_DEVICE_LEN];
	__u32 ifindex;
	__u32 type;
	__u32 protocol;
	__u32 error;
	__u32 packets;
	__u32 packet_drops;
	__u32 freezes;
	__u32 drops;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 nr_options;
};

/* Of checksums in a frame: still to be filled in; right. */
#define CR_FRAME_CSUM_PARTIAL	1
#define CR_FRAME_CSUM_VALID	2

/**
 * struct cr_img_frame - frame that waits in a packet socket
 * @socket: CR_TAG_LINK that is to receive it
 * @time_ns: when it came, or 0
 * @length: bytes that follow
 * @origlen: bytes that it had before a filter made it shorter; the kernel has
 *	something else there when somebody has looked at it (MSG_PEEK)
 * @ifindex: device by which it came
 * @hatype: ARPHRD_* of that
 * @protocol: ETH_P_*
 * @pkttype: PACKET_*
 * @halen: bytes of @addr
 * @network: where the header of the network layer begins in the bytes
 * @csum: CR_FRAME_CSUM_*, or 0
 * @csum_start: from where on a checksum is to be filled in, or 0
 * @csum_offset: where from there, or 0
 * @mark: SO_RCVMARK
 * @priority: SO_RCVPRIORITY
 * @drops: SO_RXQ_OVFL
 * @addr: address of the sender in the device's network
 */
struct cr_img_frame {
	__u64 socket;
	__u64 time_ns;
	__u32 length;
	__u32 origlen;
	__u32 ifindex;
	__u32 hatype;
	__u32 protocol;
	__u32 pkttype;
	__u32 halen;
	__u32 network;
	__u32 csum;
	__u32 csum_start;
	__u32 csum_offset;
	__u32 mark;
	__u32 priority;
	__u32 drops;
	__u8 addr[CR_DEVICE_ADDR_LEN];
};

/**
 * struct cr_img_sockfilter - classic BPF program of a socket
 * @socket: CR_TAG_SOCKET, CR_TAG_INET, CR_TAG_NETLINK or CR_TAG_LINK
 * @option: how it was attached: SO_ATTACH_FILTER, or, of a UDP socket, or one of TCP
 *	that is not connected, SO_ATTACH_REUSEPORT_CBPF, where all that share a port have the same one
 * @nr_insns: struct sock_filter that follow, each as one word
 */
struct cr_img_sockfilter {
	__u64 socket;
	__u32 option;
	__u32 nr_insns;
};

/* A message was lost, and no more come until all are received. */
#define CR_NETLINK_CONGESTED	0x1

/**
 * struct cr_img_netlink - netlink socket
 * @opener: capabilities of who has opened it, which the kernel asks about
 * @type: SOCK_RAW or SOCK_DGRAM
 * @protocol: NETLINK_*
 * @state: CR_SOCKET_CLOSED or CR_SOCKET_CONNECTED
 * @flags: CR_NETLINK_*
 * @error: errno that the next call returns, or 0
 * @portid: its port, or 0
 * @to_portid: that to which it is connected
 * @to_group: group to which it is connected, 1 to 32, or 0
 * @uid: owner
 * @gid: group
 * @mode: permissions
 * @nr_options: options that follow
 */
struct cr_img_netlink {
	__u64 opener;
	__u32 type;
	__u32 protocol;
	__u32 state;
	__u32 flags;
	__u32 error;
	__u32 portid;
	__u32 to_portid;
	__u32 to_group;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 nr_options;
};

/* Most bytes of a message in a netlink socket. */
#define CR_NETLINK_MAX		65536
/* @nsid means something. */
#define CR_NETLINK_NSID		0x1

/**
 * struct cr_img_netlink_message - message that waits in a netlink socket
 * @socket: CR_TAG_NETLINK that is to receive it
 * @length: bytes that follow
 * @flags: CR_NETLINK_NSID
 * @portid: who has sent it; 0 for the kernel
 * @group: to which it was sent, or 0
 * @nsid: network namespace that it is about: NETLINK_LISTEN_ALL_NSID
 * @pid: process that has sent it, as SCM_CREDENTIALS tells it
 * @uid: its user
 * @gid: its group
 */
struct cr_img_netlink_message {
	__u64 socket;
	__u32 length;
	__u32 flags;
	__u32 portid;
	__u32 group;
	__u32 nsid;
	__u32 pid;
	__u32 uid;
	__u32 gid;
};

/**
 * struct cr_img_epoll - epoll instance
 * @file: its CR_TAG_FILE
 * @nr: what it watches: items that follow
 * @reserved: zero
 */
struct cr_img_epoll {
	__u64 file;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct cr_img_epoll_item - file that an epoll instance watches
 * @file: CR_TAG_FILE
 * @data: what epoll_wait(2) is to say about it
 * @fd: descriptor under which it was added, and can be changed
 * @events: EPOLL*; without any of EPOLLIN and the like, it is disabled
 * @ready: 1 if the instance has noticed that it is ready, and not told all about
 *	it; these come first, in the order of that
 * @missing: of a TCP socket, what it waits for and there was not: EPOLL* below
 *	2^16; not told already, therefore, once it is there; else 0
 * @signals: of a signalfd, the CR_TAG_SIGHAND of those whose signals the
 *	instance notices; else 0
 */
struct cr_img_epoll_item {
	__u64 file;
	__u64 data;
	__u32 fd;
	__u32 events;
	__u32 ready;
	__u32 missing;
	__u64 signals;
};

/**
 * struct cr_img_inotify - inotify instance
 * @file: its CR_TAG_FILE
 * @next_wd: where the search for the next watch descriptor begins
 * @max_events: how many events there is room for, besides the one that says that
 *	there was none
 * @nr_watches: CR_TAG_WATCH records that follow
 * @nr_events: events that follow, the oldest first
 */
struct cr_img_inotify {
	__u64 file;
	__u32 next_wd;
	__u32 max_events;
	__u32 nr_watches;
	__u32 nr_events;
};

/**
 * struct cr_img_inotify_event - event that nobody has read yet
 * @mask: as the kernel keeps it: what read(2) shows, and FS_OPEN_EXEC and
 *	FS_EVENT_ON_CHILD
 * @wd: watch descriptor, of which the watch may be gone; -1 for IN_Q_OVERFLOW
 * @cookie: connects the two events of a renaming
 * @name_len: bytes of name that follow; no NUL
 */
struct cr_img_inotify_event {
	__u32 mask;
	__s32 wd;
	__u32 cookie;
	__u32 name_len;
};

/**
 * struct cr_img_watch - what an inotify instance watches
 * @wd: watch descriptor
 * @mask: IN_*, with IN_EXCL_UNLINK and IN_ONESHOT
 * @mode: type of what is watched, as in struct cr_img_file
 * @path_len: bytes of path that follow; no NUL
 */
struct cr_img_watch {
	__s32 wd;
	__u32 mask;
	__u32 mode;
	__u32 path_len;
};

/* With the flags of a fanotify group: its maker had no rights in particular. */
#define CR_FANOTIFY_UNPRIVILEGED	0x80000000

/**
 * struct cr_img_fanotify - fanotify group
 * @file: its CR_TAG_FILE
 * @max_events: how many events there is room for, besides the one that says that
 *	there was none; 0xffffffff if there is no limit
 * @nr_marks: CR_TAG_FANOTIFY_MARK records that follow
 * @nr_events: events that follow, the oldest first
 * @reserved: zero
 */
struct cr_img_fanotify {
	__u64 file;
	__u32 max_events;
	__u32 nr_marks;
	__u32 nr_events;
	__u32 reserved;
};

/**
 * enum cr_img_fanotify_kind - what an event tells about
 * @CR_FANOTIFY_FID: a file by its handle
 * @CR_FANOTIFY_NAME: entries of directories, by handles and names
 * @CR_FANOTIFY_PATH: a file that is opened when the event is read
 * @CR_FANOTIFY_OVERFLOW: that there was no room for others
 */
enum cr_img_fanotify_kind {
	CR_FANOTIFY_FID		= 1,
	CR_FANOTIFY_NAME	= 2,
	CR_FANOTIFY_PATH	= 3,
	CR_FANOTIFY_OVERFLOW	= 4,
};

/**
 * struct cr_img_fanotify_event - event that nobody has read yet
 * @fsid: of the file system of the handles
 * @mask: as the kernel keeps it: what read(2) shows, and FAN_EVENT_ON_CHILD
 * @kind: enum cr_img_fanotify_kind
 * @pid: who has done it, process or thread; 0 for somebody outside
 * @path_len: bytes of path; no NUL
 * @dir_type: type of the handle of the directory
 * @dir_len: its length; 0 if there is none
 * @dir2_type: the same of the directory that something was moved to
 * @dir2_len: the same
 * @object_type: the same of the file itself
 * @object_len: the same
 * @name_len: bytes of the name in the first directory; no NUL
 * @name2_len: the same in the second one
 *
 * The handles, the names and the path follow in this order.
 */
struct cr_img_fanotify_event {
	__u64 fsid;
	__u32 mask;
	__u32 kind;
	__u32 pid;
	__u32 path_len;
	__u8 dir_type;
	__u8 dir_len;
	__u8 dir2_type;
	__u8 dir2_len;
	__u8 object_type;
	__u8 object_len;
	__u8 name_len;
	__u8 name2_len;
};

/**
 * struct cr_img_fanotify_mark - what a fanotify group watches
 * @type: FAN_MARK_INODE, FAN_MARK_MOUNT or FAN_MARK_FILESYSTEM
 * @flags: FAN_MARK_IGNORED_SURV_MODIFY, FAN_MARK_EVICTABLE, FAN_MARK_IGNORE
 * @mask: events that are told of
 * @ignored: events that are not, whatever other marks say
 * @mode: type of what is watched, as in struct cr_img_file; 0 if that is a mount or
 *	a file system
 * @path_len: bytes of path that follow; no NUL
 */
struct cr_img_fanotify_mark {
	__u32 type;
	__u32 flags;
	__u32 mask;
	__u32 ignored;
	__u32 mode;
	__u32 path_len;
};

/* It will expire. */
#define CR_TIMERFD_ARMED	0x1
/* It has, which nobody has read; with an interval, it goes on when they do. */
#define CR_TIMERFD_EXPIRED	0x2
/* By the clock on the wall, and not after a time that has been given. */
#define CR_TIMERFD_WALL		0x4
/* It is cancelled when that clock is set; and this has happened. */
#define CR_TIMERFD_CANCELABLE	0x8
#define CR_TIMERFD_CANCELED	0x10

/**
 * struct cr_img_timerfd - timer as a file
 * @file: its CR_TAG_FILE
 * @expires_ns: when it expires, or has expired: CLOCK_REALTIME if
 *	CR_TIMERFD_WALL, CLOCK_MONOTONIC for others that have been set by
 *	CLOCK_REALTIME, else its own clock, as the container sees these
 * @interval_ns: how much later again; 0 for never
 * @flags: CR_TIMERFD_*
 * @settime_flags: TFD_TIMER_* with which it has been set
 */
struct cr_img_timerfd {
	__u64 file;
	__u64 expires_ns;
	__u64 interval_ns;
	__u32 flags;
	__u32 settime_flags;
};

/* Actions other than "allow" are logged. */
#define CR_SECCOMP_LOG		0x1
/* Most instructions of a filter. */
#define CR_MAX_FILTER		4096

/**
 * struct cr_img_seccomp - filter of system calls
 * @prev: CR_TAG_SECCOMP that is asked after this one, or 0
 * @flags: CR_SECCOMP_*
 * @nr_insns: struct sock_filter that follow, each as one word
 */
struct cr_img_seccomp {
	__u64 prev;
	__u32 flags;
	__u32 nr_insns;
};

/* Its init is dead: nobody comes to be in it any more. */
#define CR_PIDNS_DEAD		0x1
/* Most pid namespaces around a task, the container's own left out. */
#define CR_MAX_PIDNS		31

/**
 * struct cr_img_pidns - pid namespace that is nested in the container's own
 * @parent: CR_TAG_PIDNS that it is nested in; 0 for the container's own
 * @last_pid: the pid handed out last in it; 0 if nobody has ever been in it
 * @flags: CR_PIDNS_*
 */
struct cr_img_pidns {
	__u64 parent;
	__u32 last_pid;
	__u32 flags;
};

/**
 * struct cr_img_pid - number of a session or process group whose leader was in a
 *	nested pid namespace and is dead
 * @pid_ns: CR_TAG_PIDNS that it was in
 * @nr: its number in the container's own pid namespace
 * @reserved: zero
 *
 * Its numbers in the pid namespaces below that follow, from the outside in.
 */
struct cr_img_pid {
	__u64 pid_ns;
	__u32 nr;
	__u32 reserved;
};

enum cr_img_process_state {
	CR_PROCESS_ALIVE	= 1,
	CR_PROCESS_ZOMBIE	= 2,
};

#define CR_NR_RLIMITS		16
#define CR_NR_ITIMERS		3
#define CR_COMM_LEN		16

/* prctl(PR_SET_CHILD_SUBREAPER), and descendants of one that has it */
#define CR_PROCESS_SUBREAPER	0x1
#define CR_PROCESS_HAS_SUBREAPER 0x2
/* It called execve since it was forked. */
#define CR_PROCESS_EXECED	0x4
/* It was continued, and its parent may still wait(2) for that. */
#define CR_PROCESS_CONTINUED	0x8
/* All of its threads have stopped; and its parent has waited for that. */
#define CR_PROCESS_STOPPED	0x10
#define CR_PROCESS_STOP_WAITED	0x20
/* Its parent has executed a program since: gets SIGCHLD for other signals. */
#define CR_PROCESS_PARENT_EXECED	0x40
/* Its leader has exited, other threads live. */
#define CR_PROCESS_LEADER_DEAD	0x80
/* It exits: all of its threads that live are stopped at that by their tracers. */
#define CR_PROCESS_EXITS	0x100
/* It does so because of SIGKILL, which still shows among the signals that wait. */
#define CR_PROCESS_KILLED	0x200

/* Everybody, as PR_SET_PTRACER_ANY. */
#define CR_PTRACER_ANY		0xffffffffU

struct cr_img_rlimit {
	__u64 cur;
	__u64 max;
};

/**
 * struct cr_img_itimer - interval timer
 * @value_ns: time left until it fires, 0 when it is not armed
 * @interval_ns: period, 0 when it fires once
 */
struct cr_img_itimer {
	__u64 value_ns;
	__u64 interval_ns;
};

/**
 * struct cr_img_usage - what a thread, or the dead threads of a process, have used
 * @utime_ns: CPU time in user mode, as the ticks have sampled it, ns
 * @stime_ns: the same in the kernel
 * @gtime_ns: part of @utime_ns that was spent in a virtual machine
 * @runtime_ns: CPU time as the scheduler has measured it, ns
 * @shown_utime_ns: user time as it was shown last: the kernel scales the sampled
 *	times, and never shows less than before; for a process, of all its threads
 * @shown_stime_ns: the same of the time in the kernel
 * @nvcsw: voluntary context switches
 * @nivcsw: involuntary context switches
 * @min_flt: page faults without I/O
 * @maj_flt: page faults with I/O
 * @io: rchar, wchar, syscr, syscw, read_bytes, write_bytes and
 *	cancelled_write_bytes of /proc/PID/io
 */
struct cr_img_usage {
	__u64 utime_ns;
	__u64 stime_ns;
	__u64 gtime_ns;
	__u64 runtime_ns;
	__u64 shown_utime_ns;
	__u64 shown_stime_ns;
	__u64 nvcsw;
	__u64 nivcsw;
	__u64 min_flt;
	__u64 maj_flt;
	__u64 io[7];
};

/**
 * struct cr_img_children_usage - what children that were waited for have used
 * @utime_ns: CPU time in user mode, ns
 * @stime_ns: CPU time in the kernel, ns
 * @gtime_ns: CPU time in virtual machines, ns
 * @nvcsw: voluntary context switches
 * @nivcsw: involuntary context switches
 * @min_flt: page faults without I/O
 * @maj_flt: page faults with I/O
 * @inblock: blocks read
 * @oublock: blocks written
 * @maxrss: most pages that one of them had in memory
 */
struct cr_img_children_usage {
	__u64 utime_ns;
	__u64 stime_ns;
	__u64 gtime_ns;
	__u64 nvcsw;
	__u64 nivcsw;
	__u64 min_flt;
	__u64 maj_flt;
	__u64 inblock;
	__u64 oublock;
	__u64 maxrss;
};

/**
 * struct cr_img_process - thread group
 * @pid: thread group id in the container's pid namespace
 * @ppid: parent's, 0 for init
 * @pgid: process group
 * @sid: session
 * @state: enum cr_img_process_state
 * @exit_code: of a zombie, as wait4(2) reports it; of a leader that has exited
 *	before other threads, and of a process with CR_PROCESS_EXITS, in the same
 *	form; else 0
 * @exit_signal: sent to the parent on exit
 * @flags: CR_PROCESS_*
 * @mm: CR_TAG_MM; like all references, 0 for a zombie
 * @files: CR_TAG_FDTABLE
 * @fs: CR_TAG_FS
 * @sighand: CR_TAG_SIGHAND
 * @rlimit: by RLIMIT_* number
 * @itimer: by ITIMER_* number
 * @nr_threads: CR_TAG_THREAD records that follow; 1 for a zombie
 * @oom_score_adj: /proc/PID/oom_score_adj
 * @oom_score_adj_min: what it cannot be set below without privilege
 * @stop_signal: signal that has stopped it, or is about to; 0 for none
 * @parent_tid: the thread of its parent that has created or adopted it; 0 for
 *	init
 * @audit_tty: input from terminals that is audited: as audit_tty_status, 1 for
 *	@enabled and 2 for @log_passwd
 * @ptracer: who may trace it besides its ancestors (PR_SET_PTRACER): a pid,
 *	CR_PTRACER_ANY, or 0
 * @tty_old_pgrp: process group that gets SIGHUP when this process exits, which
 *	leads a session that has lost its terminal; or 0
 * @autogroup_nice: of the autogroup of its session: /proc/PID/autogroup
 * @reserved: zero
 * @dead_threads: what its threads that are gone have used
 * @inblock: blocks that they have read
 * @oublock: blocks that they have written
 * @maxrss: most pages that were in memory with a program it executed before
 * @children: what its children have used
 * @pid_ns: CR_TAG_PIDNS that it is in; 0 for the container's own
 * @tty: CR_TAG_TTY, its controlling terminal; or 0
 *
 * All ids are those in the container's own pid namespace.
 */
struct cr_img_process {
	__u32 pid;
	__u32 ppid;
	__u32 pgid;
	__u32 sid;
	__u32 state;
	__u32 exit_code;
	__u32 exit_signal;
	__u32 flags;
	__u64 mm;
	__u64 files;
	__u64 fs;
	__u64 sighand;
	struct cr_img_rlimit rlimit[CR_NR_RLIMITS];
	struct cr_img_itimer itimer[CR_NR_ITIMERS];
	__u32 nr_threads;
	__s32 oom_score_adj;
	__s32 oom_score_adj_min;
	__u32 stop_signal;
	__u32 parent_tid;
	__u32 audit_tty;
	__u32 ptracer;
	__u32 tty_old_pgrp;
	__s32 autogroup_nice;
	__u32 reserved;
	struct cr_img_usage dead_threads;
	__u64 inblock;
	__u64 oublock;
	__u64 maxrss;
	struct cr_img_children_usage children;
	__u64 pid_ns;
	__u64 tty;
};

/**
 * enum cr_img_restart_kind - restart block of an interrupted system call
 * @CR_RESTART_NONE: none
 * @CR_RESTART_NANOSLEEP: @arg: clock, address for the time left, type
 *	of it: 0 for none, 1 for a struct timespec, 2 for one of 32-bit members, only
 *	in a CR_THREAD_COMPAT_CALL
 * @CR_RESTART_FUTEX: @arg: address, value, flags, bitset, has a time-out
 * @CR_RESTART_POLL: @arg: address, count, has a time-out
 * @CR_RESTART_SELECT: @arg: address of the time-out, which is to be set to the
 *	time that is left; 1 if that is a struct timeval, 0 for a timespec; with
 *	2 added, of two 32-bit members: only in a CR_THREAD_COMPAT_CALL
 * @CR_RESTART_WAIT: the call is finished as the registers say, but for its
 *	time-out: rt_sigtimedwait(2), epoll_wait(2), epoll_pwait(2),
 *	epoll_pwait2(2), semtimedop(2), io_getevents(2), calls at sockets, reads of
 *	terminals; of one that was interrupted half done, the rest is; io_uring_enter(2) waits on, for any time,
 *	and has submitted what it was to
 * @CR_RESTART_VFORK: the call is finished as the registers say, or as a stop in it
 *	(CR_TRACE_IN_EVENT), but for its end, which comes when a child gives up its
 *	memory: vfork(2), clone(2); @arg: thread id of the child
 * @CR_RESTART_CPU_NANOSLEEP: @arg: clock of CPU time, address for the time left,
 *	type of it, CPU time at which the sleep ends, ns
 */
enum cr_img_restart_kind {
	CR_RESTART_NONE		= 0,
	CR_RESTART_NANOSLEEP	= 1,
	CR_RESTART_FUTEX	= 2,
	CR_RESTART_POLL		= 3,
	CR_RESTART_SELECT	= 4,
	CR_RESTART_WAIT		= 5,
	CR_RESTART_VFORK	= 6,
	CR_RESTART_CPU_NANOSLEEP = 7,
};

/* The mask in @saved_sigmask is to be put back at the return to user mode. */
#define CR_THREAD_RESTORE_SIGMASK	0x1
#define CR_THREAD_NO_NEW_PRIVS		0x2
/* Held inside a system call: the return path decides about its restart. */
#define CR_THREAD_IN_SYSCALL		0x4
/* SECCOMP_MODE_STRICT */
#define CR_THREAD_SECCOMP_STRICT	0x8
/* The process has stopped when this one and all others like it have. */
#define CR_THREAD_STOPPING		0x10
/* It has exceeded RLIMIT_NPROC by setuid(2): execve(2) may fail. */
#define CR_THREAD_NPROC_EXCEEDED	0x20
/* Its system call, or the one that it goes on with, is one of 32-bit programs. */
#define CR_THREAD_COMPAT_CALL		0x40

/**
 * struct cr_img_thread - thread
 * @tid: thread id in the container's pid namespace
 * @flags: CR_THREAD_*
 * @comm: name, NUL padded
 * @cred: CR_TAG_CRED
 * @blocked: blocked signals
 * @saved_sigmask: see CR_THREAD_RESTORE_SIGMASK
 * @altstack_sp: sigaltstack(2)
 * @altstack_size: sigaltstack(2)
 * @robust_list: get_robust_list(2)
 * @clear_child_tid: set_tid_address(2)
 * @rseq: rseq(2): address of the area, or 0
 * @restart_arg: see enum cr_img_restart_kind
 * @restart_ns: time left until the call times out, ns
 * @timer_slack_ns: prctl(PR_SET_TIMERSLACK)
 * @default_timer_slack_ns: what PR_SET_TIMERSLACK 0 goes back to
 * @fault: of the last fault: trap number, error code, address
 * @altstack_flags: sigaltstack(2)
 * @rseq_len: bytes of the rseq area
 * @rseq_sig: signature of the rseq area
 * @restart_kind: enum cr_img_restart_kind
 * @policy: SCHED_*; see CR_TAG_SCHED for what belongs to some
 * @nice: -20 to 19
 * @pdeath_signal: prctl(PR_SET_PDEATHSIG)
 * @personality: personality(2)
 * @seccomp: CR_TAG_SECCOMP, the newest filter; or 0
 * @start_monotonic_ns: when it has started, by CLOCK_MONOTONIC in the container;
 *	it may be before that clock's zero, that is, negative
 * @start_boottime_ns: the same by CLOCK_BOOTTIME
 * @usage: what it has used
 * @run_delay_ns: time it has waited for a CPU, ns
 * @nr_runs: how often it has got one
 * @memory_time: of taskstats: acct_rss_mem1, acct_vm_mem1, acct_timexpd
 * @files: CR_TAG_FDTABLE of one that does not use that of its process, else 0
 * @fs: the same of CR_TAG_FS
 * @login_uid: /proc/PID/loginuid: who has logged in, 0xffffffff for nobody
 * @audit_session: /proc/PID/sessionid, 0xffffffff for none: a number that tells the
 *	sessions in the image apart
 * @children_pid_ns: CR_TAG_PIDNS that its children come to be in, if that is not
 *	its own; else 0
 * @compat_robust_list: get_robust_list(2) of 32-bit programs
 *
 * Its ids in the pid namespaces below the container's own follow, from the
 * outside in: as many as its process is below that.
 */
struct cr_img_thread {
	__u32 tid;
	__u32 flags;
	__u8 comm[CR_COMM_LEN];
	__u64 cred;
	__u64 blocked;
	__u64 saved_sigmask;
	__u64 altstack_sp;
	__u64 altstack_size;
	__u64 robust_list;
	__u64 clear_child_tid;
	__u64 rseq;
	__u64 restart_arg[5];
	__u64 restart_ns;
	__u64 timer_slack_ns;
	__u64 default_timer_slack_ns;
	__u64 fault[3];
	__u32 altstack_flags;
	__u32 rseq_len;
	__u32 rseq_sig;
	__u32 restart_kind;
	__u32 policy;
	__s32 nice;
	__u32 pdeath_signal;
	__u32 personality;
	__u64 seccomp;
	__u64 start_monotonic_ns;
	__u64 start_boottime_ns;
	struct cr_img_usage usage;
	__u64 run_delay_ns;
	__u64 nr_runs;
	__u64 memory_time[3];
	__u64 files;
	__u64 fs;
	__u32 login_uid;
	__u32 audit_session;
	__u64 children_pid_ns;
	__u64 compat_robust_list;
};

/**
 * struct cr_img_regs - general registers, in the order of user_regs_struct
 * @reg: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs
 *	flags sp ss fs_base gs_base ds es fs gs; bit 32 of orig_ax is set in a call
 *	that was interrupted half done, and goes on with the rest: reads of Unix
 *	streams and terminals, and reads and writes of streams with a time-out
 */
struct cr_img_regs {
	__u64 reg[27];
};

/* Bytes of a block of an XSAVE area, and words for a bit for each block. */
#define CR_XSTATE_BLOCK		64
#define CR_XSTATE_WORDS		4

/**
 * struct cr_img_xstate - extended registers
 * @blocks: which blocks of the XSAVE area follow, each CR_XSTATE_BLOCK bytes: bit
 *	n of word w is for block 64 * w + n. The others are zero, and so is what
 *	the last block has beyond the end of the area
 *
 * The area is in its user-visible, non-compacted form. Most of it is zero in most
 * threads.
 */
struct cr_img_xstate {
	__u64 blocks[CR_XSTATE_WORDS];
};

/**
 * struct cr_img_sigqueue - pending signals
 * @shared: 1 for those of the thread group, 0 for those of one thread
 * @nr: signals that follow, in order of arrival
 * @pending: the set of pending signals
 */
struct cr_img_sigqueue {
	__u32 shared;
	__u32 nr;
	__u64 pending;
};

/**
 * struct cr_img_siginfo - one queued signal
 * @timer: one more than the id of the POSIX timer that has sent it, or 0
 * @reserved: zero
 * @info: siginfo_t as a handler sees it
 */
struct cr_img_siginfo {
	__u32 timer;
	__u32 reserved;
	__u8 info[128];
};

/* PR_TIMER_CREATE_RESTORE_IDS is on. */
#define CR_TIMERS_CHOOSE_IDS	0x1

/**
 * struct cr_img_timers - POSIX timers of a process
 * @next_id: where timer_create(2) looks for a free id
 * @nr: timers that follow, by ascending id
 * @flags: CR_TIMERS_*
 * @reserved: zero
 */
struct cr_img_timers {
	__u32 next_id;
	__u32 nr;
	__u32 flags;
	__u32 reserved;
};

/* It is going to expire. */
#define CR_TIMER_ARMED		0x1
/* It has expired, and its signal is pending. */
#define CR_TIMER_PENDING	0x2
/* It has expired, and its signal was ignored: it goes on once it is not. */
#define CR_TIMER_IGNORED	0x4
/* Its clock is CLOCK_REALTIME or CLOCK_TAI, and it expires when that says so. */
#define CR_TIMER_ABSOLUTE	0x8

/**
 * struct cr_img_timer - one POSIX timer
 * @id: its id
 * @clock: its clock, as in clockid_t; of a CPU-time clock as /proc/PID/timers
 *	has it
 * @clock_pid: whose CPU time it measures, by its number in the pid namespace of
 *	the process; 0 with other clocks
 * @flags: CR_TIMER_*, at most one of the first three
 * @notify: SIGEV_*
 * @signal: signal that it sends; any number if SIGEV_NONE
 * @target: thread that is sent the signal, by its number in the same, if
 *	SIGEV_THREAD_ID; else 0
 * @reserved: zero
 * @value: what is sent with the signal
 * @expires_ns: time left until it expires for the next time; or, with
 *	CR_TIMER_ABSOLUTE, the time of the first expiration not yet in @overrun
 * @interval_ns: time between expirations; 0 for just one
 * @overrun: expirations from the one on whose signal is pending or ignored
 * @overrun_last: overruns of the signal that was delivered last
 */
struct cr_img_timer {
	__u32 id;
	__s32 clock;
	__u32 clock_pid;
	__u32 flags;
	__u32 notify;
	__u32 signal;
	__u32 target;
	__u32 reserved;
	__u64 value;
	__u64 expires_ns;
	__u64 interval_ns;
	__u64 overrun;
	__u64 overrun_last;
};

/* As in struct sched_attr. */
#define CR_SCHED_RESET_ON_FORK	0x1
#define CR_SCHED_RECLAIM	0x2
#define CR_SCHED_DL_OVERRUN	0x4
/* No clamp of its own. */
#define CR_SCHED_NO_CLAMP	0xffffffffU
/* Most words in a CPU affinity. */
#define CR_MAX_CPU_WORDS	128

/**
 * struct cr_img_sched - what few threads ask of the scheduler
 * @flags: CR_SCHED_*
 * @priority: of SCHED_FIFO and SCHED_RR: 1 to 99, else 0
 * @runtime_ns: of SCHED_DEADLINE, else 0
 * @deadline_ns: of SCHED_DEADLINE, else 0
 * @period_ns: of SCHED_DEADLINE, else 0
 * @slice_ns: time slice under the other policies; 0 for the kernel's
 * @util_min: lower utilization clamp, 0 to 1024, or CR_SCHED_NO_CLAMP
 * @util_max: upper utilization clamp
 * @ioprio: ioprio_set(2); 0 for none
 * @nr_cpu_words: words of the CPU affinity that follow, the last of them not
 *	zero; 0 when it has none of its own
 * @policy: CR_TAG_POLICY of set_mempolicy(2); 0 if there is none
 * @last_node: if that interleaves: the node that got the last page, or the
 *	highest there can be
 * @last_weight: if it does so by weights: pages that node is still to get
 *
 * A thread that asks for none of it, and whose policy needs none, has no such
 * record.
 */
struct cr_img_sched {
	__u32 flags;
	__u32 priority;
	__u64 runtime_ns;
	__u64 deadline_ns;
	__u64 period_ns;
	__u64 slice_ns;
	__u32 util_min;
	__u32 util_max;
	__u32 ioprio;
	__u32 nr_cpu_words;
	__u64 policy;
	__u32 last_node;
	__u32 last_weight;
};

/* PR_TSC_SIGSEGV, and ARCH_SET_CPUID 0 */
#define CR_CONTROL_NO_TSC	0x01
#define CR_CONTROL_NO_CPUID	0x02
/* PR_SET_IO_FLUSHER */
#define CR_CONTROL_IO_FLUSHER	0x04
/* PR_MCE_KILL: one of them, or the system's policy */
#define CR_CONTROL_MCE_LATE	0x08
#define CR_CONTROL_MCE_EARLY	0x10
/* PR_SET_SYSCALL_USER_DISPATCH */
#define CR_CONTROL_DISPATCH	0x20

/**
 * struct cr_img_controls - what few threads have asked for by prctl(2)
 * @flags: CR_CONTROL_*
 * @store_bypass: PR_SPEC_DISABLE, PR_SPEC_FORCE_DISABLE or
 *	PR_SPEC_DISABLE_NOEXEC; 0 when speculation is not restricted
 * @indirect_branch: PR_SPEC_DISABLE, PR_SPEC_FORCE_DISABLE or 0
 * @l1d_flush: PR_SPEC_ENABLE or 0
 * @dispatch_offset: first address of the calls that are not dispatched
 * @dispatch_len: bytes of them; both may wrap around
 * @dispatch_selector: address of the byte that switches, or 0
 *
 * A thread that has asked for none of it has no such record.
 */
struct cr_img_controls {
	__u32 flags;
	__u32 store_bypass;
	__u32 indirect_branch;
	__u32 l1d_flush;
	__u64 dispatch_offset;
	__u64 dispatch_len;
	__u64 dispatch_selector;
};

/**
 * enum cr_img_trace_stop - where a traced thread stands, that is to say, for what
 * its tracer was told to look at it
 * @CR_TRACE_RUNS: nowhere
 * @CR_TRACE_IN_SIGNAL: a signal, which its tracer decides about
 * @CR_TRACE_IN_INTERRUPT: PTRACE_INTERRUPT, a new thread, or the stop of its process
 *	by a signal (PTRACE_EVENT_STOP)
 * @CR_TRACE_BEFORE_CALL: a system call that it is about to begin (PTRACE_SYSCALL)
 * @CR_TRACE_AFTER_CALL: one that has ended (PTRACE_SYSCALL)
 * @CR_TRACE_IN_EVENT: a task that it has created (PTRACE_EVENT_FORK, _CLONE,
 *	_VFORK, _VFORK_DONE), or a program that it has begun to execute (_EXEC)
 * @CR_TRACE_IN_EXIT: its exit (PTRACE_EVENT_EXIT)
 * @CR_TRACE_IN_FILTER: a system call that seccomp filters tell of
 *	(PTRACE_EVENT_SECCOMP)
 * @CR_TRACE_IN_STOP: the stop of its process by a signal; it was not seized
 */
enum cr_img_trace_stop {
	CR_TRACE_RUNS		= 0,
	CR_TRACE_IN_SIGNAL	= 1,
	CR_TRACE_IN_INTERRUPT	= 2,
	CR_TRACE_BEFORE_CALL	= 3,
	CR_TRACE_AFTER_CALL	= 4,
	CR_TRACE_IN_EVENT	= 5,
	CR_TRACE_IN_EXIT	= 6,
	CR_TRACE_IN_FILTER	= 7,
	CR_TRACE_IN_STOP	= 8,
};

/* PTRACE_SEIZE; else PTRACE_ATTACH or PTRACE_TRACEME */
#define CR_TRACE_SEIZED		0x01
/* PTRACE_SINGLESTEP: what the kernel notes about it */
#define CR_TRACE_SINGLE_STEP	0x02
#define CR_TRACE_FORCED_TF	0x04
#define CR_TRACE_STEP_OUT	0x08
/* PTRACE_SYSCALL */
#define CR_TRACE_SYSCALLS	0x10
/* It is to stop (PTRACE_INTERRUPT), or to look at the stop of its process. */
#define CR_TRACE_TRAP_STOP	0x20
#define CR_TRACE_TRAP_NOTIFY	0x40
/* In a stop by a signal: no SIGCONT has come since. */
#define CR_TRACE_STOP_DEQUEUED	0x80
/* PTRACE_LISTEN: it waits for the end of the stop of its process. */
#define CR_TRACE_LISTENS	0x200
/* It sleeps in a system call at whose end it is to stop (CR_TRACE_SYSCALLS). */
#define CR_TRACE_SLEEPS		0x100

/* PTRACE_O_*, all but PTRACE_O_SUSPEND_SECCOMP */
#define CR_TRACE_OPTIONS	0x1000ff

/**
 * struct cr_img_trace - thread that another one traces, see ptrace(2)
 * @tracer: that thread
 * @position: its place in the order in which the tracer is told about stops
 * @flags: CR_TRACE_*
 * @options: PTRACE_O_*
 * @stop: enum cr_img_trace_stop
 * @status: what wait4(2) tells the tracer of the stop; 0 if it has
 * @message: PTRACE_GETEVENTMSG
 * @siginfo: PTRACE_GETSIGINFO
 */
struct cr_img_trace {
	__u32 tracer;
	__u32 position;
	__u32 flags;
	__u32 options;
	__u32 stop;
	__u32 status;
	__u64 message;
	__u8 siginfo[128];
};

#define CR_NR_BREAKPOINTS	4

/**
 * struct cr_img_debugregs - debug registers
 * @address: DR0 to DR3
 * @status: DR6, with those bits turned that are 1 in an idle processor
 * @control: DR7
 * @breakpoints: which of the addresses are in use, a bit for each
 * @reserved: zero
 *
 * A thread that nobody has given any has no such record.
 */
struct cr_img_debugregs {
	__u64 address[CR_NR_BREAKPOINTS];
	__u64 status;
	__u64 control;
	__u32 breakpoints;
	__u32 reserved;
};

#define CR_NR_TLS		3

/**
 * struct cr_img_tls - segments that set_thread_area(2) has made
 * @descriptor: entries 12 to 14 of the global descriptor table, as the processor
 *	has them; 0 for no segment
 *
 * A thread that has none has no such record.
 */
struct cr_img_tls {
	__u64 descriptor[CR_NR_TLS];
};

/**
 * struct cr_img_inherit - private pages that a process shares with another
 * @mm: CR_TAG_MM of the process
 * @parent: CR_TAG_MM of the other one, which is earlier: the parent, a brother,
 *	or who else has most of the same pages
 * @nr_runs: struct cr_img_run that follow, by ascending address
 * @reserved: zero
 *
 * The pages have been shared since fork(2), copy-on-write: they are at the same
 * addresses in both, and stored with the other one, or with that which it has
 * inherited them from. Only mappings that are the same in both have such
 * pages, and none that CR_VMA_DONTFORK, CR_VMA_WIPEONFORK, CR_VMA_DROPPABLE or
 * CR_VMA_LOCKED is set for.
 */
struct cr_img_inherit {
	__u64 mm;
	__u64 parent;
	__u32 nr_runs;
	__u32 reserved;
};

/**
 * struct cr_img_unchanged - private pages that the image's parent has
 * @mm: CR_TAG_MM of the process
 * @object: the CR_TAG_MM in the parent that the pages were of, at the same
 *	addresses
 * @nr_runs: struct cr_img_run that follow, by ascending address
 * @reserved: zero
 *
 * A page of a process is in one of three places at most: here, in CR_TAG_INHERIT
 * or in CR_TAG_PAGES.
 */
struct cr_img_unchanged {
	__u64 mm;
	__u64 object;
	__u32 nr_runs;
	__u32 reserved;
};

/**
 * struct cr_img_reserve - parts of an object of huge pages that have pages, or for
 *	which the kernel keeps some
 * @object: CR_TAG_SHMEM with CR_SHMEM_HUGETLB, or CR_TAG_INODE of CR_INODE_HUGETLB*
 *	or CR_INODE_GIGANTIC*
 * @nr_runs: struct cr_img_run that follow, by ascending offset, each of whole
 *	huge pages
 * @reserved: zero
 */
struct cr_img_reserve {
	__u64 object;
	__u32 nr_runs;
	__u32 reserved;
};

/* Pages in a huge page. */
#define CR_HUGE_PAGES		512

/**
 * struct cr_img_huge - private pages that were huge ones
 * @mm: CR_TAG_MM of the process
 * @nr_runs: struct cr_img_run that follow, by ascending address, each of whole
 *	huge pages
 * @reserved: zero
 *
 * All other pages were small ones.
 */
struct cr_img_huge {
	__u64 mm;
	__u32 nr_runs;
	__u32 reserved;
};

/**
 * struct cr_img_pages - contents of memory
 * @object: CR_TAG_MM: private pages; CR_TAG_SHMEM, CR_TAG_INODE: pages of the object
 * @nr_runs: struct cr_img_run that follow
 * @data_offset: where the pages begin, from the start of the payload; the
 *	offset in the image is a multiple of the page size
 *
 * Those of CR_TAG_SHMEM and CR_TAG_INODE come first, then those of CR_TAG_MM, each
 * by ascending object id: parents before children.
 */
struct cr_img_pages {
	__u64 object;
	__u32 nr_runs;
	__u32 data_offset;
};

/**
 * struct cr_img_run - consecutive pages
 * @start: address, or offset in the object, in bytes
 * @nr_pages: how many
 */
struct cr_img_run {
	__u64 start;
	__u64 nr_pages;
};

#endif /* _UAPI_LINUX_CR_IMAGE_H */
