// SPDX-License-Identifier: GPL-2.0
/* Limits of the IPC namespace: sysctls. */
#include "payload.h"

static const struct {
	const char *path, *value;
} limits[] = {
	{ "/proc/sys/kernel/shmmax", "1234567" },
	{ "/proc/sys/kernel/shmall", "7654321" },
	{ "/proc/sys/kernel/shmmni", "111" },
	{ "/proc/sys/kernel/shm_rmid_forced", "1" },
	{ "/proc/sys/kernel/msgmax", "5555" },
	{ "/proc/sys/kernel/msgmnb", "6666" },
	{ "/proc/sys/kernel/msgmni", "77" },
	{ "/proc/sys/kernel/sem", "100\t2000\t30\t44" },
	{ "/proc/sys/fs/mqueue/queues_max", "12" },
	{ "/proc/sys/fs/mqueue/msg_max", "23" },
	{ "/proc/sys/fs/mqueue/msgsize_max", "3456" },
	{ "/proc/sys/fs/mqueue/msg_default", "5" },
	{ "/proc/sys/fs/mqueue/msgsize_default", "678" },
};

int main(int argc, char **argv)
{
	char text[64];

	payload_begin(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		write_file(limits[i].path, 0, limits[i].value);
	if (pause_here())
		write_file(limits[0].path, 0, "42");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		read_file(limits[i].path, text, sizeof(text));
		text[strcspn(text, "\n")] = 0;
		expect(!strcmp(text, limits[i].value), "%s: %s, was %s", limits[i].path, text, limits[i].value);
	}
	return payload_end();
}
