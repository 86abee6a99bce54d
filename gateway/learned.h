/* What the buses have learned of a node's device: before which fields a request
 * must end.  Kept in the store by the names of the fields, and forgotten with
 * the template that they are of.  Thread: loop. */
#ifndef GATEWAY_LEARNED_H
#define GATEWAY_LEARNED_H

#include "drivers/reading.h"

#include <stddef.h>
#include <stdint.h>

struct gateway;
struct node;
struct tmpl;

/* Zero-initialised: nothing. */
struct learned {
	int64_t tmpl; /* hash of the template's content */
	char **fields;
	size_t n;
};

void learned_fini(struct learned *l);
void learned_add(struct learned *l, const char *field);

/* learned_hash is of the content of a template. */
int64_t learned_hash(const struct tmpl *t);

/* learned_take keeps what a DRV_LEARNED says. */
void learned_take(
    struct gateway *gw, struct node *n, const struct drv_event *ev);

/* learned_fields is what to give to the bus: indices of the template's fields.
 * Owns: returns owned, or NULL when there are none. */
uint16_t *learned_fields(const struct node *n, size_t *count);

#endif
