/* The tags of a node: what claims it, what describes it, and what of that the
 * registry does not know yet.  Pure: no I/O.  Thread: loop. */
#ifndef GATEWAY_META_H
#define GATEWAY_META_H

#include "config/config.h"
#include "gateway/node.h"

#include <stdbool.h>
#include <stdint.h>

/* meta_freeze fixes the claim tags (SN, MAN, MODEL, V of the template, claim.*
 * of the configuration), without KEY.  "@field" takes identity values; one
 * that is not known yet keeps what was frozen before, or is waited for until
 * the device has answered all its identity fields.
 * Returns false, and changes nothing, while one is waited for. */
bool meta_freeze(struct node *n);

/* meta_claim fills the empty set with the tags that meta_freeze would fix, as
 * far as they are known; false while one is waited for. */
bool meta_claim(const struct node *n, struct tags *out);

/* meta_wanted fills the empty set with all that shall be known of the node
 * beside its claim tags: CLASS, NAME, [tags], tag.*, followed fields, what the
 * installer set; later ones win. */
void meta_wanted(const struct node *n, const struct cfg *cfg, struct tags *out);

/* meta_given is meta_wanted without what the installer set by the tool. */
void meta_given(const struct node *n, const struct cfg *cfg, struct tags *out);

/* meta_diff fills the empty set with what an update must say: tags that differ
 * from what was acknowledged, and an empty value for those that went away. */
void meta_diff(const struct node *n, const struct cfg *cfg, struct tags *out);

/* meta_follow decides on the fields that tags follow, after a reading or a
 * tick: by the field's deadband, and at most once each min_interval.
 * Returns whether a value to push has changed. */
bool meta_follow(struct node *n, int64_t min_interval_ms, int64_t mono);

/* meta_is_claim tells the names that belong to the claim set of a template. */
bool meta_is_claim(const char *name);

#endif
