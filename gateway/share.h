/* Whom an owner lets read or control his node.  Thread: loop. */
#ifndef GATEWAY_SHARE_H
#define GATEWAY_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is nobody. */
struct shares {
	struct share {
		char *bare; /* prepared */
		bool control;
	} * v;
	size_t n, cap;
};

const struct share *shares_find(const struct shares *s, const char *bare);
/* shares_set adds or changes one, shares_drop takes one away: false when there
 * was none. */
void shares_set(struct shares *s, const char *bare, bool control);
bool shares_drop(struct shares *s, const char *bare);
void shares_fini(struct shares *s);

#endif
