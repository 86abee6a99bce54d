#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *p)
{
	if (!p) {
		fputs("<2>out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_zalloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *
mem_array(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size));
}

void *
mem_resize(void *p, size_t n, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(n, size, &len))
		abort();
	return checked(realloc(p, len ? len : 1));
}

char *
mem_strdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *
mem_strndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vprintf(fmt, ap);
	va_end(ap);
	return s;
}

char *
mem_vprintf(const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	s = mem_zalloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

void *
mem_grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 8;
	return mem_resize(p, *cap, size);
}

void
mem_set(char **p, const char *s)
{
	char *old = *p;

	*p = mem_strdup(s);
	free(old);
}

void
mem_free_secret(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

const char *
mem_pack(char **at, const char *text)
{
	const char *copy = *at;
	size_t n = strlen(text) + 1;

	memcpy(*at, text, n);
	*at += n;
	return copy;
}
