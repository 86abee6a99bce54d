/* What owners let others do with their things.
 *
 * A rule lets somebody (allow) or does not (deny), and a deny that fits comes
 * before every allow; without any rule the answer is no.  To let control lets
 * read too, and to deny reading denies control too.
 *
 * Thread: loop.  Errors: ERR_IO from all, the database failed. */
#ifndef REGISTRY_RULES_H
#define REGISTRY_RULES_H

#include "protocol/jid.h"
#include "protocol/sensor_data.h"
#include "registry/things.h"

struct rules;

enum {
	RULES_MAX = 500,      /* of one owner */
	RULES_SAME_MAX = 16,  /* of those, for one thing and somebody */
	RULE_NAMES_MAX = 32,  /* fields and parameters of one rule */
	RULE_TEXT_MAX = 4096, /* bytes of them together */
	RULES_WORK = 30000,   /* names that are looked up for one question */
};

/* A rule; all of it is borrowed. */
struct rule {
	int64_t id;
	const char *owner;
	int64_t thing;     /* its record; 0: all things of the owner */
	const char *who;   /* a bare JID, "@domain", or "*": as rules_who */
	bool control;      /* not reading alone */
	bool allow;        /* else deny */
	const char *names; /* as rules_names; "": all */
};

/* rules_new: *out is owned; db is borrowed. */
enum err rules_new(
    struct db *db, struct rules **out, struct errbuf *eb) MUST_USE;
void rules_free(struct rules *rs);

/* rules_who prepares whom a rule is about.
 * Errors: ERR_PROTO, eb says what it may be. */
enum err rules_who(
    const char *text, char out[JID_SIZE], struct errbuf *eb) MUST_USE;

/* rules_names makes the text of names: in order, each once, between line
 * breaks.  Owns: *out is owned.  Errors: ERR_RANGE too many or too long,
 * ERR_PROTO one with a control character; eb says which. */
enum err rules_names(
    const struct names *names, char **out, struct errbuf *eb) MUST_USE;

/* rules_put adds a rule, in place of those about the same somebody, thing and
 * names that it contradicts or repeats.  *id is its number, which no other ever
 * has.  Errors: ERR_REFUSED the owner has too many, ERR_NOTFOUND he owns
 * nothing; eb says so. */
enum err rules_put(struct rules *rs, const struct rule *r, int64_t *id,
    struct errbuf *eb) MUST_USE;

/* rules_drop takes a rule of the owner's away and tells what it was about.
 * Errors: ERR_NOTFOUND. */
enum err rules_drop(
    struct rules *rs, const char *owner, int64_t id, int64_t *thing) MUST_USE;

/* rules_each calls each for the owner's rules about a thing (0: any) after that
 * number, in order, until it returns false.  key is the rule's thing; its jid
 * is "" for all things. */
typedef bool (*rules_each_fn)(
    void *arg, const struct rule *r, const struct thing_key *key);
enum err rules_each(struct rules *rs, const char *owner, int64_t thing,
    int64_t after, rules_each_fn each, void *arg) MUST_USE;

/* What the rules say of one thing and somebody. */
struct rulings {
	struct ruling {
		bool allow;
		char *text;         /* what names points to */
		struct names names; /* in order; none: all */
	} * v;
	size_t n, cap;
};

/* rules_about finds the rules that fit; the owner himself may do everything,
 * and with what nobody owns nobody anything.  rulings_fini in any case. */
enum err rules_about(struct rules *rs, const struct thing *t,
    const struct jid *who, bool control, struct rulings *out) MUST_USE;
void rulings_fini(struct rulings *r);

/* rulings_work is how long it takes to judge by them, about. */
size_t rulings_work(const struct rulings *r);

/* rulings_let: the field or parameter of that name; NULL: whatever there is. */
bool rulings_let(const struct rulings *r, const char *name);

/* rules_friend tells whether somebody owns something behind an account, or may
 * read something of it.  No, when that takes more than RULES_WORK. */
enum err rules_friend(struct rules *rs, struct things *ts, const char *account,
    const struct jid *who, bool *is) MUST_USE;

#endif
