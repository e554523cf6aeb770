/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What bindgen reads: the user-space ABI, all of it and nothing else. The
 * values of function-like macros are out of its reach, so they are repeated
 * here as enumerators, under names of their own.
 */
#include <linux/cr.h>
#include <linux/cr_image.h>

enum cr_ioctl {
	CR_IOCTL_CHECKPOINT	= CR_IOC_CHECKPOINT,
	CR_IOCTL_RESTART	= CR_IOC_RESTART,
	CR_IOCTL_INFO		= CR_IOC_INFO,
	CR_IOCTL_LAZY_DONE	= CR_IOC_LAZY_DONE,
};
