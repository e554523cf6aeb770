// SPDX-License-Identifier: GPL-2.0

//! Pseudoterminals: settings, what is typed and not read yet, whose controlling terminal they are.
//!
//! A pair of master and slave is an object of its own; open files refer to it, and so do processes
//! that it is the controlling terminal of. It is read when it has come to rest: what could be looked
//! at by a line discipline has been.
//!
//! A restart opens the master by its name, which makes a new pair, until that has the same number. A
//! slave that was hung up is hung up again, after those are open that were open then. If its master is
//! closed, that one is closed again.
//!
//! Refused: pairs with an end, or a session, outside of the container, unless the files are external;
//! line disciplines other than that of terminals (TIOCSETD); other terminals.

use crate::{
    files::Files,
    image::Records,
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Name, Result},
    save::Save,
    state::{
        file,
        name::{self, CName},
        pid_ns,
    },
};
use cr_codec::{
    check::{Rec, OPEN_FLAGS},
    uapi::*,
};
use cr_sys::{
    errno::{EOPNOTSUPP, ESTALE},
    file::FileRef,
    list::read_all,
    mm::PAGE_SIZE,
    pid_ns::PidNs,
    task::TaskRef,
    vec,
};
use kernel::prelude::*;

const O_RDWR: u32 = 0o2;

/// Whether all open files of both ends are the container's.
pub(crate) fn is_inside(save: &Save<'_>, file: &FileRef) -> Result<bool> {
    if file.tty().is_none() {
        return Ok(false);
    }
    let files = read_all(|room: &mut [u64]| Ok::<_, Error>(file.tty_files(room)))?;
    Ok(files.iter().all(|file| save.references.has_file(*file)))
}

/// Saves the pair that an open file belongs to, unless it has been already, and returns the record of
/// the file and its path.
pub(crate) fn save<'a>(
    save: &mut Save<'_>,
    file: &FileRef,
    flags: u32,
    buffer: &'a mut [u8],
) -> Result<(cr_img_file, &'a [u8])> {
    let is_master = file.is_tty_master();
    let is_current = file.is_current_tty();
    let kind = match (is_master, file.is_hung_up()) {
        (false, false) if is_current => CR_FILE_CURRENT_TTY,
        (false, false) => CR_FILE_PTS,
        (false, true) => CR_FILE_HUNG_UP,
        (true, false) => CR_FILE_PTMX,
        (true, true) => fail!(
            EOPNOTSUPP(),
            "a master that was hung up is not supported yet"
        ),
    };
    let record = cr_img_file {
        kind,
        flags,
        target: save_pair(save, file)?,
        ..Default::default()
    };
    let path = match kind {
        CR_FILE_PTS | CR_FILE_CURRENT_TTY => name(save, file, buffer)?,
        CR_FILE_HUNG_UP if is_current => name(save, file, buffer)?,
        _ => &[],
    };
    Ok((record, path))
}

fn name<'a>(save: &Save<'_>, file: &FileRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    match file.name(save.container.root(), buffer) {
        Ok(name) => Ok(name),
        Err(_) => fail!(
            EOPNOTSUPP(),
            "has no name below the container's root, or is hidden, which is not supported yet"
        ),
    }
}

fn save_pair(save: &mut Save<'_>, file: &FileRef) -> Result<u64> {
    let identity = file.tty().ok_or(EINVAL)?;
    if let Some(id) = save.objects.find(Kind::Tty, identity) {
        return Ok(id);
    }
    let mut record = cr_img_tty::default();
    let data = match file.read_tty(save.container.ns(), &mut record) {
        Err(error) if error == EOPNOTSUPP() => fail!(
            EOPNOTSUPP(),
            "a terminal with another line discipline (TIOCSETD) is not supported yet"
        ),
        Err(error) if error == EXDEV => fail!(
            EBUSY,
            "is the controlling terminal of a session outside of the container"
        ),
        Err(error) if error == EEXIST => fail!(
            EOPNOTSUPP(),
            "a terminal with a foreground process group that has ended, and its number is in use \
             again, or was of a nested pid namespace, is not supported yet"
        ),
        result => result?,
    };
    let mut buffer = vec::zeroed(PAGE_SIZE, GFP_KERNEL)?;
    let path: &[u8];
    if record.flags & CR_TTY_MASTER_CLOSED == 0 {
        let master = file.tty_master().ok_or(EAGAIN)?;
        let (_, _, info) = master.read_info();
        record.open_flags = info.flags & OPEN_FLAGS;
        path = name(save, &master, &mut buffer)?;
    } else {
        // Where it was is not known any more.
        path = b"/dev/ptmx";
        record.open_flags = O_RDWR;
    }
    record.path_len = path.len() as u32;
    let id = save.objects.add(Kind::Tty, identity)?;
    save.object(id, &record, &[path, &data])?;
    Ok(id)
}

/// Saves the controlling terminal of a process: 0 if it has none.
pub(crate) fn save_controlling(save: &mut Save<'_>, task: &TaskRef) -> Result<u64> {
    let Some(identity) = task.tty() else {
        return Ok(0);
    };
    if let Some(id) = save.objects.find(Kind::Tty, identity) {
        return Ok(id);
    }
    match task.tty_master() {
        Some(master) if is_inside(save, &master)? => save_pair(save, &master),
        _ => fail!(
            EBUSY,
            "has a controlling terminal with an end outside of the container: start the container in \
             a session of its own (setsid)"
        ),
    }
}

/// Makes a pair, and opens its slave for those who had it open when it was hung up. Returns its master,
/// or one of these if that is closed.
pub(crate) fn restore(files: &mut Files<'_>, rec: &Rec<'_>) -> Result<FileRef> {
    let tty: cr_img_tty = rec.fixed()?;
    let path = rec.variable::<cr_img_tty>();
    let path = path.get(..tty.path_len as usize).ok_or(EINVAL)?;
    make(files, rec.id, &tty, path).context(format_args!("terminal /dev/pts/{}", tty.index))
}

fn make(files: &mut Files<'_>, id: u64, tty: &cr_img_tty, path: &[u8]) -> Result<FileRef> {
    let name = CName::new(path)?;
    let master =
        open_master(files, name.as_cstr()?, tty).context(format_args!("{}", Name(path)))?;
    let closed = tty.flags & CR_TTY_MASTER_CLOSED != 0;
    let records = files.records();
    let mut last = None;
    for (_, rec) in records.tagged(CR_TAG_FILE) {
        let record: cr_img_file = rec.fixed()?;
        if record.kind == CR_FILE_HUNG_UP && record.target == id {
            let slave = match rec.variable::<cr_img_file>() {
                [] => master.open_peer(record.flags)?,
                path => open_current(files, &master, record.flags, path)?,
            };
            last = Some(slave.clone());
            files
                .hung_up
                .try_create_and_insert(rec.id, slave, GFP_KERNEL)?;
        }
    }
    if closed {
        let Some(slave) = last else {
            fail!(EINVAL, "a terminal that nobody has open");
        };
        // That hangs the slave up.
        master.close();
        return Ok(slave);
    }
    let hupped = tty.slave.flags & CR_TTY_HUPPED != 0;
    if hupped || last.is_some() {
        master.hang_up_peer()?;
    }
    if last.is_some() && !hupped {
        // Whoever has opened it since may have closed it.
        master.open_peer(O_RDWR)?.close();
    }
    Ok(master)
}

fn open_master(files: &Files<'_>, name: &CStr, tty: &cr_img_tty) -> Result<FileRef> {
    let path = name::lookup(files.root(), name)?;
    // They get the lowest numbers that are free.
    let mut lower = KVVec::new();
    let found = loop {
        let file = path.open(tty.open_flags | file::O_NOCTTY)?;
        match file.tty_index() {
            Some(index) if index == tty.index => break Ok(file),
            Some(index) if index < tty.index && file.is_tty_master() => {
                lower.push(file, GFP_KERNEL)?
            }
            Some(_) => break Err(EBUSY),
            None => break Err(ESTALE()),
        }
    };
    for file in lower {
        file.close();
    }
    match found {
        Ok(file) => Ok(file),
        Err(EBUSY) => fail!(EBUSY, "its number is in use"),
        Err(error) => fail!(error, "is not the master of a pseudoterminal any more"),
    }
}

/// Opens one of the files again.
pub(crate) fn open(
    files: &Files<'_>,
    id: u64,
    record: &cr_img_file,
    path: &[u8],
) -> Result<FileRef> {
    match record.kind {
        CR_FILE_HUNG_UP => Ok(files.hung_up.get(&id).ok_or(EINVAL)?.clone()),
        CR_FILE_PTMX => files.made(record.target).cloned(),
        CR_FILE_CURRENT_TTY => open_current(files, files.made(record.target)?, record.flags, path),
        _ => {
            let slave = files.made(record.target)?.open_peer(record.flags)?;
            let mut buffer = vec::zeroed(PAGE_SIZE, GFP_KERNEL)?;
            match slave.name(files.root(), &mut buffer) {
                Ok(name) if name == path => Ok(slave),
                _ => fail!(ESTALE(), "terminal {}: has another name", Name(path)),
            }
        }
    }
}

/// Opens the slave of a master by the name /dev/tty.
fn open_current(files: &Files<'_>, master: &FileRef, flags: u32, path: &[u8]) -> Result<FileRef> {
    let name = CName::new(path)?;
    master
        .open_current_tty(files.root(), name.as_cstr()?, flags)
        .context(format_args!("terminal {}", Name(path)))
}

/// Gives all pairs their state: all of their files are open.
pub(crate) fn complete(files: &Files<'_>, records: &Records) -> Result {
    for (_, rec) in records.tagged(CR_TAG_TTY) {
        let tty: cr_img_tty = rec.fixed()?;
        if tty.flags & CR_TTY_MASTER_CLOSED != 0 {
            continue;
        }
        let data = rec.variable::<cr_img_tty>();
        let data = data.get(tty.path_len as usize..).ok_or(EINVAL)?;
        files
            .made(rec.id)?
            .write_tty(&tty, data)
            .context(format_args!("terminal /dev/pts/{}", tty.index))?;
    }
    Ok(())
}

/// Gives sessions and their processes, which stand still, their controlling terminals.
pub(crate) fn restore_controlling(plan: &Plan, ns: &PidNs) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_TTY) {
        let tty: cr_img_tty = rec.fixed()?;
        if tty.session != 0 {
            set_session(plan, ns, plan.file(rec.id)?, &tty)
                .context(format_args!("terminal /dev/pts/{}", tty.index))?;
        }
    }
    for (at, process) in plan.processes.iter().enumerate() {
        let image = &process.process;
        if image.tty != 0 {
            let task = plan.task(at, 0)?.task;
            task.set_tty(plan.file(image.tty)?)
                .context(format_args!("pid {}: controlling terminal", image.pid))?;
        }
    }
    Ok(())
}

fn set_session(plan: &Plan, ns: &PidNs, master: &FileRef, tty: &cr_img_tty) -> Result {
    // Only the terminal remembers a group that has ended.
    let gone = match tty.flags & CR_TTY_PGRP_GONE {
        0 => None,
        _ => Some(pid_ns::reserve(plan, ns, tty.pgrp)?),
    };
    let session = ns.find_pid(tty.session).ok_or(ESRCH)?;
    let pgrp = ns.find_pid(tty.pgrp).ok_or(ESRCH)?;
    let result = master.set_tty_session(&session, &pgrp);
    drop(gone);
    Ok(result?)
}
