#include "tests/thingsim/ident.h"

#include "tests/thingsim/pdu.h"
#include "tests/thingsim/unit.h"

#include <string.h>

enum { MEI_DEVICE_ID = 14, RUNNING = 0xFF };
enum { READ_BASIC = 1, READ_REGULAR = 2, READ_EXTENDED = 3, READ_ONE = 4 };
enum { CONFORMITY = 0x82 }; /* regular objects, in a stream or one by one */
enum { HEAD = 7, TEXT_MAX = 80 };

enum exception
ident_server_id(const struct unit *u, struct buf *answer)
{
	size_t len = strlen(u->tmpl->name);

	len = len < TEXT_MAX ? len : TEXT_MAX;
	buf_putc(answer, (char)(len + 2));
	buf_putc(answer, (char)u->address);
	buf_putc(answer, (char)RUNNING);
	buf_add(answer, u->tmpl->name, len);
	return EX_NONE;
}

/* The objects by their number; "" stands for the template's own name or
 * version. */
static const char *const objects[] = {
	"MAN",
	"MODEL",
	"V",
	"URL",
	"",
	"MODEL",
	"CLASS",
};
enum { OBJECTS = sizeof(objects) / sizeof(objects[0]) };
enum { OBJECT_VERSION = 2, OBJECT_NAME = 4, OBJECT_CLASS = 6 };

/* fields_text is what "@field,@field" stands for. */
static void
fields_text(struct unit *u, const char *list, struct buf *out)
{
	char name[64], text[IMAGE_TEXT];

	for (const char *p = list; *p == '@'; p += *p == ',') {
		size_t len = strcspn(++p, ",");

		if (len < sizeof(name)) {
			memcpy(name, p, len);
			name[len] = '\0';
			if (unit_get(u, name, text, NULL) == OK)
				buf_puts(out, text);
		}
		p += len;
	}
}

static void
object_text(struct unit *u, size_t object, struct buf *out)
{
	const struct tmpl *t = u->tmpl;

	out->len = 0;
	for (size_t i = 0; i < t->n_tags; i++) {
		if (strcmp(t->tags[i].name, objects[object]) != 0)
			continue;
		if (t->tags[i].value[0] == '@')
			fields_text(u, t->tags[i].value, out);
		else
			buf_puts(out, t->tags[i].value);
	}
	if (out->len == 0 && object == OBJECT_NAME)
		buf_puts(out, t->name);
	if (out->len == 0 && object == OBJECT_VERSION)
		buf_puts(out, t->version ? t->version : "1");
	if (out->len == 0 && object == OBJECT_CLASS)
		buf_puts(out, t->class_ ? t->class_ : "");
	out->len = out->len < TEXT_MAX ? out->len : TEXT_MAX;
}

static void
put_object(struct buf *answer, size_t object, const struct buf *text)
{
	buf_putc(answer, (char)object);
	buf_putc(answer, (char)text->len);
	if (text->len)
		buf_add(answer, text->data, text->len);
}

/* put_stream appends the objects first..last as far as they fit and returns
 * how many; *more is the one to ask for next, 0 when none is left. */
static unsigned
put_stream(
    struct unit *u, size_t first, size_t last, struct buf *answer, size_t *more)
{
	struct buf text = { 0 };
	unsigned n = 0;

	*more = 0;
	for (size_t i = first; i <= last; i++, n++) {
		object_text(u, i, &text);
		if (HEAD + answer->len + 2 + text.len > PDU_MAX) {
			*more = i;
			break;
		}
		put_object(answer, i, &text);
	}
	buf_fini(&text);
	return n;
}

enum exception
ident_device_id(
    struct unit *u, const uint8_t *req, size_t len, struct buf *answer)
{
	static const size_t lasts[] = {
		[READ_BASIC] = 2,
		[READ_REGULAR] = OBJECTS - 1,
		[READ_EXTENDED] = OBJECTS - 1,
	};
	struct buf list = { 0 };
	size_t first, last, more;
	unsigned n;

	if (len < 1 || req[0] != MEI_DEVICE_ID)
		return EX_FUNCTION;
	if (len != 3 || req[1] < READ_BASIC || req[1] > READ_ONE)
		return EX_VALUE;
	first = req[2];
	last = req[1] == READ_ONE ? first : lasts[req[1]];
	if (req[1] == READ_ONE && first >= OBJECTS)
		return EX_ADDRESS;
	if (first > last)
		first = 0; /* an object that is not there: from the start */
	n = put_stream(u, first, last, &list, &more);
	buf_putc(answer, MEI_DEVICE_ID);
	buf_putc(answer, (char)req[1]);
	buf_putc(answer, (char)CONFORMITY);
	buf_putc(answer, (char)(more ? 0xFF : 0));
	buf_putc(answer, (char)more);
	buf_putc(answer, (char)n);
	buf_add(answer, list.data, list.len);
	buf_fini(&list);
	return EX_NONE;
}
