#include "cli/spawn.h"

#include "cli/say.h"
#include "cli/stop.h"
#include "common/disk.h"
#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SPAWN_ARGS = 16 };

/* A program of another version in PATH must not come before our own. */
static char *
beside(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path;

	if (n < 0)
		return NULL;
	self[n] = '\0';
	path = mem_printf("%s/%s", dirname(self), name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *
find(const char *name)
{
	char *path = beside(name);

	if (path)
		return path;
	path = mem_printf("/usr/libexec/thingbridge/%s", name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return mem_strdup(name); /* PATH */
}

static int
status_of(pid_t pid, const char *name)
{
	int status;

	stop_child(pid);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	stop_child(0);
	if (stop_asked())
		return EXIT_FAILED; /* why is known */
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return say_exit(
	    EXIT_FAILED, "%s was ended by signal %d", name, WTERMSIG(status));
}

static int
start(const char *path, char **argv, int pipe_end, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	int e;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, pipe_end, STDIN_FILENO);
	e = posix_spawnp(pid, path, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return e;
}

int
spawn_fed(const char *name, char **argv, const char *input, size_t len)
{
	char *path = find(name);
	int fd[2], e;
	pid_t pid;

	if (pipe(fd) != 0 || fcntl(fd[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd[1], F_SETFD, FD_CLOEXEC) != 0) {
		free(path);
		return say_exit(EXIT_FAILED, "cannot make a pipe");
	}
	argv[0] = path;
	e = start(path, argv, fd[0], &pid);
	close(fd[0]);
	if (e == 0)
		/* One that ends early says why by its status. */
		(void)disk_write(fd[1], input, len);
	close(fd[1]);
	free(path);
	if (e == 0)
		return status_of(pid, name);
	return say_exit(EXIT_FAILED,
	    "%s cannot be run: is the package thinglabels installed?", name);
}

int
spawn_run(const char *const *argv)
{
	char *args[SPAWN_ARGS] = { mem_strdup(argv[0]) };
	pid_t pid;
	int e;

	for (size_t i = 1; argv[i] && i + 1 < SPAWN_ARGS; i++)
		args[i] = mem_strdup(argv[i]);
	e = posix_spawnp(&pid, argv[0], NULL, NULL, args, environ);
	for (size_t i = 0; i < SPAWN_ARGS; i++)
		free(args[i]);
	if (e == 0)
		return status_of(pid, argv[0]);
	return say_exit(
	    EXIT_FAILED, "%s cannot be run: %s", argv[0], strerror(e));
}
