// SPDX-License-Identifier: GPL-2.0
/* Files that no name leads to, although they were not removed; and devices of the kernel's. */
#include "cases.h"
#include <sys/mount.h>

static int fd;

static void make_in(const char *directory)
{
	char path[100];

	sure(mkdir(file_at(directory), 0755));
	snprintf(path, sizeof(path), "%s/file", directory);
	fd = sure(open(file_at(path), O_RDWR | O_CREAT, 0600));
}

static void cover(const char *directory)
{
	sure(mount("tmpfs", file_at(directory), "tmpfs", 0, NULL));
}

static void hidden(void)
{
	make_in("covered");
	cover("covered");
}

static void hidden_directory(void)
{
	make_in("covered");
	close(fd);
	sure(mkdir(file_at("covered/below"), 0755));
	fd = sure(open(file_at("covered/below"), O_RDONLY | O_DIRECTORY));
	cover("covered");
}

static void hidden_mapping(void)
{
	hidden();
	sure(ftruncate(fd, PAGE));
	sure(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	close(fd);
}

static void hidden_cwd(void)
{
	make_in("covered");
	close(fd);
	sure(mkdir(file_at("covered/below"), 0755));
	sure(chdir(file_at("covered/below")));
	cover("covered");
}

static void unmounted(void)
{
	sure(mkdir(file_at("mounted"), 0755));
	cover("mounted");
	fd = sure(open(file_at("mounted/file"), O_RDWR | O_CREAT, 0600));
	sure(umount2(file_at("mounted"), MNT_DETACH));
}

static void tun(void)
{
	need(open("/dev/net/tun", O_RDWR));
}

static void fuse(void)
{
	need(open("/dev/fuse", O_RDWR));
}

static const struct case_ cases[] = {
	{ "hidden", "fd [0-9]+: file file is hidden by a mount", hidden, NULL },
	{ "hidden-directory", "file below is hidden by a mount", hidden_directory, NULL },
	{ "hidden-mapping", "mapping .*file file is hidden by a mount", hidden_mapping, NULL },
	{ "hidden-cwd", "its working directory is hidden by a mount", hidden_cwd, NULL },
	{ "unmounted", "is outside of the container's root", unmounted, NULL },
	{ "tun", "character device 10:200", tun, NULL },
	{ "fuse", "character device 10:229", fuse, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
