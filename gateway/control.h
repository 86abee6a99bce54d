/* The control socket: how the installer's tool speaks to the daemon.
 *
 * A Unix stream socket, mode 0660.  One JSON object a line each way.
 *
 *   request  {"cmd": NAME, ...arguments}
 *   answer   {"ok": true, "data": {...}}   data is what --json prints
 *            {"ok": true, "more": true, "data": {...}}   of commands that go
 *               on for a while: more lines follow, the last without "more".
 *               A client that sends {"cmd": "stop"} gets that last line soon;
 *               one that goes away ends the command too.  Other commands wait
 *               until then.
 *            {"ok": false, "exit": N, "text": "what, where, likely why, what
 *               to do"}
 *
 * The answers to status and to nodes (all of them) are written as the client
 * takes them: one line each, however long, of which later parts tell of later
 * moments.
 *
 *   status   {}
 *      data as in `status --json`; a bus has "line" ("192.0.2.10:502",
 *      "/dev/ttyUSB0 9600 8N1"), "planned" (percent of its time that its
 *      polls need, or null), "overruns" and "units": [{"node","address",
 *      "state","ok","timeouts","garbled","late","retries","exceptions",
 *      "exception":{"2": N...},"bytes","overruns","rtt_p50_ms","rtt_p99_ms",
 *      "last_ok","last_bad"}] (times UTC or null).  "config_error" null |
 *      {"at","text"}: the last reload was refused, when, its first error;
 *      "restart": "" or the keys that take effect after a restart; a
 *      warning's "command" may be ""
 *   nodes    {"node"?: ID}   data as in `nodes --json`
 *   read     {"node": ID, "fields"?: [NAME...]}   data as in `read --json`
 *   meta     {"node": ID, "set"?: [{"name", "value", "num": bool}]}
 *      data {"schema":1,"node","tags":[{"name","value","num","from":
 *      "claim"|"template"|"config"|"installer"|"field","acknowledged": bool,
 *      "over"?: {"value","from"}}]}; over is what it wins over; KEY is never
 *      among them
 *   stickers {"nodes"?: [ID...], "unclaimed"?: bool,
 *             "kind"?: "claim"|"asset", "secrets"?: bool, "printed"?: bool,
 *             "key_gens"?: [N...]}
 *      data {"schema":1,"stickers":[{"node","name","place","maker","model",
 *      "sn","bus","address","jid","registry","claim","sticker","printed_at"
 *      (UTC or null),"copies","key_gen","text","uri","key","why"}]}; text, uri
 *      and key are null without secrets, for kind asset, and for a node that
 *      has no claim text now (why says so).  printed notes that stickers of
 *      these nodes were made, with the KEYs of these generations: one that has
 *      changed since is not noted
 *   reset, register, unregister {"node": ID}
 *      data {"schema":1,"node","claim"}
 *   registry {}
 *      data {"schema":1,"jid","how","found","online","resting" (an account,
 *      left until there is something to say),"trouble": TEXT|null,
 *      "provisioning":[{"jid","how","online"}]}: one for all nodes, or one
 *      for each owner who is one
 *   reload   {}   data {"schema":1,"added","changed","removed",
 *      "buses" (lines opened anew, as their settings have changed),
 *      "notes":[...]}
 *
 *   set      {"node", "field", "value": TEXT, "dry"?: bool}
 *      data {"schema":1,"node","field","old": TEXT|null,"new": TEXT,"unit",
 *      "outcome": "verified"|"written"|"dry"}; new is what was read back, or
 *      would be or was written
 *   plan     {"node"?: ID}
 *      data {"schema":1,"buses":[{"bus","load" (percent, planned, by what was
 *      measured if anything was),"guessed" (without that),"rtt_ms" (the mean
 *      that was measured, or null),"nodes":
 *      [{"node","template","requests":[{"table","address","count","fields":
 *      [NAME...],"every_ms","bytes","ms"}],"load"}]}]}; of text devices
 *      table, address and count are null
 *   ports    {}
 *      data {"schema":1,"ports":[{"path","by_id","by_path","adapter","ids",
 *      "bus","holder","access": bool,"hint"}]}; all but path and access may
 *      be null; configured ports that are not there are among them
 *   scan     {"bus", "first"?: N, "last"?: N, "serial"?: ["9600 8N1"...],
 *             "timeout_ms"?: N}
 *      1 to 247 (0 to 255 on TCP; 0 to 9 of text devices) when not said;
 *      serial: ports only; one scan a bus at a time
 *      more {"schema":1,"bus","serial","address","done": N,"of": N,
 *      "left_s": N,"found"?: FOUND}; last {"schema":1,"bus",
 *      "stopped": bool,"found":[FOUND...]}; serial is null on TCP
 *      FOUND {"address","serial","answer": "ok"|"exception N"|"garbled"|
 *      "two devices?"|"no answer"|"not asked" (both of a configured one; the
 *      second of one that has no address to be asked by),"looks_like":
 *      [ID...] (best first),"certain": TEXT|null (why the first is sure),
 *      "maker","product","sunspec": [model N...],"node": ID|null (the
 *      configured one, which is not asked who it is),"state": its device
 *      state or null}
 *   probe    {"bus", "address", "template"?: ID, "where"?: TEXT,
 *             "type"?: TEXT}
 *      data {"schema":1,"bus","serial","address","frames":[{"at_ms","dir",
 *      "hex" or "text","ascii"? (of type = serial),"serial"? (when it is
 *      not the line's)}],"result": "ok"|"exception N"|"timeout"|"garbled",
 *      "hint": TEXT|null (several lines),"maker","product","looks_like":
 *      [ID...],"readings":[{"type","order": TEXT|null,"value","line":
 *      TEXT|null to paste into a template}]}; with a template "fields" as
 *      in `read` instead of readings
 *   trace    {"bus", "file"?: PATH, "max"?: bytes}
 *      more {"at": UTC,"dir": ">"|"<"|"!","hex" or "text","ascii"?}; last
 *      {"schema":1,"bus","frames": N,"missed": N (the client was too slow)}.
 *      With a file, which must not exist and is kept 0600, the daemon writes
 *      "at dir hex" lines there instead, and keeps one older file of max
 *      (10 MB when not said) as PATH.1; more {"bus","file","frames": N,
 *      "bytes": N} every ten seconds
 *
 * Whoever may open the socket may do all of it; who was shown a KEY, and who
 * wrote what to a device, is logged with the uid (SO_PEERCRED).  A line is at
 * most 64 KiB, a client that is silent for 60 s in the middle of a line or
 * does not take its answer is dropped, 32 clients at most: the next one is
 * answered so, unasked, and dropped.
 *
 * Thread: loop. */
#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include "common/err.h"

#include <jansson.h>
#include <uv.h>

struct control_socket;
struct gateway;

/* control_new listens at path (a stale socket is replaced, a live one is not).
 * Errors: ERR_BUSY another daemon answers there; ERR_IO; eb says what. */
enum err control_new(uv_loop_t *loop, const char *path, struct gateway *gw,
    struct control_socket **out, struct errbuf *eb) MUST_USE;

/* control_close stops listening and drops the clients; its handles close with
 * the loop's next turns, then it frees itself. */
void control_close(struct control_socket *c);

#endif
