/* The file of `backup` and `restore`: a tar.gz made by tar(1), with the
 * folders config/ (what stands beside and under the configuration file),
 * state/ (the databases), and manifest.json.  Thread: main. */
#ifndef CLI_PACK_H
#define CLI_PACK_H

#include "common/err.h"

#include <jansson.h>
#include <stddef.h>

/* What of a configuration folder belongs to it, besides the file itself,
 * which in a pack is called PACK_CONF.  Ends with NULL. */
extern const char *const pack_parts[];
#define PACK_CONF "thingbridge.conf"
#define PACK_SECRETS "secrets"

/* A folder that only this user can read, with what goes into a pack or came
 * out of one. */
struct pack {
	char *folder;
};

/* pack_begin makes a folder for a pack to be made, which has links alone;
 * pack_begin_at one for what comes out, with the secrets: what a run that was
 * killed left at that path goes, so the caller has a lock that keeps others
 * from it.  pack_fini deletes the folder.  Errors: ERR_IO. */
enum err pack_begin(struct pack *p, struct errbuf *eb) MUST_USE;
enum err pack_begin_at(
    struct pack *p, const char *path, struct errbuf *eb) MUST_USE;
void pack_fini(struct pack *p);

/* pack_add puts the file or folder path into the pack under name ("state/x"),
 * pack_add_each what is in a folder, if it is there, into the one of that name;
 * what the pack has already stays.  pack_manifest writes manifest.json.
 * Errors: ERR_IO. */
enum err pack_add(struct pack *p, const char *name, const char *path,
    struct errbuf *eb) MUST_USE;
enum err pack_add_each(struct pack *p, const char *name, const char *path,
    struct errbuf *eb) MUST_USE;
enum err pack_manifest(
    struct pack *p, const json_t *manifest, struct errbuf *eb) MUST_USE;

/* pack_write makes the file (mode 0600), whole or not at all; what a run that
 * was killed left in its folder goes.
 * Errors:  ERR_BUSY another one is at it in that folder; ERR_IO, and what tar
 *          had to say stands on standard error. */
enum err pack_write(
    struct pack *p, const char *file, struct errbuf *eb) MUST_USE;

/* pack_read takes one of "config" and "state" out of a file into the folder;
 * pack_about takes the manifest, which is owned.
 * Errors:  ERR_IO; ERR_PROTO it is damaged or no backup. */
enum err pack_read(struct pack *p, const char *file, const char *part,
    struct errbuf *eb) MUST_USE;
enum err pack_about(struct pack *p, const char *file, json_t **manifest,
    struct errbuf *eb) MUST_USE;

/* pack_path is where a member stands in the folder.  Returns owned. */
char *pack_path(const struct pack *p, const char *name);

#endif
