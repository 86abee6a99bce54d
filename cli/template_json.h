/* Device templates as data to print. */
#ifndef CLI_TEMPLATE_JSON_H
#define CLI_TEMPLATE_JSON_H

#include "config/template.h"

#include <jansson.h>

/* template_json_fields and template_json_controls list what a template reads
 * and writes: {"name","where","type","unit","kind","every_ms","options"} and
 * {"name","where","type","unit","min","max","step","verify","options"}; where,
 * type and options are as written in the file.  Return owned arrays. */
json_t *template_json_fields(const struct tmpl *t);
json_t *template_json_controls(const struct tmpl *t);

/* template_json_tags is {"MAN": "example.org", ...}.  Returns owned. */
json_t *template_json_tags(const struct tmpl *t);

/* template_json_plan plans the template alone on a line of its own serial
 * settings: {"serial","load","requests":[...]}, requests as of thingbridge
 * plan.  Returns owned. */
json_t *template_json_plan(const struct tmpl *t);

#endif
