/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Payloads with many small cases: "NAME DIR CASE", and "NAME --list". Their
 * state is one that is not supported, or need not be: it must be refused with
 * words that match a regular expression, after which the container goes on
 * unharmed; or else, if that is said too, be saved and restored.
 */
#ifndef CASES_H
#define CASES_H

#include "payload.h"

struct case_ {
	const char *name;
	/* Words of a refusal. */
	const char *words;
	/* Makes the state. */
	void (*make)(void);
	/* Looks whether it is intact; without one, saving it is an error. */
	void (*check)(void);
};

/* A call that not all machines and kernels support. */
#define need(call)								\
	({									\
		__typeof__(call) ret_ = (call);					\
		if ((long)ret_ == -1) {						\
			payload_announce("skip not possible here: " #call);	\
			_exit(4);						\
		}								\
		ret_;								\
	})

static int run_cases(int argc, char **argv, const struct case_ *cases, size_t nr)
{
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (size_t i = 0; i < nr; i++)
			puts(cases[i].name);
		return 0;
	}
	payload_begin(argc, argv);
	for (size_t i = 0; argc == 3 && i < nr; i++) {
		if (strcmp(cases[i].name, argv[2]))
			continue;
		cases[i].make();
		if (cases[i].check) {
			pause_either(cases[i].words);
			cases[i].check();
		} else {
			pause_refused(cases[i].words);
		}
		return payload_end();
	}
	fprintf(stderr, "usage: %s DIR CASE, or --list\n", argv[0]);
	return 2;
}

#endif /* CASES_H */
