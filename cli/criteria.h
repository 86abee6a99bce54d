/* What a search is for, as typed: NAME=V, #NAME>=1, NAME=A..B, NAME~mask*.
 *
 *     NAME=V NAME!=V NAME>V NAME>=V NAME<V NAME<=V    compared with V
 *     NAME=A..B  NAME=[A..B)                          in a range; ( ) leave an
 *                                                     end out
 *     NAME!=A..B                                      outside of it
 *     NAME~MASK                                       * is any run of
 * characters
 *
 * #NAME compares as number.  A range without A or B is open there.  Pure. */
#ifndef CLI_CRITERIA_H
#define CLI_CRITERIA_H

#include "protocol/search.h"

/* Zero-initialised is empty; texts are cut out of copies of the operands. */
struct criteria {
	struct search search;
	char *texts[SEARCH_OPS_MAX];
	size_t n_texts;
};

/* criteria_add reads one operand.
 * Errors: ERR_PROTO, ERR_RANGE; eb says what is wrong. */
enum err criteria_add(
    struct criteria *c, const char *operand, struct errbuf *eb) MUST_USE;

/* criteria_uri reads a search URI (iotdisco: with operators); two bounds of one
 * name that exclude each other are an outside of a range.  registry receives
 * its R (owned by the caller) or NULL.  Errors: likewise, and ERR_UNSUP. */
enum err criteria_uri(struct criteria *c, const char *uri, char **registry,
    struct errbuf *eb) MUST_USE;
void criteria_fini(struct criteria *c);

#endif
