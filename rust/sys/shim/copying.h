/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CR_SHIM_COPYING_H
#define CR_SHIM_COPYING_H

#include <linux/rwsem.h>

/*
 * Held for writing while mappings have flags by which fork(2) is to go, and which
 * are not theirs; who reads such flags holds it as well. mmap_lock comes inside.
 */
extern struct rw_semaphore cr_shim_copying;

#endif
