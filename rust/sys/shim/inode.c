// SPDX-License-Identifier: GPL-2.0
/* Inodes whose contents are in the image: memfds, and files that were removed. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/xattr.h>

#include "shim.h"

#define MEMFD_PREFIX	"memfd:"

bool cr_shim_is_memfd_name(const char *name)
{
	return str_has_prefix(name, MEMFD_PREFIX);
}

/* Flags that chattr(1) sets. */
static bool has_flags(const struct inode *inode)
{
	return inode->i_flags & (S_SYNC | S_NOATIME | S_APPEND | S_IMMUTABLE |
				 S_DIRSYNC | S_DAX | S_ENCRYPTED | S_CASEFOLD |
				 S_VERITY) ||
	       (shmem_mapping(inode->i_mapping) &&
		SHMEM_I((struct inode *)inode)->fsflags & FS_FL_USER_VISIBLE);
}

/* Mode, owner, times and size. Returns CR_INODE_X_*, or an error. */
static int read_path(const struct path *path, struct cr_img_inode *out)
{
	struct kstat st = {};
	int x = 0, err;

	err = vfs_getattr(path, &st, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT);
	if (err)
		return err;
	memset(out, 0, sizeof(*out));
	out->mode = st.mode & S_IALLUGO;
	out->uid = from_kuid_munged(current_user_ns(), st.uid);
	out->gid = from_kgid_munged(current_user_ns(), st.gid);
	out->size = st.size;
	out->atime_sec = st.atime.tv_sec;
	out->atime_nsec = st.atime.tv_nsec;
	out->mtime_sec = st.mtime.tv_sec;
	out->mtime_nsec = st.mtime.tv_nsec;
	if (has_flags(d_inode(path->dentry)))
		x |= BIT(CR_INODE_X_FLAGS);
	if (vfs_listxattr(path->dentry, NULL, 0) > 0)
		x |= BIT(CR_INODE_X_XATTRS);
	return x;
}

enum { MEMFD, REMOVED, TMPFILE, NR_KINDS };

/* The kind of an inode with pages as @file has them. */
static u32 kind_with_pages(struct file *file, int kind)
{
	static const u8 kinds[][NR_KINDS] = {
		{ CR_INODE_MEMFD, CR_INODE_REMOVED, CR_INODE_TMPFILE },
		{ CR_INODE_HUGETLB, CR_INODE_HUGETLB_REMOVED, CR_INODE_HUGETLB_TMPFILE },
		{ CR_INODE_GIGANTIC, CR_INODE_GIGANTIC_REMOVED, CR_INODE_GIGANTIC_TMPFILE },
	};

	if (!is_file_hugepages(file))
		return kinds[0][kind];
	return kinds[cr_shim_is_gigantic(file) ? 2 : 1][kind];
}

static unsigned int *seals_of(struct inode *inode)
{
	return shmem_mapping(inode->i_mapping) ? &SHMEM_I(inode)->seals :
						 &HUGETLBFS_I(inode)->seals;
}

/* fallocate(2) can give files of huge pages such a size, and no other call. */
static bool has_odd_size(struct file *file, u64 size)
{
	return is_file_hugepages(file) && size & ~huge_page_mask(hstate_file(file));
}

/*
 * The inode of @file; its name, without a NUL, in @name, which has room for
 * NAME_MAX bytes. Returns CR_INODE_X_*, or an error.
 */
int cr_shim_inode_read(struct file *file, struct cr_img_inode *out, char *name)
{
	const struct path *path = file_user_path(file);
	struct inode *inode = d_inode(path->dentry);
	int x = read_path(path, out);

	if (x < 0)
		return x;
	if (cr_shim_file_type(file) == CR_SHIM_FILE_MEMFD) {
		out->kind = kind_with_pages(file, MEMFD);
		out->seals = *seals_of(inode);
		/* Nobody renames it. */
		out->name_len = path->dentry->d_name.len - strlen(MEMFD_PREFIX);
		memcpy(name, path->dentry->d_name.name + strlen(MEMFD_PREFIX),
		       out->name_len);
	} else {
		out->kind = kind_with_pages(file, inode_state_read_once(inode) &
						  I_LINKABLE ? TMPFILE : REMOVED);
	}
	if (has_odd_size(file, out->size))
		x |= BIT(CR_INODE_X_SIZE);
	return x;
}

/* The same of a directory that was removed; @identity: of its inode. */
int cr_shim_removed_dir_read(const struct path *path, struct cr_img_inode *out,
			     u64 *identity)
{
	int x = read_path(path, out);

	if (x < 0)
		return x;
	out->kind = CR_INODE_DIRECTORY;
	out->size = 0;
	*identity = (unsigned long)d_inode(path->dentry);
	return x;
}

/* A file without a name, which nobody can give it unless it is @linkable. */
struct file *cr_shim_tmpfile(const struct path *root, const char *name, u64 size,
			     bool linkable)
{
	u32 flags = O_RDWR | O_LARGEFILE | (linkable ? 0 : O_EXCL);
	struct file *file;
	struct path dir;
	int err;

	err = cr_shim_begin_making(root, name, &dir);
	if (err)
		return ERR_PTR(err);
	file = kernel_tmpfile_open(mnt_idmap(dir.mnt), &dir, S_IFREG | 0600, flags,
				   current_cred());
	cr_shim_end_making(&dir);
	if (IS_ERR(file))
		return file;
	err = vfs_truncate(&file->f_path, size);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/* Puts @file at once, with the right to write that it has taken. */
void cr_shim_file_put_now(struct file *file)
{
	__fput_sync(file);
}

/* What memfd_create(2) returned, and nobody has opened since. */
bool cr_shim_is_first_memfd(struct file *file)
{
	return (file->f_mode & (FMODE_WRITE | FMODE_WRITER)) == FMODE_WRITE;
}

/*
 * Another open file description of the same inode. With @quiet, those who watch
 * it are not told.
 */
struct file *cr_shim_reopen(struct file *file, u32 flags, bool quiet)
{
	const struct path *path = file_user_path(file);

	return quiet ? dentry_open_nonotify(path, flags, current_cred()) :
		       dentry_open(path, flags, current_cred());
}

/* As memfd_create(2) with MFD_ALLOW_SEALING, of a kind and some size. */
struct file *cr_shim_memfd_make(u32 kind, const char *name, u64 size)
{
	char full[NAME_MAX + 1];
	struct file *file;

	if (snprintf(full, sizeof(full), MEMFD_PREFIX "%s", name) > NAME_MAX)
		return ERR_PTR(-EINVAL);
	if (kind == CR_INODE_MEMFD)
		file = shmem_file_setup(full, size, mk_vma_flags(VMA_NORESERVE_BIT));
	else
		file = cr_shim_hugetlb_make(full, size, kind == CR_INODE_GIGANTIC,
					    false);
	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	*seals_of(file_inode(file)) = 0;
	return file;
}

/* The flags that F_SETFL sets. */
void cr_shim_set_status(struct file *file, u32 flags)
{
	const u32 settable = O_APPEND | O_NONBLOCK | O_NOATIME;

	spin_lock(&file->f_lock);
	file->f_flags = (file->f_flags & ~settable) | (flags & settable);
	file->f_iocb_flags = iocb_flags(file);
	spin_unlock(&file->f_lock);
}

/* Gives it another size, unless it has that. */
int cr_shim_resize(struct file *file, u64 size)
{
	if (i_size_read(file_inode(file)) == size)
		return 0;
	return vfs_truncate(&file->f_path, size);
}

/* Mode, owner and times. */
int cr_shim_inode_set(struct file *file, const struct cr_img_inode *in)
{
	const struct path *path = &file->f_path;
	kuid_t uid = make_kuid(current_user_ns(), in->uid);
	kgid_t gid = make_kgid(current_user_ns(), in->gid);
	struct iattr attr = {
		.ia_valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME |
			    ATTR_MTIME | ATTR_ATIME_SET | ATTR_MTIME_SET |
			    ATTR_CTIME,
		.ia_mode = (in->mode & S_IALLUGO) |
			   (d_inode(path->dentry)->i_mode & S_IFMT),
		.ia_vfsuid = VFSUIDT_INIT(uid),
		.ia_vfsgid = VFSGIDT_INIT(gid),
		.ia_atime = { in->atime_sec, in->atime_nsec },
		.ia_mtime = { in->mtime_sec, in->mtime_nsec },
	};
	int err;

	if (!uid_valid(uid) || !gid_valid(gid))
		return -EINVAL;
	err = mnt_want_write(path->mnt);
	if (err)
		return err;
	inode_lock(d_inode(path->dentry));
	err = notify_change(mnt_idmap(path->mnt), path->dentry, &attr, NULL);
	inode_unlock(d_inode(path->dentry));
	mnt_drop_write(path->mnt);
	return err;
}

/*
 * Copies a page of shared memory, or, with @write, into it. Not as read(2) and
 * write(2) do: those who map it see what is between the end of the file and that
 * of the page.
 */
static int shmem_page(struct file *file, u64 at, void *buf, bool write)
{
	struct page *page = shmem_read_mapping_page(file->f_mapping,
						    at >> PAGE_SHIFT);

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (write) {
		memcpy_to_page(page, 0, buf, PAGE_SIZE);
		folio_mark_dirty(page_folio(page));
	} else {
		memcpy_from_page(buf, page, 0, PAGE_SIZE);
	}
	put_page(page);
	return 0;
}

/* Reads a page of a file, with zeroes behind its end. */
int cr_shim_page_read(struct file *file, u64 at, void *buf)
{
	loff_t pos = at;
	size_t done = 0;
	ssize_t n;

	if (shmem_mapping(file->f_mapping))
		return shmem_page(file, at, buf, false);
	if (is_file_hugepages(file))
		return cr_shim_hugetlb_page(file, at, buf, false);
	while (done < PAGE_SIZE) {
		n = kernel_read(file, buf + done, PAGE_SIZE - done, &pos);
		if (n < 0)
			return n;
		if (!n)
			break;
		done += n;
	}
	memset(buf + done, 0, PAGE_SIZE - done);
	return 0;
}

/* Writes one, up to the end of the file. */
int cr_shim_page_write(struct file *file, u64 at, const void *buf)
{
	loff_t pos = at, size = i_size_read(file_inode(file));
	size_t done = 0, len;
	ssize_t n;

	if (shmem_mapping(file->f_mapping))
		return shmem_page(file, at, (void *)buf, true);
	if (is_file_hugepages(file))
		return cr_shim_hugetlb_page(file, at, (void *)buf, true);
	if (pos >= size)
		return -EINVAL;
	len = min_t(loff_t, PAGE_SIZE, size - pos);
	while (done < len) {
		n = kernel_write(file, buf + done, len - done, &pos);
		if (n <= 0)
			return n ?: -ENOSPC;
		done += n;
	}
	return 0;
}

/* The memory descriptors that map it: how many, of which @max are in @mms. */
u32 cr_shim_mappers(struct file *file, u64 *mms, u32 max)
{
	struct address_space *mapping =
		d_real_inode(file_user_path(file)->dentry)->i_mapping;
	struct vm_area_struct *vma, *next;
	u32 n = 0;

	i_mmap_lock_read(mapping);
	rbtree_postorder_for_each_entry_safe(vma, next, &mapping->i_mmap.rb_root,
					     shared.rb) {
		if (n < max)
			mms[n] = (unsigned long)vma->vm_mm;
		n++;
	}
	i_mmap_unlock_read(mapping);
	return n;
}

/*
 * Whose an inode is that no file system keeps: -EPERM if the current task may not
 * say so. Nobody else changes it.
 */
int cr_shim_inode_own(struct inode *inode, u32 owner, u32 group)
{
	kuid_t uid = make_kuid(current_user_ns(), owner);
	kgid_t gid = make_kgid(current_user_ns(), group);

	if (!uid_valid(uid) || !gid_valid(gid))
		return -EINVAL;
	if ((!uid_eq(inode->i_uid, uid) || !gid_eq(inode->i_gid, gid)) &&
	    !ns_capable(current_user_ns(), CAP_CHOWN))
		return -EPERM;
	inode->i_uid = uid;
	inode->i_gid = gid;
	return 0;
}
