/* Messages of text devices to readings, as a template's [parse] says. */
#ifndef DRIVERS_PARSE_TEXT_H
#define DRIVERS_PARSE_TEXT_H

#include "common/err.h"
#include "config/template.h"
#include "drivers/reading.h"

struct text_parser;

/* text_parser_new prepares a template's parser; NULL when its regex is wrong
 * (why says so).  Owns: returns owned; t is borrowed and must outlive it. */
struct text_parser *text_parser_new(const struct tmpl *t, struct errbuf *why);
void text_parser_free(struct text_parser *p);

/* text_parse reads the fields that stand in a message (checksum already gone)
 * to out[]; a field that is not there gets no reading.  A value that is not
 * wholly understood, its unit included, is a reading with QUALITY_ERROR.
 * Shape: out has room for t->n_fields; *n is how many were filled.
 * Errors: ERR_PROTO when the message as a whole is broken: nothing of it
 * counts. Thread: one at a time. */
enum err text_parse(struct text_parser *p, const char *msg, size_t len,
    struct reading *out, size_t *n) MUST_USE;

#endif
