#include "drivers/line/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { COMMAND = 64, PROC_PATH = 64 };

static bool
command_of(pid_t pid, char out[COMMAND])
{
	char path[PROC_PATH];
	bool there;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	there = fgets(out, COMMAND, f) != NULL;
	if (there)
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
	return there;
}

void
holder_name(pid_t pid, char out[HOLDER_NAME])
{
	char command[COMMAND];

	if (pid == getpid())
		snprintf(out, HOLDER_NAME, "another bus of this gateway");
	else if (pid > 0 && command_of(pid, command))
		snprintf(out, HOLDER_NAME, "%s (pid %ld)", command, (long)pid);
	else
		snprintf(out, HOLDER_NAME, "another program");
}

/* A line of /proc/locks: "1: FLOCK ADVISORY WRITE 123 00:06:91 0 EOF". */
static pid_t
locked_by(char *line, const struct stat *st)
{
	enum { PID = 4, FILE_ID = 5 };
	char *save = NULL, *word = strtok_r(line, " ", &save);
	char *end;
	pid_t pid = 0;

	for (int i = 0; word && i < FILE_ID; i++) {
		if (i == PID)
			pid = (pid_t)strtol(word, NULL, 10);
		word = strtok_r(NULL, " ", &save);
	}
	if (!word || strtoul(word, &end, 16) != major(st->st_dev) ||
	    *end != ':' || strtoul(end + 1, &end, 16) != minor(st->st_dev) ||
	    *end != ':' || strtoull(end + 1, &end, 10) != st->st_ino)
		return 0;
	return pid;
}

static pid_t
lock_holder(const char *path)
{
	char line[256];
	struct stat st;
	pid_t pid = 0;
	FILE *f;

	if (stat(path, &st) != 0)
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (pid <= 0 && fgets(line, sizeof(line), f))
		pid = locked_by(line, &st);
	fclose(f);
	return pid;
}

/* Whether the process has the file open. */
static bool
has_open(const char *pid, const char *path)
{
	char dir[300], link[600], target[PATH_MAX];
	struct dirent *d;
	bool found = false;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	fds = opendir(dir);
	if (!fds)
		return false;
	while (!found && (d = readdir(fds))) {
		ssize_t n;

		snprintf(link, sizeof(link), "%s/%s", dir, d->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, path) == 0;
	}
	closedir(fds);
	return found;
}

static pid_t
open_holder(const char *path)
{
	DIR *procs = opendir("/proc");
	struct dirent *d;
	pid_t pid = 0;

	if (!procs)
		return 0;
	while (pid == 0 && (d = readdir(procs))) {
		pid_t one = (pid_t)strtol(d->d_name, NULL, 10);

		if (isdigit((unsigned char)d->d_name[0]) && one != getpid() &&
		    has_open(d->d_name, path))
			pid = one;
	}
	closedir(procs);
	return pid;
}

/* Who locked it may have ended and left it to a child. */
pid_t
holder_find(const char *path)
{
	char command[COMMAND];
	pid_t pid = lock_holder(path);

	return pid > 0 && command_of(pid, command) ? pid : open_holder(path);
}
