// SPDX-License-Identifier: GPL-2.0

//! What programs have registered with io_uring instances: files, buffers, an eventfd that is told of
//! results, how many workers there may be.
//!
//! The task that is charged for an instance registers it again, piece by piece and by the call that has
//! made it, when it has its memory, its descriptors and its user. An open file may be registered and
//! nowhere else.
//!
//! Refused: buffers that show other memory than that task has there by now, because it was unmapped,
//! replaced or made read-only since, or is another process'; an eventfd that is not open any more.

use crate::{
    build::Build,
    image::places_of,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::file,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{build as sys, errno::EOPNOTSUPP, file::FileRef, io_uring::Tables, mm::Mm};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// Saves it, with the files that nobody has met by now.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let container = save.container;
    // A thread may have registered an instance for itself, and closed it.
    for task in save.uring_users().filter(|task| !task.is_dead()) {
        for (place, ring) in task.registered_rings() {
            file::save(save, &ring)
                .context(format_args!("registered descriptor {place} of io_uring"))
                .context(format_args!("{}", container.who(&task)))?;
        }
    }
    save.for_each_ring(save_of)
}

fn save_of(save: &mut Save<'_>, ring: &FileRef, id: u64) -> Result {
    let tables = ring.uring_tables();
    let put = |save: &mut Save<'_>, kind, value, entries: &[cr_img_uring_entry]| {
        let table = cr_img_uring_table {
            ring: id,
            kind,
            nr: entries.len() as u32,
            value,
        };
        save.record(&table, &[entries.as_bytes()])
    };
    if tables.files[0] != 0 {
        let entries = files(save, ring)?;
        put(save, CR_URING_FILES, tables.files, &entries)?;
    }
    if tables.buffers != 0 {
        let entries = buffers(save, ring)?;
        put(save, CR_URING_BUFFERS, [tables.buffers, 0, 0, 0], &entries)?;
    }
    if tables.eventfd != 0 {
        let entry = eventfd(save, &tables)?;
        let value = [tables.eventfd_async, tables.eventfd_told, 0, 0];
        put(save, CR_URING_EVENTFD, value, &[entry])?;
    }
    if tables.has_limits {
        let [bounded, unbounded] = tables.limits;
        put(save, CR_URING_LIMITS, [bounded, unbounded, 0, 0], &[])?;
    }
    Ok(())
}

fn files(save: &mut Save<'_>, ring: &FileRef) -> Result<KVVec<cr_img_uring_entry>> {
    let mut entries = KVVec::new();
    for (index, tag, file) in ring.uring_files() {
        let object = file::save(save, &file).context(format_args!("registered file {index}"))?;
        let entry = cr_img_uring_entry {
            object,
            tag,
            index,
            ..Default::default()
        };
        entries.push(entry, GFP_KERNEL)?;
    }
    Ok(entries)
}

fn buffers(save: &Save<'_>, ring: &FileRef) -> Result<KVVec<cr_img_uring_entry>> {
    let mm = charged(save, ring)?;
    let object = save.objects.find(Kind::Mm, mm.identity()).ok_or(EINVAL)?;
    let mut entries: KVVec<cr_img_uring_entry> = KVVec::new();
    loop {
        let next = entries.last().map_or(0, |last| last.index + 1);
        let entry = match ring.uring_buffer(next, &mm) {
            Err(error) if error == EXDEV => fail!(
                EOPNOTSUPP(),
                "a registered buffer whose memory was unmapped or changed since, or is another \
                 process', is not supported yet: register it again"
            ),
            result => result?,
        };
        let Some(entry) = entry else {
            return Ok(entries);
        };
        entries.push(cr_img_uring_entry { object, ..entry }, GFP_KERNEL)?;
    }
}

/// The memory of the process that is charged for an instance.
pub(crate) fn charged(save: &Save<'_>, ring: &FileRef) -> Result<Mm> {
    let (_, owners, _) = ring.read_io_uring()?;
    let tasks = save.container.ns().tasks();
    let found = tasks
        .filter_map(|task| task.mm())
        .find(|mm| mm.identity() == owners.mm);
    Ok(found.ok_or(ESRCH)?)
}

fn eventfd(save: &mut Save<'_>, tables: &Tables) -> Result<cr_img_uring_entry> {
    if tables.eventfd_busy != 0 {
        fail!(
            EAGAIN,
            "its eventfd is about to be told of a result: try again"
        );
    }
    let Some(file) = save.references.eventfd(tables.eventfd) else {
        fail!(
            EOPNOTSUPP(),
            "a registered eventfd that is not open any more is not supported yet"
        );
    };
    Ok(cr_img_uring_entry {
        object: file::save(save, &file).context(format_args!("registered eventfd"))?,
        ..Default::default()
    })
}

const SYS_CLOSE: u32 = 3;
const SYS_IO_URING_REGISTER: u32 = 427;

/// `enum io_uring_register_op` of `include/uapi/linux/io_uring.h`.
const REGISTER_EVENTFD: u64 = 4;
const REGISTER_EVENTFD_ASYNC: u64 = 7;
const REGISTER_FILES2: u64 = 13;
const REGISTER_FILES_UPDATE2: u64 = 14;
const REGISTER_BUFFERS2: u64 = 15;
const REGISTER_BUFFERS_UPDATE: u64 = 16;
const REGISTER_FILE_ALLOC_RANGE: u64 = 25;

const REGISTER_SPARSE: u32 = 1;

/// struct io_uring_rsrc_register
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Register {
    nr: u32,
    flags: u32,
    reserved: u64,
    data: u64,
    tags: u64,
}

/// struct io_uring_rsrc_update2
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Update {
    offset: u32,
    reserved: u32,
    data: u64,
    tags: u64,
    nr: u32,
    reserved2: u32,
}

/// Bytes of scratch memory before what arguments point to.
const ARGUMENT_LEN: u64 = 64;

/// An instance with a descriptor in the current task for a moment.
pub(crate) struct Opened<'a> {
    build: &'a Build<'a>,
    fd: u64,
}

impl<'a> Opened<'a> {
    /// The caller has the right to spare descriptors.
    pub(crate) fn new(build: &'a Build<'a>, ring: &FileRef) -> Result<Self> {
        let fd = u64::from(sys::install_any_fd(ring)?);
        Ok(Self { build, fd })
    }

    /// Its descriptor.
    pub(crate) fn fd(&self) -> u64 {
        self.fd
    }

    /// io_uring_register(2) with an argument in memory.
    pub(crate) fn register(&self, what: u64, arg: &[u8], nr: u64) -> Result<i64> {
        let addr = self.build.scratch(0, arg)?;
        self.build
            .syscall6(SYS_IO_URING_REGISTER, [self.fd, what, addr, nr, 0, 0])
    }

    /// Makes a table without entries.
    fn make_table(&self, what: u64, places: u32) -> Result {
        let arg = Register {
            nr: places,
            flags: REGISTER_SPARSE,
            reserved: 0,
            data: 0,
            tags: 0,
        };
        self.register(what, arg.as_bytes(), size_of::<Register>() as u64)?;
        Ok(())
    }

    /// Puts something into a table.
    fn put(&self, what: u64, entry: &cr_img_uring_entry, data: &[u8]) -> Result {
        let tags = self.build.scratch(ARGUMENT_LEN, entry.tag.as_bytes())?;
        let data = self
            .build
            .scratch(ARGUMENT_LEN + size_of::<u64>() as u64, data)?;
        let arg = Update {
            offset: entry.index,
            reserved: 0,
            data,
            tags,
            nr: 1,
            reserved2: 0,
        };
        self.register(what, arg.as_bytes(), size_of::<Update>() as u64)?;
        Ok(())
    }

    /// Does something with a descriptor of another file.
    pub(crate) fn with_fd(&self, id: u64, f: impl FnOnce(i32) -> Result) -> Result {
        let file = self.build.plan.opened_file(id)?;
        sys::with_fd(&file, |fd| f(fd as i32))
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        let _ = self.build.syscall(SYS_CLOSE, [self.fd, 0, 0]);
    }
}

/// Registers all of it with an instance that the current task is charged for.
pub(crate) fn restore(build: &Build<'_>, id: u64, ring: &FileRef) -> Result {
    for at in places_of(&build.plan.uring_tables, id) {
        let rec = build.record(at);
        let table: cr_img_uring_table = rec.fixed()?;
        match table.kind {
            CR_URING_FILES => restore_files(build, ring, &table, &rec)?,
            CR_URING_BUFFERS => restore_buffers(build, ring, &table, &rec)?,
            CR_URING_EVENTFD => restore_eventfd(build, ring, &table, &rec)?,
            _ => ring.set_uring_limits(table.value[0], table.value[1]),
        }
    }
    Ok(())
}

fn entries<'a>(rec: &Rec<'a>) -> impl Iterator<Item = cr_img_uring_entry> + 'a {
    rec.array::<cr_img_uring_entry>(size_of::<cr_img_uring_table>())
}

fn restore_files(
    build: &Build<'_>,
    ring: &FileRef,
    table: &cr_img_uring_table,
    rec: &Rec<'_>,
) -> Result {
    let [places, start, end, hint] = table.value;
    // Some are opened only now.
    build.plan.proc_task.wait()?;
    let _spare = build.spare_descriptors();
    let opened = Opened::new(build, ring)?;
    match opened.make_table(REGISTER_FILES2, places) {
        Err(failure) if failure.errno() == EMFILE => fail!(
            EMFILE,
            "{places} registered files are more than the limit of open files (RLIMIT_NOFILE)"
        ),
        result => result.context(format_args!("registering files"))?,
    }
    for entry in entries(rec) {
        opened
            .with_fd(entry.object, |fd| {
                opened.put(REGISTER_FILES_UPDATE2, &entry, fd.as_bytes())
            })
            .context(format_args!("registering file {}", entry.index))?;
    }
    // struct io_uring_file_index_range
    let range = [start, end.saturating_sub(start), 0, 0];
    opened
        .register(REGISTER_FILE_ALLOC_RANGE, range.as_bytes(), 0)
        .context(format_args!("places for registered files"))?;
    ring.set_uring_hint(hint);
    Ok(())
}

fn restore_buffers(
    build: &Build<'_>,
    ring: &FileRef,
    table: &cr_img_uring_table,
    rec: &Rec<'_>,
) -> Result {
    let _spare = build.spare_descriptors();
    let opened = Opened::new(build, ring)?;
    opened
        .make_table(REGISTER_BUFFERS2, table.value[0])
        .context(format_args!("registering buffers"))?;
    for entry in entries(rec) {
        if entry.object != build.process.process.mm {
            fail!(EINVAL, "buffer {} is in other memory", entry.index);
        }
        // struct iovec
        let buffer = [entry.addr, entry.length];
        match opened.put(REGISTER_BUFFERS_UPDATE, &entry, buffer.as_bytes()) {
            Err(failure) if failure.errno() == ENOMEM => fail!(
                ENOMEM,
                "registered buffers are more than memory, or RLIMIT_MEMLOCK, allows"
            ),
            result => result.context(format_args!("registering buffer {}", entry.index))?,
        }
    }
    Ok(())
}

fn restore_eventfd(
    build: &Build<'_>,
    ring: &FileRef,
    table: &cr_img_uring_table,
    rec: &Rec<'_>,
) -> Result {
    let [only_async, told, ..] = table.value;
    let what = match only_async {
        0 => REGISTER_EVENTFD,
        _ => REGISTER_EVENTFD_ASYNC,
    };
    let _spare = build.spare_descriptors();
    let opened = Opened::new(build, ring)?;
    for entry in entries(rec) {
        opened
            .with_fd(entry.object, |fd| {
                opened.register(what, fd.as_bytes(), 1)?;
                Ok(())
            })
            .context(format_args!("registering an eventfd"))?;
    }
    ring.set_uring_told(told);
    Ok(())
}
