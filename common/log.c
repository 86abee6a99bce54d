#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int shown = LOG_LVL_INFO;

void
log_open(enum log_level level)
{
	atomic_store(&shown, level);
}

bool
log_shows(enum log_level level)
{
	return (int)level <= atomic_load(&shown);
}

/* One write() a line keeps lines of several threads apart. */
static void PRINTF_LIKE(3, 0)
    emit(enum log_level level, const char *area, const char *fmt, va_list ap)
{
	static const char prio[] = { '3', '4', '6', '7' };
	char line[1024];
	size_t n;
	int k;

	if (!log_shows(level))
		return;
	k = snprintf(line, sizeof(line), "<%c>%s: ", prio[level], area);
	n = k > 0 ? (size_t)k : 0;
	k = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (k > 0)
		n += (size_t)k;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say so */
}

#define DEFINE_LOG(name, level)                           \
	void name(const char *area, const char *fmt, ...) \
	{                                                 \
		va_list ap;                               \
		va_start(ap, fmt);                        \
		emit(level, area, fmt, ap);               \
		va_end(ap);                               \
	}

DEFINE_LOG(log_err, LOG_LVL_ERROR)
DEFINE_LOG(log_warn, LOG_LVL_WARNING)
DEFINE_LOG(log_info, LOG_LVL_INFO)
DEFINE_LOG(log_debug, LOG_LVL_DEBUG)

const char *
log_safe(char out[LOG_SAFE], const char *text)
{
	size_t i = 0;

	for (; text && text[i] && i < LOG_SAFE - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			out[i] = '?';
		else
			out[i] = text[i];
	}
	out[i] = '\0';
	return out;
}
