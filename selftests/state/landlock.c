// SPDX-License-Identifier: GPL-2.0
/* Landlock: domains with and without rules, who shares them, and rules for others. */
#include "rules.h"
#include <arpa/inet.h>
#include <sys/socket.h>

#define MAKE	(LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_DIR)

static int denied(void *unused)
{
	(void)unused;
	restrict_self(ruleset(LANDLOCK_ACCESS_FS_MAKE_SYM, 0, 0));
	tell("denied");
	await_go();
	expect_errno(symlink("a", file_at("b")), EACCES, "what the domain denies");
	expect_eq(mkdir(file_at("directory"), 0755), 0, "what it does not");
	return 0;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = sure(socket(AF_INET, SOCK_STREAM, 0));
	int error = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? errno : 0;

	close(fd);
	return error;
}

/* What rules allow in "open", and a layer above it only in "open/inner". */
static void check_rules(const char *who, bool inner_only)
{
	char name[64];

	snprintf(name, sizeof(name), "open/%s", who);
	if (inner_only)
		expect_errno(mkdir(file_at(name), 0755), EACCES, "what the newer layer does not allow");
	else
		expect_eq(mkdir(file_at(name), 0755), 0, "%s: what a rule allows", who);
	snprintf(name, sizeof(name), "open/inner/%s", who);
	expect_eq(mkdir(file_at(name), 0755), 0, "%s: what both rules allow", who);
	snprintf(name, sizeof(name), "elsewhere-%s", who);
	expect_errno(mkdir(file_at(name), 0755), EACCES, "what no rule allows");
	expect_errno(symlink("a", file_at("open/link")), EACCES, "what the rule does not allow");
}

static pid_t relative;

/* In the domain of its parent. */
static int same_domain(void *unused)
{
	(void)unused;
	tell("same");
	await_go();
	check_rules("same", false);
	expect_eq(kill(getppid(), 0), 0, "a signal to the parent, in the same domain");
	await("looked");
	return 0;
}

/* In a domain of its own, below that of its parent. */
static int narrower_domain(void *unused)
{
	int fd = ruleset(LANDLOCK_ACCESS_FS_MAKE_DIR, 0, LANDLOCK_SCOPE_SIGNAL);

	(void)unused;
	allow(fd, file_at("open/inner"), LANDLOCK_ACCESS_FS_MAKE_DIR);
	restrict_self(fd);
	tell("narrower");
	await_go();
	check_rules("narrower", true);
	expect_errno(kill(getppid(), 0), EPERM, "a signal to the parent, in a wider domain");
	await("looked");
	return 0;
}

static int family(void *unused)
{
	int fd = ruleset(MAKE, LANDLOCK_ACCESS_NET_CONNECT_TCP, LANDLOCK_SCOPE_SIGNAL);
	pid_t pid[2];

	(void)unused;
	allow(fd, file_at("open"), LANDLOCK_ACCESS_FS_MAKE_DIR);
	allow(fd, file_at("gone"), LANDLOCK_ACCESS_FS_MAKE_DIR);
	allow(fd, "/proc", LANDLOCK_ACCESS_FS_MAKE_SYM);
	allow(fd, "/dev", LANDLOCK_ACCESS_FS_MAKE_SYM);
	allow_port(fd, 9, LANDLOCK_ACCESS_NET_CONNECT_TCP);
	sure(rmdir(file_at("gone")));
	restrict_self(fd);
	pid[0] = child(same_domain, NULL);
	pid[1] = child(narrower_domain, NULL);
	await("same");
	await("narrower");
	tell("family");
	await_go();
	check_rules("parent", false);
	expect_eq(connect_to(9), ECONNREFUSED, "a port that a rule allows");
	expect_eq(connect_to(10), EACCES, "another port");
	expect_eq(kill(pid[0], 0), 0, "a signal to a child, in the same domain");
	expect_eq(kill(pid[1], 0), 0, "a signal to a child, in a narrower domain");
	expect_errno(kill(relative, 0), EPERM, "a signal to who is in another domain");
	expect_errno(kill(1, 0), EPERM, "a signal to who is in no domain");
	tell("looked");
	reap(pid[0]);
	reap(pid[1]);
	return 0;
}

/* Restricted by the same rules, but by itself. */
static int stranger(void *fd)
{
	restrict_self(*(int *)fd);
	tell("stranger");
	await("looked");
	return 0;
}

/* Rules that nobody has enforced yet. */
static int enforce(void *fd)
{
	restrict_self(*(int *)fd);
	expect_eq(mkdir(file_at("open/later"), 0755), 0, "what a rule of an open file allows");
	expect_errno(mkdir(file_at("later"), 0755), EACCES, "what none of them allows");
	expect_eq(connect_to(9), EACCES, "a port that they do not allow");
	expect_eq(connect_to(10), ECONNREFUSED, "a port that they allow");
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid[3];
	int rules;

	payload_begin(argc, argv);
	sure(mkdir(file_at("open"), 0755));
	sure(mkdir(file_at("open/inner"), 0755));
	sure(mkdir(file_at("gone"), 0755));
	rules = ruleset(MAKE, LANDLOCK_ACCESS_NET_CONNECT_TCP, 0);
	allow(rules, file_at("open"), LANDLOCK_ACCESS_FS_MAKE_DIR);
	allow_port(rules, 10, LANDLOCK_ACCESS_NET_CONNECT_TCP);
	sure(fcntl(rules, F_SETFL, O_NONBLOCK));
	pid[0] = child(denied, NULL);
	pid[1] = child(stranger, &rules);
	relative = pid[1];
	pid[2] = child(family, NULL);
	await("denied");
	await("stranger");
	await("family");
	if (pause_here()) {
		allow_port(rules, 9, LANDLOCK_ACCESS_NET_CONNECT_TCP);
		restrict_self(ruleset(LANDLOCK_ACCESS_FS_MAKE_SYM, 0, 0));
	}
	expect_eq(symlink("a", file_at("c")), 0, "who is in no domain");
	expect_eq(fcntl(rules, F_GETFL), O_RDWR | O_NONBLOCK, "flags of rules");
	reap(child(enforce, &rules));
	for (int i = 0; i < 3; i++)
		reap(pid[i]);
	return payload_end();
}
