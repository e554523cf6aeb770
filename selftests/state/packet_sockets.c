// SPDX-License-Identifier: GPL-2.0
/*
 * Packet sockets: protocols, devices, options, groups, filters, statistics; frames that
 * nobody has received yet, with all that recvmsg(2) tells of them; who waits for one.
 */
#include "options.h"
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>

/* For experiments. */
#define OWN		0x88b5
#define OWN_TOO		0x88b6
#define SOL_PACKET_	263
#define MOST		6
#define TAKEN_FROM	struct sockaddr_ll
#define TAKEN_DATA	200
#define TAKEN_CONTROL	300
#include "take.h"

enum { RAW, COOKED, ALL, SENDER, SHORT, LOOSE, SOCKETS };

static const char *const names[] = { "raw", "cooked", "of all", "sender", "short", "loose" };

/* Without PACKET_STATISTICS, which are others after each look. */
static const int packet_options[] = { 7, 8, 9, 10, 12, 14, 15, 17, 18, 19, 20, 23, 24 };

static int fds[SOCKETS], sleeping;

struct state {
	struct sockaddr_ll name;
	int options[ARRAY_SIZE(packet_options)];
	struct options plain;
};

static int opened(int type, int protocol, int device)
{
	int fd = sure(socket(AF_PACKET, type, 0));
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = device,
	};

	if (protocol)
		sure(bind(fd, (void *)&at, sizeof(at)));
	return fd;
}

static void set(int fd, int option, int value)
{
	set_option(fd, SOL_PACKET_, option, value);
}

static void look(int fd, struct state *state)
{
	socklen_t len = sizeof(state->name);

	memset(state, 0, sizeof(*state));
	sure(getsockname(fd, (void *)&state->name, &len));
	for (size_t i = 0; i < ARRAY_SIZE(packet_options); i++) {
		len = sizeof(int);
		if (getsockopt(fd, SOL_PACKET_, packet_options[i], &state->options[i], &len))
			state->options[i] = -errno;
	}
	get_options(fd, &state->plain);
}

/* To whom the text says. */
static void put(int protocol, const char *text)
{
	unsigned char frame[60] = { 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 7, protocol >> 8, protocol };
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = 1,
		.sll_halen = 6,
	};

	memcpy(frame + ETH_HLEN, text, strlen(text));
	expect_eq(sendto(fds[SENDER], frame, sizeof(frame), 0, (void *)&to, sizeof(to)),
		  sizeof(frame), "%s", text);
}

static void filter(int fd, unsigned int length)
{
	struct sock_filter insns[] = {
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0, 12 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, OWN },
		{ BPF_RET | BPF_K, 0, 0, length },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	struct sock_fprog program = { ARRAY_SIZE(insns), insns };

	sure(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static void member(int fd, int option)
{
	struct packet_mreq group = { 1, PACKET_MR_MULTICAST, 6, { 1, 0, 0x5e, 0, 0, 9 } };

	sure(setsockopt(fd, SOL_PACKET_, option, &group, sizeof(group)));
}

static void make(void)
{
	fds[RAW] = opened(SOCK_RAW, OWN, 1);
	set(fds[RAW], PACKET_AUXDATA, 1);
	set(fds[RAW], PACKET_ORIGDEV, 1);
	set_option(fds[RAW], SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set_option(fds[RAW], SOL_SOCKET, SO_RXQ_OVFL, 1);
	member(fds[RAW], PACKET_ADD_MEMBERSHIP);
	member(fds[RAW], PACKET_ADD_MEMBERSHIP);
	fds[COOKED] = opened(SOCK_DGRAM, OWN, 0);
	set(fds[COOKED], PACKET_AUXDATA, 1);
	fds[ALL] = sure(socket(AF_PACKET, SOCK_RAW, 0));
	filter(fds[ALL], 0xffffffff);
	fds[SENDER] = opened(SOCK_RAW, 0, 0);
	fds[SHORT] = sure(socket(AF_PACKET, SOCK_RAW, 0));
	set(fds[SHORT], PACKET_AUXDATA, 1);
	set(fds[SHORT], 23 /* PACKET_IGNORE_OUTGOING */, 1);
	filter(fds[SHORT], 17);
	fds[LOOSE] = opened(SOCK_DGRAM, 0, 0);
	set(fds[LOOSE], PACKET_VERSION, TPACKET_V2);
	set(fds[LOOSE], PACKET_RESERVE, 64);
	set(fds[LOOSE], PACKET_LOSS, 1);
	set(fds[LOOSE], PACKET_TIMESTAMP, 1 << 4);
	set(fds[LOOSE], PACKET_COPY_THRESH, 3);
	set(fds[LOOSE], PACKET_QDISC_BYPASS, 1);
	sleeping = opened(SOCK_DGRAM, OWN_TOO, 1);
	for (int i = ALL; i <= SHORT; i += SHORT - ALL) {
		struct sockaddr_ll at = {
			.sll_family = AF_PACKET,
			.sll_protocol = htons(ETH_P_ALL),
			.sll_ifindex = 1,
		};

		sure(bind(fds[i], (void *)&at, sizeof(at)));
	}
}

static int receiver(void *unused)
{
	char text[100] = "";

	(void)unused;
	expect_eq(recv(sleeping, text, sizeof(text), 0), 60 - ETH_HLEN, "recv of a packet socket");
	expect(!strcmp(text, "wake"), "what it has received: \"%s\"", text);
	return 0;
}

static bool same_taken(const struct taken *a, const struct taken *b)
{
	return a->len == b->len && a->control_len == b->control_len && a->flags == b->flags &&
	       !memcmp(&a->from, &b->from, sizeof(a->from)) &&
	       !memcmp(a->data, b->data, sizeof(a->data)) &&
	       !memcmp(a->control, b->control, sizeof(a->control));
}

/* Of one that a filter has shortened. */
static void look_at_length(const struct taken *taken)
{
	const struct cmsghdr *head = (const void *)taken->control;
	const struct tpacket_auxdata *aux = (const void *)CMSG_DATA(head);

	expect(taken->control_len > sizeof(*head) && head->cmsg_type == PACKET_AUXDATA &&
	       aux->tp_len == 60 && aux->tp_snaplen == 17 && aux->tp_net == ETH_HLEN,
	       "short: PACKET_AUXDATA: %u of %u bytes", aux->tp_snaplen, aux->tp_len);
}

/* Does the device listen to the group? */
static bool listens(void)
{
	char text[8192] = "";

	read_file("/proc/self/net/dev_mcast", text, sizeof(text));
	return strstr(text, "01005e000009");
}

int main(int argc, char **argv)
{
	static const int wanted[SOCKETS] = { [RAW] = 2, [COOKED] = 2, [ALL] = 4, [SHORT] = 2 };
	static struct taken waiting[SOCKETS], now[MOST];
	static struct state before[SOCKETS], state;
	struct tpacket_stats stats;
	socklen_t len;
	pid_t pid;
	int got;

	payload_begin(argc, argv);
	make();
	put(OWN, "first");
	put(OWN, "second");
	put(OWN_TOO + 1, "for nobody");
	pid = child(receiver, NULL);
	await_syscall(pid, SYS_recvfrom);
	for (int i = 0; i < SOCKETS; i++) {
		look(fds[i], &before[i]);
		/* The kernel forgets how long a frame was when somebody has a look at it. */
		if (i != SHORT)
			take(fds[i], MSG_PEEK);
		if (i != SHORT)
			waiting[i] = take(fds[i], MSG_PEEK);
	}

	if (pause_here()) {
		set(fds[RAW], PACKET_ORIGDEV, 0);
		take(fds[COOKED], 0);
	}

	for (int i = 0; i < SOCKETS; i++) {
		look(fds[i], &state);
		expect(!memcmp(&state.name, &before[i].name, sizeof(state.name)), "%s: name", names[i]);
		for (size_t j = 0; j < ARRAY_SIZE(packet_options); j++)
			expect_eq(state.options[j], before[i].options[j], "%s: option %d", names[i],
				  packet_options[j]);
		same_options(fds[i], &before[i].plain, false, names[i]);
		got = take_all(fds[i], now, MOST);
		expect_eq(got, wanted[i], "%s: frames", names[i]);
		if (i == SHORT)
			look_at_length(&now[0]);
		else
			expect(same_taken(&now[0], &waiting[i]), "%s: a frame of %zd bytes", names[i],
			       now[0].len);
		if (i == RAW)
			expect(!strcmp((char *)now[1].data + ETH_HLEN, "second"), "the next one");
	}
	put(OWN, "third");
	expect_eq(take_all(fds[RAW], now, MOST), 1, "a new one");
	expect_eq(take_all(fds[COOKED], now, MOST), 1, "a new one, cooked");
	expect_eq(take_all(fds[ALL], now, MOST), 2, "a new one, both ways");
	expect_eq(take_all(fds[SHORT], now, MOST), 1, "a new one, shortened");
	expect_eq(now[0].len, 17, "its length");
	put(OWN_TOO + 1, "for nobody");
	expect_eq(take_all(fds[ALL], now, MOST), 0, "none that the filter does not want");
	len = sizeof(stats);
	sure(getsockopt(fds[RAW], SOL_PACKET_, PACKET_STATISTICS, &stats, &len));
	expect(stats.tp_packets == 3 && stats.tp_drops == 0, "PACKET_STATISTICS: %u", stats.tp_packets);

	expect(listens(), "a group");
	member(fds[RAW], PACKET_DROP_MEMBERSHIP);
	expect(listens(), "a group that was joined twice");
	member(fds[RAW], PACKET_DROP_MEMBERSHIP);
	expect(!listens(), "a group that was left as often");
	put(OWN_TOO, "wake");
	reap(pid);
	return payload_end();
}
