#define _GNU_SOURCE /* ppoll */

#include "cli/ask.h"

#include "cli/say.h"
#include "common/mem.h"
#include "config/save.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096 };

/* Reads standard input to its end. */
static void
read_input(struct buf *out)
{
	char part[4096];
	size_t n;

	while (out->len < INI_FILE_MAX &&
	    (n = fread(part, 1, sizeof(part), stdin)) > 0)
		buf_add(out, part, n);
	explicit_bzero(part, sizeof(part));
}

static int
read_file(const char *path, struct buf *out)
{
	struct errbuf eb;
	struct stat st;
	bool there;

	if (save_read(path, out, &there, &eb) != OK)
		return say_exit(EXIT_FAILED, "%s", eb.text);
	if (!there)
		return say_exit(EXIT_NOTFOUND, "there is no file %s", path);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRWXG | S_IRWXO)))
		return say_exit(EXIT_REFUSED,
		    "others can read %s, which may hold a password (run: chmod "
		    "600 %s)",
		    path, path);
	return EXIT_OK;
}

int
ask_open(struct asker *a, const char *path)
{
	struct buf errs = { 0 };
	struct notes notes = { .out = &errs };
	int code = EXIT_OK;

	a->from_file = path != NULL;
	if (!path && isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		return EXIT_OK;
	if (!path)
		return say_exit(EXIT_USAGE,
		    "there is no terminal to ask on; --answers FILE takes the "
		    "answers from a file, or with - from standard input");
	if (strcmp(path, "-") == 0)
		read_input(&a->text);
	else
		code = read_file(path, &a->text);
	if (code == EXIT_OK && a->text.len)
		ini_read(&a->answers, path, a->text.data, a->text.len, &notes);
	if (notes.errors)
		code = say_exit(EXIT_CONFIG, "%s", errs.data);
	buf_fini(&errs);
	return code;
}

void
ask_close(struct asker *a)
{
	if (a->text.data)
		explicit_bzero(a->text.data, a->text.len);
	for (size_t i = 0; i < a->answers.n; i++)
		for (size_t k = 0; k < a->answers.sections[i].n; k++) {
			char *v = a->answers.sections[i].items[k].value;

			explicit_bzero(v, strlen(v));
		}
	buf_fini(&a->text);
	ini_fini(&a->answers);
}

/* The terminal as it was, for a signal that ends the program at a hidden
 * prompt: the next to use it would type unseen. */
static struct termios mode_before;

static const int endings[] = { SIGTERM, SIGHUP, SIGQUIT };

enum { N_ENDINGS = sizeof(endings) / sizeof(endings[0]) };

static volatile sig_atomic_t left; /* the person, by Ctrl-C */

static void
interrupted(int number)
{
	(void)number;
	left = 1;
}

/* A Ctrl-C that came just before a read would not cut it short. */
static bool
wait_line(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	sigset_t interrupt, was;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &was);
	while (!left && ppoll(&p, 1, NULL, &was) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &was, NULL);
	return !left;
}

static void
ended(int number)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &mode_before);
	signal(number, SIG_DFL);
	raise(number);
}

static bool
hide(struct sigaction was[N_ENDINGS])
{
	struct sigaction sa = { .sa_handler = ended };
	struct termios hidden;

	if (tcgetattr(STDIN_FILENO, &mode_before) != 0)
		return false;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < N_ENDINGS; i++)
		sigaction(endings[i], &sa, &was[i]);
	hidden = mode_before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	return true;
}

static void
show(const struct sigaction was[N_ENDINGS])
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode_before);
	for (size_t i = 0; i < N_ENDINGS; i++)
		sigaction(endings[i], &was[i], NULL);
}

/* read_answer reads one line behind a prompt, by which time nothing is shown of
 * a hidden one; false when the person leaves. */
static bool
read_answer(const char *prompt, char *line, int size, bool hidden)
{
	struct sigaction were[N_ENDINGS];
	bool got;

	hidden = hidden && hide(were);
	fprintf(stderr, "%s> ", prompt);
	got = wait_line() && fgets(line, size, stdin) != NULL;
	if (hidden)
		show(were);
	if (hidden || !got)
		fputc('\n', stderr);
	clearerr(stdin);
	return got;
}

static bool
fits(const struct question *q, const char *answer)
{
	struct errbuf eb = { "" };

	if (!q->fits || q->fits(answer, &eb))
		return true;
	say("%s", eb.text);
	return false;
}

static char *
answer_of_file(struct asker *a, const struct question *q, const char *def)
{
	const struct ini_section *s =
	    a->answers.n ? &a->answers.sections[0] : NULL;
	const struct ini_item *item = ini_find(s, q->name);
	const char *answer = item && item->value[0] ? item->value : def;

	if (!answer)
		say("the answers have no %s: %s", q->name, q->ask);
	else if (fits(q, answer))
		return mem_strdup(answer);
	return NULL;
}

static bool
ask_once(const struct question *q, const char *def, char line[ANSWER_MAX])
{
	bool shown = def && *def && !q->hidden;
	char *prompt = shown ? mem_printf("[%s] ", def) : mem_strdup("");
	bool got = read_answer(prompt, line, ANSWER_MAX, q->hidden);

	free(prompt);
	line[strcspn(line, "\r\n")] = '\0';
	return got;
}

static char *
ask_person(const struct question *q, const char *def)
{
	struct sigaction sa = { .sa_handler = interrupted }, was;
	char line[ANSWER_MAX] = "", *answer = NULL;

	sigemptyset(&sa.sa_mask);
	left = 0;
	sigaction(SIGINT, &sa, &was);
	fprintf(stderr, "\n%s\n  %s\n", q->ask, q->why);
	while (!answer && ask_once(q, def, line)) {
		const char *given = line[0] || !def ? line : def;

		if (!given[0] && !def)
			say("an answer is needed; Ctrl-C leaves");
		else if (fits(q, given))
			answer = mem_strdup(given);
	}
	sigaction(SIGINT, &was, NULL);
	explicit_bzero(line, sizeof(line));
	return answer;
}

char *
ask(struct asker *a, const struct question *q, const char *def)
{
	return a->from_file ? answer_of_file(a, q, def) : ask_person(q, def);
}
