/* SPDX-License-Identifier: GPL-2.0 */
/* Test results in KTAP, for tests in C. */
#ifndef KTAP_H
#define KTAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int ktap_count, ktap_failed;

__attribute__((format(printf, 2, 3), unused))
static bool check(bool good, const char *format, ...)
{
	va_list ap;

	ktap_count++;
	ktap_failed += !good;
	printf("%s %d ", good ? "ok" : "not ok", ktap_count);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}

static void ktap_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
}

static int ktap_end(void)
{
	printf("1..%d\n", ktap_count);
	return ktap_failed != 0;
}

#endif /* KTAP_H */
