/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc/self/smaps says about a mapping. */
#ifndef SMAPS_H
#define SMAPS_H

#include "payload.h"

/* The lines NAME of the mapping that begins at @p. */
MAYBE_UNUSED static void smaps(const void *p, const char *name, char *value, size_t size)
{
	char line[512], start[32];
	FILE *file = fopen("/proc/self/smaps", "re");
	bool here = false;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	value[0] = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (strchr(line, '-') && strchr(line, '-') < strchr(line, ' '))
			here = !strncmp(line, start, strlen(start));
		else if (here && !strncmp(line, name, strlen(name)))
			snprintf(value, size, "%s", line + strlen(name));
	}
	if (file)
		fclose(file);
}

MAYBE_UNUSED static bool has_flag(const void *p, const char *flag)
{
	char flags[512];

	smaps(p, "VmFlags:", flags, sizeof(flags));
	return strstr(flags, flag) != NULL;
}

#endif /* SMAPS_H */
