// SPDX-License-Identifier: GPL-2.0
/* Jobs of a real shell that are stopped, running and done, without a terminal. */
#include "payload.h"

static const char script[] =
	"cd \"$1\" || exit\n"
	"exec 2>&1 >result.bash\n"
	"set -m\n"
	"state() { read -r _ _ s _ < /proc/$1/stat; echo $s; }\n"
	"sleep 1000 & stopped=$!\n"
	"kill -STOP %1\n"
	/* As with Ctrl-Z: a foreground job of two processes. */
	"sh -c 'echo $$ > foreground; kill -TSTP 0; exit 6' | cat\n"
	"foreground=$(cat foreground)\n"
	"sleep 1000 & running=$!\n"
	"(exit 7) & done=$!\n"
	"for pid in $stopped $foreground; do\n"
	"	until [ \"$(state $pid)\" = T ]; do sleep 0.01; done\n"
	"done\n"
	"mkfifo fifo; exec 9<> fifo\n"
	"jobs -s > /dev/null\n"
	"touch jobs\n"
	"read -r line <&9\n"
	"echo line $line\n"
	"echo stopped $(jobs -s | wc -l), running $(jobs -r | wc -l)\n"
	"echo states $(state $stopped) $(state $foreground)\n"
	"wait $done; echo done $?\n"
	"fg %2 > /dev/null; echo pipeline ${PIPESTATUS[0]} $?\n"
	"bg %1 > /dev/null\n"
	"while [ \"$(state $stopped)\" = T ]; do sleep 0.01; done\n"
	"echo running $(jobs -r | wc -l)\n"
	"kill -STOP %1\n"
	"until [ \"$(state $stopped)\" = T ]; do sleep 0.01; done\n"
	"kill -TERM %1; kill -CONT %1; wait %1; echo terminated $?\n"
	"kill %3; wait $running; echo killed $?\n"
	"echo left $(jobs | wc -l)\n";

static const char wanted[] =
	"line go\n"
	"stopped 2, running 1\n"
	"states T T\n"
	"done 7\n"
	"pipeline 0 0\n"
	"running 2\n"
	"terminated 143\n"
	"killed 143\n"
	"left 0\n";

static int shell(void *unused)
{
	(void)unused;
	sure(setsid());
	execl("/bin/bash", "bash", "--norc", "-c", script, "job_control", payload_dir, NULL);
	return 127;
}

int main(int argc, char **argv)
{
	char text[1024];
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(shell, NULL);
	await("jobs");
	await_syscall(pid, SYS_read);

	if (pause_here()) {
		for (pid_t job = pid + 1; job < pid + 40; job++)
			kill(job, SIGCONT);
		sleep_ms(300);
	}
	write_file(file_at("fifo"), 0, "go\n");
	reap(pid);
	read_file(file_at("result.bash"), text, sizeof(text));
	if (!expect(!strcmp(text, wanted), "jobs of a shell"))
		write_file(file_at("result"), O_APPEND, text);
	return payload_end();
}
