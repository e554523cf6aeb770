// SPDX-License-Identifier: GPL-2.0

//! The kinds of records.
//!
//! One table says everything that the framing needs to know about them; a new kind of state starts
//! with a line in it.

use core::{mem::size_of, num::NonZero};

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::uapi::*;

/// The fixed part of a record.
pub trait Record: FromBytes + IntoBytes + Immutable + KnownLayout + Copy {
    /// `CR_TAG_*`.
    const TAG: u32;
    /// Version of the payload.
    const VERSION: u16 = 1;
    /// Name, as error messages have it.
    const NAME: &'static str;
    /// What the table says.
    const KIND: Kind;
}

/// What the framing knows about a kind of record.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// `CR_TAG_*`.
    pub tag: u32,
    /// Version of the payload.
    pub version: u16,
    /// Flags that the record has: `CR_REC_*`.
    pub flags: u16,
    /// Name, as error messages have it.
    pub name: &'static str,
    /// It carries an object id.
    pub object: bool,
    /// Bytes of the fixed part.
    pub fixed: u32,
    /// Bytes of an element of the variable part; 0 if there is none.
    pub element: u32,
    /// Most elements in the variable part.
    pub max_elements: u32,
}

impl Kind {
    /// Whether a payload may have this length.
    pub fn length_fits(&self, length: u64) -> bool {
        let Some(variable) = length.checked_sub(u64::from(self.fixed)) else {
            return false;
        };
        match NonZero::new(u64::from(self.element)) {
            None => variable == 0,
            Some(element) => {
                variable % element == 0 && variable / element <= u64::from(self.max_elements)
            }
        }
    }
}

/// The features of the processor: no fixed part, all of it variable.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Cpu {}

/// Most bytes of names of features.
pub const MAX_FEATURES: u32 = 4 << 10;
/// Most bytes of extended registers.
pub const MAX_XSTATE: u32 = CR_XSTATE_WORDS * u64::BITS * CR_XSTATE_BLOCK;
/// Most supplementary groups, as the kernel's `NGROUPS_MAX`.
pub const MAX_GROUPS: u32 = 65536;
/// One more than the highest descriptor number.
pub const MAX_FDS: u32 = 1 << 20;
/// Most words of an auxiliary vector.
pub const MAX_AUXV: u32 = 256;

/// Most bytes of files and of a name in a message.
const MESSAGE_HEAD: u32 = 4 << 10;

const fn room_for<T>() -> u32 {
    match (CR_IMG_MAX_PAYLOAD - 128).checked_div(size_of::<T>() as u32) {
        Some(count) => count,
        None => 0,
    }
}

const fn at_most(a: u32, b: u32) -> u32 {
    if a < b {
        a
    } else {
        b
    }
}

macro_rules! records {
    (@object plain) => { false };
    (@object object) => { true };
    (@flags) => { 0 };
    (@flags skippable) => { CR_REC_SKIPPABLE as u16 };
    (@element) => { 0 };
    (@element $element:ty) => { size_of::<$element>() as u32 };
    (@max) => { 0 };
    (@max $max:expr) => { $max };
    ($(
        $tag:ident $name:literal $type:ident $object:ident $([$element:ty; $max:expr])? $(($flag:ident))?;
    )*) => {
        $(
            impl Record for $type {
                const TAG: u32 = $tag;
                const NAME: &'static str = $name;
                const KIND: Kind = Kind {
                    tag: $tag,
                    version: <$type as Record>::VERSION,
                    flags: records!(@flags $($flag)?),
                    name: $name,
                    object: records!(@object $object),
                    fixed: size_of::<$type>() as u32,
                    element: records!(@element $($element)?),
                    max_elements: records!(@max $($max)?),
                };
            }
        )*

        /// All kinds of records.
        pub static KINDS: &[Kind] = &[$(<$type as Record>::KIND),*];
    };
}

records! {
    // tag              name        fixed part          id      variable part, most elements
    CR_TAG_END          "end"       cr_img_end          plain;
    CR_TAG_SECTION      "section"   cr_img_section      plain   [u8; CR_MAX_SECTION_LEN] (skippable);
    CR_TAG_CONTAINER    "container" cr_img_container    plain;
    CR_TAG_UTS          "uts"       cr_img_uts          plain;
    CR_TAG_CPU          "cpu"       Cpu                 plain   [u8; MAX_FEATURES];
    CR_TAG_IPC          "ipc"       cr_img_ipc          plain;
    CR_TAG_SEM          "sem"       cr_img_sem          plain   [cr_img_semaphore; room_for::<cr_img_semaphore>()];
    CR_TAG_MSGQ         "msgq"      cr_img_msgq         plain   [u8; room_for::<u8>()];
    CR_TAG_SHM          "shm"       cr_img_shm          plain;
    CR_TAG_MQUEUE       "mqueue"    cr_img_mqueue       object  [u8; room_for::<u8>()];
    CR_TAG_SEMADJ       "semadj"    cr_img_semadj       plain   [i16; room_for::<i16>()];
    CR_TAG_CRED         "cred"      cr_img_cred         object  [u32; MAX_GROUPS];
    CR_TAG_LANDLOCK     "landlock"  cr_img_landlock     object  [u8; room_for::<u8>()];
    CR_TAG_BPF_MAP      "BPF map"   cr_img_bpf_map      object  [u8; room_for::<u8>()];
    CR_TAG_PIPE         "pipe"      cr_img_pipe         object  [u8; room_for::<u8>()];
    CR_TAG_SHMEM        "shmem"     cr_img_shmem        object;
    CR_TAG_INODE        "inode"     cr_img_inode        object  [u8; CR_IMG_PATH_MAX];
    CR_TAG_TTY          "tty"       cr_img_tty          object  [u8; CR_IMG_PATH_MAX + 2 * (3 * CR_TTY_BUFFER + CR_TTY_MAX_FLIP)];
    CR_TAG_FILE         "file"      cr_img_file         object  [u8; CR_IMG_PATH_MAX];
    CR_TAG_FDTABLE      "fdtable"   cr_img_fdtable      object  [cr_img_fd; at_most(MAX_FDS, room_for::<cr_img_fd>())];
    CR_TAG_FS           "fs"        cr_img_fs           object  [u8; 2 * CR_IMG_PATH_MAX];
    CR_TAG_SIGHAND      "sighand"   cr_img_sighand      object;
    CR_TAG_POLICY       "policy"    cr_img_policy       object  [u64; 2 * CR_MAX_NODE_WORDS];
    CR_TAG_MM           "mm"        cr_img_mm           object  [u64; MAX_AUXV];
    CR_TAG_VMA          "vma"       cr_img_vma          plain;
    CR_TAG_GUARDS       "guards"    cr_img_guards       plain   [cr_img_run; room_for::<cr_img_run>()];
    CR_TAG_LDT          "ldt"       cr_img_ldt          plain   [u64; CR_MAX_LDT];
    CR_TAG_AIO          "aio"       cr_img_aio          object  [cr_img_aio_event; room_for::<cr_img_aio_event>()];
    CR_TAG_URING        "io_uring"  cr_img_uring        object  [u8; room_for::<u8>()];
    CR_TAG_LOCK         "lock"      cr_img_lock         plain;
    CR_TAG_SECCOMP      "seccomp"   cr_img_seccomp      object  [u64; CR_MAX_FILTER];
    CR_TAG_EPOLL        "epoll"     cr_img_epoll        plain   [cr_img_epoll_item; room_for::<cr_img_epoll_item>()];
    CR_TAG_TIMERFD      "timerfd"   cr_img_timerfd      plain;
    CR_TAG_INOTIFY      "inotify"   cr_img_inotify      plain   [u8; room_for::<u8>()];
    CR_TAG_WATCH        "watch"     cr_img_watch        plain   [u8; CR_IMG_PATH_MAX];
    CR_TAG_FANOTIFY     "fanotify"  cr_img_fanotify     plain   [u8; room_for::<u8>()];
    CR_TAG_FANOTIFY_MARK "fanotify mark" cr_img_fanotify_mark plain [u8; CR_IMG_PATH_MAX];
    CR_TAG_OWNER        "owner"     cr_img_owner        plain;
    CR_TAG_DNOTIFY      "dnotify"   cr_img_dnotify      plain;
    CR_TAG_PIDNS        "pidns"     cr_img_pidns        object;
    CR_TAG_PID          "pid"       cr_img_pid          plain   [u32; CR_MAX_PIDNS];
    CR_TAG_SOCKET       "socket"    cr_img_socket       object  [u8; 4 * MAX_GROUPS + CR_SOCKET_NAME_MAX + CR_IMG_PATH_MAX];
    CR_TAG_INET         "inet"      cr_img_inet         object  [cr_img_sockopt; CR_MAX_SOCKOPTS];
    CR_TAG_STREAM       "stream"    cr_img_stream       plain   [u8; CR_STREAM_MAX];
    CR_TAG_WAITING      "waiting"   cr_img_waiting      plain   [u8; CR_STREAM_MAX];
    CR_TAG_DATAGRAM     "datagram"  cr_img_datagram     plain   [u8; CR_DATAGRAM_MAX];
    CR_TAG_SOURCE       "source"    cr_img_source       plain;
    CR_TAG_SOCKERR      "sockerr"   cr_img_sockerr      plain   [u8; CR_DATAGRAM_MAX];
    CR_TAG_CORK         "cork"      cr_img_cork         plain   [u8; CR_DATAGRAM_MAX];
    CR_TAG_NETLINK      "netlink"   cr_img_netlink      object  [cr_img_sockopt; CR_MAX_SOCKOPTS];
    CR_TAG_NLMSG        "nlmsg"     cr_img_netlink_message plain [u8; CR_NETLINK_MAX];
    CR_TAG_LINK         "link"      cr_img_link         object  [cr_img_sockopt; CR_MAX_SOCKOPTS];
    CR_TAG_FRAME        "frame"     cr_img_frame        plain   [u8; CR_FRAME_MAX];
    CR_TAG_SOCKFILTER   "sockfilter" cr_img_sockfilter  plain   [u64; CR_MAX_FILTER];
    CR_TAG_KERNFS_FILE  "kernfs file" cr_img_kernfs_file object [u8; room_for::<u8>()];
    CR_TAG_PEER         "peer"      cr_img_peer         plain   [u8; CR_SOCKET_NAME_MAX];
    CR_TAG_MESSAGE      "message"   cr_img_message      plain   [u8; CR_MESSAGE_MAX + MESSAGE_HEAD];
    CR_TAG_PROCESS      "process"   cr_img_process      plain;
    CR_TAG_THREAD       "thread"    cr_img_thread       plain   [u32; CR_MAX_PIDNS];
    CR_TAG_REGS         "regs"      cr_img_regs         plain;
    CR_TAG_XSTATE       "xstate"    cr_img_xstate       plain   [u8; MAX_XSTATE];
    CR_TAG_SIGQUEUE     "sigqueue"  cr_img_sigqueue     plain   [cr_img_siginfo; room_for::<cr_img_siginfo>()];
    CR_TAG_SCHED        "sched"     cr_img_sched        plain   [u64; CR_MAX_CPU_WORDS];
    CR_TAG_CONTROLS     "controls"  cr_img_controls     plain;
    CR_TAG_TRACE        "trace"     cr_img_trace        plain;
    CR_TAG_DEBUGREGS    "debugregs" cr_img_debugregs    plain;
    CR_TAG_TLS          "tls"       cr_img_tls          plain;
    CR_TAG_TIMERS       "timers"    cr_img_timers       plain   [cr_img_timer; room_for::<cr_img_timer>()];
    CR_TAG_INHERIT      "inherit"   cr_img_inherit      plain   [cr_img_run; room_for::<cr_img_run>()];
    CR_TAG_UNCHANGED    "unchanged" cr_img_unchanged    plain   [cr_img_run; room_for::<cr_img_run>()];
    CR_TAG_HUGE         "huge"      cr_img_huge         plain   [cr_img_run; room_for::<cr_img_run>()];
    CR_TAG_RESERVE      "reserve"   cr_img_reserve      plain   [cr_img_run; room_for::<cr_img_run>()];
    CR_TAG_SHARED_POLICY "shared policy" cr_img_shared_policy plain [cr_img_policy_run; room_for::<cr_img_policy_run>()];
    CR_TAG_URING_TABLE  "uring table" cr_img_uring_table plain  [cr_img_uring_entry; room_for::<cr_img_uring_entry>()];
    CR_TAG_URING_GROUP  "uring group" cr_img_uring_group plain  [cr_img_uring_buffer; CR_URING_MAX_LIST];
    CR_TAG_URING_TASK   "uring task" cr_img_uring_task  plain   [u64; CR_MAX_CPU_WORDS];
    CR_TAG_URING_REQUEST "uring request" cr_img_uring_request plain;
    CR_TAG_PAGES        "pages"     cr_img_pages        plain   [u8; CR_IMG_MAX_PAGES_PAYLOAD.saturating_sub(size_of::<cr_img_pages>() as u32)];
}

/// The table's line for a tag.
pub fn kind(tag: u32) -> Option<&'static Kind> {
    let place = PLACES.get(tag as usize)?.checked_sub(1)?;
    KINDS.get(usize::from(place))
}

/// Where in the table each tag is, plus one; 0 if it is not there. It is asked of every record.
static PLACES: [u8; NR_TAGS] = places();

// What would panic does so in the compiler.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
const fn places() -> [u8; NR_TAGS] {
    let mut places = [0; NR_TAGS];
    let mut at = 0;
    while at < KINDS.len() {
        places[KINDS[at].tag as usize] = at as u8 + 1;
        at += 1;
    }
    places
}

/// One more than the highest tag that there may be.
pub const NR_TAGS: usize = 0x80;

/// Name of a tag.
pub fn tag_name(tag: u32) -> Option<&'static str> {
    kind(tag).map(|kind| kind.name)
}

macro_rules! zero_default {
    ($($type:ident)*) => { $(
        impl Default for $type {
            fn default() -> Self {
                Self::new_zeroed()
            }
        }
    )* };
}

zero_default! {
    cr_img_header cr_img_record cr_img_tail cr_img_end cr_img_section cr_img_container cr_img_uts
    cr_img_ipc     cr_img_cred cr_img_landlock cr_img_landlock_rule cr_img_bpf_map cr_img_pipe cr_img_shmem cr_img_inode cr_img_tty cr_img_tty_end cr_img_termios cr_img_file cr_img_fdtable cr_img_fd
    cr_img_fs
    cr_img_sigaction cr_img_sighand cr_img_mm cr_img_policy cr_img_vma cr_img_lock cr_img_rlimit cr_img_itimer
    cr_img_seccomp cr_img_process cr_img_thread cr_img_regs cr_img_xstate cr_img_sigqueue cr_img_siginfo
    cr_img_epoll cr_img_epoll_item cr_img_timerfd cr_img_inotify cr_img_inotify_event cr_img_watch cr_img_fanotify cr_img_fanotify_event cr_img_fanotify_mark cr_img_owner cr_img_dnotify cr_img_pidns cr_img_pid cr_img_sched
    cr_img_controls cr_img_shm cr_img_ipc_perm cr_img_sem cr_img_semaphore cr_img_semadj cr_img_msgq cr_img_msg cr_img_mqueue cr_img_guards cr_img_ldt cr_img_tls cr_img_aio cr_img_aio_event cr_img_uring cr_img_uring_table cr_img_uring_entry cr_img_uring_group cr_img_uring_buffer cr_img_uring_task cr_img_uring_request cr_img_socket cr_img_inet cr_img_stream cr_img_waiting cr_img_datagram cr_img_source cr_img_sockerr cr_img_cork cr_img_netlink cr_img_netlink_message cr_img_sockfilter cr_img_link cr_img_frame cr_img_kernfs_file cr_img_sockopt cr_img_peer cr_img_message cr_img_trace cr_img_debugregs
    cr_img_timers cr_img_timer cr_img_unchanged cr_img_huge cr_img_reserve cr_img_shared_policy cr_img_policy_run cr_img_pages cr_img_run
    cr_stats cr_external cr_external_fd cr_section cr_checkpoint cr_lazy cr_restart cr_info
}

/// The text in a NUL-padded member: all before the first NUL.
pub fn text(member: &[u8]) -> &[u8] {
    member.split(|&b| b == 0).next().unwrap_or_default()
}

/// Whether a member ends in at least one NUL and has nothing but NULs after the first.
pub fn is_nul_padded(member: &[u8]) -> bool {
    let rest = member.get(text(member).len()..).unwrap_or_default();
    !rest.is_empty() && rest.iter().all(|&b| b == 0)
}

/// The bytes of a header that are covered by its checksum, which is the last member.
pub(crate) fn covered<T: IntoBytes + Immutable>(header: &T) -> &[u8] {
    let parts = header.as_bytes().split_last_chunk::<{ size_of::<u32>() }>();
    parts.map_or(&[], |(covered, _)| covered)
}
