/* The control socket: how the installer's tool speaks to the daemon.
 *
 * A Unix stream socket, mode 0660.  One JSON object a line each way.
 *
 *   request  {"cmd": NAME, ...arguments}
 *   answer   {"ok": true, "data": {...}}        data is what --json prints
 *            {"ok": false, "exit": N, "text": "what, where, likely why, what to
 * do"}
 *
 *   status      {}                         data as in `status --json`
 *   nodes       {"node"?: ID}              data as in `nodes --json`
 *   read        {"node": ID, "fields"?: [NAME...]}  data as in `read --json`
 *   meta        {"node": ID, "set"?: [{"name", "value", "num": bool}]}
 *                 data {"schema":1,"node","tags":[{"name","value","num",
 *                 "from": "claim"|"template"|"config"|"installer"|"field",
 *                 "acknowledged": bool}]}; KEY is never among them
 *   stickers    {"nodes"?: [ID...], "unclaimed"?: bool,
 *                "kind"?: "claim"|"asset", "secrets"?: bool, "printed"?: bool}
 *                 data {"schema":1,"stickers":[{"node","name","place","maker",
 *                 "model","sn","bus","address","jid","registry","claim",
 *                 "sticker","text","key","why"}]}
 *                 text and key are null without secrets, for kind asset, and
 *                 for a node that has no claim text now (why says so);
 *                 printed marks them as printed
 *
 *   reset, register, unregister {"node": ID}
 *                 data {"schema":1,"node","claim"}
 *
 *   registry    {}  data {"schema":1,"jid","how","found","online"}
 *
 *   reload      {}  data {"schema":1,"added","changed","removed","notes":[...]}
 *
 * Whoever may open the socket may do all of it; who was shown a KEY is logged
 * with the uid (SO_PEERCRED).  A line is at most 64 KiB, a client that is
 * silent for 60 s in the middle of a line or does not take its answer is
 * dropped, 32 clients at most.
 *
 * Thread: loop. */
#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include "common/err.h"

#include <jansson.h>
#include <uv.h>

struct control;
struct gateway;

/* control_new listens at path (a stale socket is replaced, a live one is not).
 * Errors: ERR_BUSY another daemon answers there; ERR_IO; eb says what. */
enum err control_new(uv_loop_t *loop, const char *path, struct gateway *gw,
    struct control **out, struct errbuf *eb) MUST_USE;

/* control_close stops listening and drops the clients; its handles close with
 * the loop's next turns, then it frees itself. */
void control_close(struct control *c);

#endif
