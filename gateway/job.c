#include "gateway/job.h"

bool
job_more(struct job *j, json_t *data)
{
	return j->to.more(j->to.arg, data);
}

void
job_done(struct job *j, json_t *data)
{
	struct listener to = j->to;

	j->ops->free(j);
	to.done(to.arg, OK, data, NULL);
}

void
job_fail(struct job *j, enum err e, const struct errbuf *eb)
{
	struct listener to = j->to;
	struct errbuf why = *eb; /* may lie in the job */

	j->ops->free(j);
	to.done(to.arg, e, NULL, &why);
}
