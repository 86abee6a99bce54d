/* The parts of the hand-over sheet, from what the daemon says: labels/report.h
 * draws them.  Pure. */
#ifndef CLI_HANDOVER_H
#define CLI_HANDOVER_H

#include <jansson.h>
#include <stdint.h>

/* handover_when is the day by which the nodes that nobody owns should be
 * claimed, as UTC: a week after the first of their stickers was printed, or
 * after now. 0 when every node has an owner. */
int64_t handover_when(const json_t *nodes, int64_t now_utc);

/* handover_day writes "2026-11-30". */
enum { HANDOVER_DAY = 11 };
void handover_day(int64_t utc_ms, char out[HANDOVER_DAY]);

/* Each returns a part, owned.  nodes: what `nodes` and `stickers` say of each,
 * and its "fields" of `read`. */
json_t *handover_steps(const json_t *nodes, int64_t now_utc);
json_t *handover_points(const json_t *warnings);
json_t *handover_nodes(const json_t *nodes, int64_t now_utc);
json_t *handover_buses(const json_t *buses);
json_t *handover_readings(const json_t *nodes);
json_t *handover_codes(const json_t *stickers);

#endif
