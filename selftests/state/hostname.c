// SPDX-License-Identifier: GPL-2.0
/* Names of the UTS namespace. */
#include "payload.h"
#include <sys/utsname.h>

int main(int argc, char **argv)
{
	struct utsname names;

	payload_begin(argc, argv);
	sure(sethostname("a-name-that-nobody-has", 22));
	sure(setdomainname("and.a.domain", 12));
	if (pause_here())
		sure(sethostname("x", 1));
	uname(&names);
	expect(!strcmp(names.nodename, "a-name-that-nobody-has"), "host name: %s", names.nodename);
	expect(!strcmp(names.domainname, "and.a.domain"), "domain name: %s", names.domainname);
	expect_eq(sethostname("changed", 7), 0, "it can be changed");
	return payload_end();
}
