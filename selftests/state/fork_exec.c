// SPDX-License-Identifier: GPL-2.0
/*
 * A process that was restarted can do what any can: fork, execute, map, create
 * threads. It is linked dynamically, as usual programs are.
 */
#include "payload.h"
#include <dlfcn.h>
#include <pthread.h>

static __thread int tls = 17;

static void *thread(void *unused)
{
	expect_eq(tls, 17, "thread-local variable of a new thread");
	return unused;
}

static int execs(void *self)
{
	execl(self, self, payload_dir, "again", NULL);
	return 1;
}

int main(int argc, char **argv)
{
	double (*cosine)(double);
	void *libm;
	char *early, *late;
	pthread_t t;
	FILE *stream;
	char line[64] = "";

	payload_begin(argc, argv);
	if (argc == 3)
		return 0;
	libm = dlopen("libm.so.6", RTLD_NOW);
	cosine = libm ? (double (*)(double))dlsym(libm, "cos") : NULL;
	sure(cosine ? 0 : -1);
	early = malloc(1 << 20);
	memset(early, 'e', 1 << 20);
	tls = 18;
	/* Half of what stdio buffers has been read. */
	write_file(file_at("lines"), O_CREAT, "first\nsecond\nthird\n");
	stream = fopen(file_at("lines"), "re");
	sure(stream && fgets(line, sizeof(line), stream) ? 0 : -1);

	if (pause_here())
		sure(dlclose(libm));
	expect_eq(tls, 18, "thread-local variable");
	expect(fgets(line, sizeof(line), stream) && !strcmp(line, "second\n"), "stdio goes on: %s", line);
	expect(cosine(0) == 1, "function of a library");
	expect(dlsym(libm, "sin") != NULL, "dynamic linker");
	late = malloc(1 << 22);
	memset(late, 'l', 1 << 22);
	expect(early[77777] == 'e' && late[77777] == 'l', "heap");
	free(early);
	free(late);
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	reap(child(execs, argv[0]));
	expect_eq(system("exec /bin/true"), 0, "another program");
	return payload_end();
}
