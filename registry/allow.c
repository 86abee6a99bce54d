#include "registry/allow.h"

#include "common/log.h"

#include <string.h>
#include <strings.h>

static const char predefined[] =
    "ALT,APT,AREA,BLD,CITY,CLASS,COUNTRY,KEY,LAT,LON,MAN,MLOC,MNR,MODEL,NAME,"
    "PURL,REGION,ROOM,SN,STREET,STREETNR,V";

static bool
listed(const char *list, const char *name)
{
	size_t want = strlen(name), n;

	for (; *list; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == want && strncasecmp(list, name, n) == 0)
			return true;
		if (n == 1 && *list == '*')
			return true;
	}
	return false;
}

enum err
allow_check(const char *list, const struct tags *tags, struct errbuf *eb)
{
	char safe[LOG_SAFE];

	for (size_t i = 0; i < tags->n; i++) {
		const struct tag *t = &tags->v[i];

		if ((*t->value || t->num) && !listed(predefined, t->name) &&
		    !(list && listed(list, t->name)))
			return errbuf_set(eb, ERR_RANGE,
			    "this registry stores no tag named %s",
			    log_safe(safe, t->name));
	}
	return OK;
}
