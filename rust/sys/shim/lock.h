/* SPDX-License-Identifier: GPL-2.0 */
/* What the shims know of leases, and Rust need not. */
#ifndef _CR_SHIM_LOCK_H
#define _CR_SHIM_LOCK_H

#include <linux/fs.h>

bool cr_shim_has_lease(const struct file *file);

#endif /* _CR_SHIM_LOCK_H */
