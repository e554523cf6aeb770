// SPDX-License-Identifier: GPL-2.0
/* Working directory, root directory and umask of each process. */
#include "payload.h"

static int in_root(void *unused)
{
	char cwd[512] = "";

	sure(chroot(file_at("jail")));
	sure(chdir("/inner"));
	umask(0777);
	payload_dir = "/";
	tell("jailed");
	await_go();
	expect(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/inner"), "working directory in a new root: %s", cwd);
	expect_eq(access("/inner/file", F_OK), 0, "absolute path in a new root");
	expect_eq(access("file", F_OK), 0, "relative path in a new root");
	expect_eq(access("/../../../../proc", F_OK), -1, "there is no way out");
	expect_eq(umask(0), 0777, "umask in a new root");
	(void)unused;
	return payload_failed;
}

static int elsewhere(void *name)
{
	char cwd[512] = "";

	sure(chdir(file_at(name)));
	umask(0111);
	tell("elsewhere");
	await_go();
	expect(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, file_at(name)), "working directory of a child: %s", cwd);
	expect_eq(umask(0), 0111, "umask of a child");
	return 0;
}

int main(int argc, char **argv)
{
	char cwd[512] = "", text[512];
	pid_t jailed, other;
	int fd;

	payload_begin(argc, argv);
	sure(mkdir(file_at("jail"), 0755));
	sure(mkdir(file_at("jail/inner"), 0755));
	sure(mkdir(file_at("with blank\n"), 0755));
	write_file(file_at("jail/inner/file"), O_CREAT, "");
	sure(chdir(file_at("jail")));
	jailed = child(in_root, NULL);
	other = child(elsewhere, "with blank\n");
	await("jail/jailed");
	await("elsewhere");
	umask(027);

	if (pause_here()) {
		umask(022);
		sure(chdir("/"));
	}
	/* It waits for "go" in its own root. */
	if (read_file(file_at("go"), text, sizeof(text)) >= 0)
		write_file(file_at("jail/go"), O_CREAT, text);
	reap(jailed);
	reap(other);
	if (read_file(file_at("jail/result"), text, sizeof(text)) > 0)
		write_file(file_at("result"), O_CREAT | O_APPEND, text);
	expect(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, file_at("jail")), "working directory: %s", cwd);
	fd = sure(open("made", O_CREAT | O_WRONLY, 0777));
	close(fd);
	expect_eq(access(file_at("jail/made"), F_OK), 0, "file made in it");
	expect_eq(umask(0), 027, "umask");
	return payload_end();
}
