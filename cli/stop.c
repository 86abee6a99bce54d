#define _GNU_SOURCE /* ppoll */

#include "cli/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>

/* All that a signal's handler can reach. */
static volatile sig_atomic_t asked, child;

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

static void
note(int number)
{
	asked = number;
	if (child)
		kill(child, SIGTERM);
}

void
stop_child(pid_t pid)
{
	child = pid;
	if (pid && asked)
		kill(pid, SIGTERM);
}

void
stop_note(void)
{
	struct sigaction sa = { .sa_handler = note }, was;

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		/* What nohup ignores stays so. */
		if (sigaction(numbers[i], NULL, &was) == 0 &&
		    was.sa_handler == SIG_DFL)
			sigaction(numbers[i], &sa, NULL);
}

/* A signal that came just before a read would not cut it short. */
bool
stop_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t ours, was;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&ours, numbers[i]);
	sigprocmask(SIG_BLOCK, &ours, &was);
	while (!asked && ppoll(&p, 1, NULL, &was) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &was, NULL);
	return !asked;
}

bool
stop_asked(void)
{
	return asked != 0;
}

void
stop_end(void)
{
	if (!asked)
		return;
	signal(asked, SIG_DFL);
	raise(asked);
}
