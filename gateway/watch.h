/* Who watches the frames of which bus.  A bus traces while somebody does; who
 * comes later begins with the last frames too.  Thread: loop. */
#ifndef GATEWAY_WATCH_H
#define GATEWAY_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gateway;
struct watches;

enum { WATCH_TEXT = 1216, WATCH_LAST = 64 };

/* A frame that passed. */
struct frame_seen {
	int64_t mono_ms, utc_ms;
	char text[WATCH_TEXT]; /* its direction, then its bytes in hex */
};

/* f is NULL when the bus is gone for good. */
typedef void (*watch_fn)(void *arg, const struct frame_seen *f);

/* watch_frame_json is {"dir", "hex"}, and of a line of text {"ascii"} too, what
 * is no letter a dot; a remark is {"dir", "text"}.  Returns owned. */
json_t *watch_frame_json(const struct frame_seen *f, bool text);

struct watches *watches_new(struct gateway *gw);
void watches_free(struct watches *s);

/* watch_begin calls fn for each frame from now on; before it returns, unless
 * fresh, for the last ones. */
void watch_begin(
    struct gateway *gw, const char *bus, bool fresh, watch_fn fn, void *arg);
void watch_end(struct gateway *gw, const void *arg);

/* Of the plant. */
struct drv_event;
struct drv_bus;
void watch_frame(
    struct watches *s, const char *bus, const struct drv_event *ev);
void watch_started(struct watches *s, const char *name, struct drv_bus *b);
/* After a reload: tells those whose bus is gone. */
void watch_check(struct watches *s);

#endif
