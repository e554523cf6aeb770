/* SPDX-License-Identifier: GPL-2.0 */
/* An owner, a group, a mode and times that no new file has. */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include "payload.h"

/* @mode: permissions of a file that is new. */
MAYBE_UNUSED static void give_attributes(int fd, mode_t mode)
{
	struct timespec times[2] = { { 1000000000, 500 }, { 1100000000, 600 } };

	sure(fchown(fd, 1000, 1001));
	sure(fchmod(fd, mode));
	sure(futimens(fd, times));
}

/* @mode: with the type. */
MAYBE_UNUSED static void expect_attributes(int fd, mode_t mode)
{
	struct stat st;

	sure(fstat(fd, &st));
	expect_eq(st.st_uid, 1000, "owner");
	expect_eq(st.st_gid, 1001, "group");
	expect_eq(st.st_mode, mode, "mode");
	expect_eq(st.st_atim.tv_sec, 1000000000, "time of access");
	expect_eq(st.st_mtim.tv_sec, 1100000000, "time of modification");
	expect_eq(st.st_mtim.tv_nsec, 600, "its nanoseconds");
}

#endif
