/* Device templates: what a model of device has to say and how to ask it, one
 * line a field.  field.md's grammar; see docs of the file format in
 * packaging/man/thingbridge-template.5. */
#ifndef CONFIG_TEMPLATE_H
#define CONFIG_TEMPLATE_H

#include "common/err.h"
#include "common/num.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tmpl_kind { TMPL_MODBUS, TMPL_TEXT };

enum modbus_table { MB_COIL, MB_DISCRETE, MB_INPUT, MB_HOLDING };

enum reg_type {
	REG_BOOL,
	REG_U8H,
	REG_U8L,
	REG_I8H,
	REG_I8L,
	REG_I16,
	REG_U16,
	REG_I32,
	REG_U32,
	REG_I64,
	REG_U64,
	REG_F16,
	REG_F32,
	REG_F64,
	REG_BCD16,
	REG_BCD32,
	REG_STR
};

enum reg_order { ORDER_ABCD, ORDER_BADC, ORDER_CDAB, ORDER_DCBA };

enum field_kind {
	KIND_MOMENTARY,
	KIND_COUNTER,
	KIND_STATUS,
	KIND_IDENTITY,
	KIND_PEAK
};

/* Where a text device's field stands in a message. */
enum text_where {
	TEXT_KEY,   /* key:Dm */
	TEXT_COL,   /* col:3, 1-based */
	TEXT_GROUP, /* group:1 of the regex */
	TEXT_FIXED, /* fixed:4-9, 1-based columns, both included */
	TEXT_NMEA,  /* nmea:WIXDR,C,0: sentence, transducer type, id; or
		       nmea:WIMWV,3: sentence, field number; or
		       nmea:WIMWV,3,4: and the number of its unit's */
	TEXT_OBIS   /* obis:1-0:1.8.0; or obis:0-1:24.3.0,7,6: the seventh
		       bracket, its unit in the sixth */
};

/* How a text device writes a number. */
enum text_form {
	FORM_DECIMAL,
	FORM_LATITUDE, /* ddmm.mmmm, its unit N or S */
	FORM_LONGITUDE /* dddmm.mmmm, its unit E or W */
};

/* One unit letter that may follow a number: value * factor + offset. */
struct suffix {
	char mark[8];
	struct num factor, offset;
};

struct enum_word {
	int64_t value;
	char *code; /* of a text: what the device sends; value counts them */
	char *word;
};

struct field {
	char *name, *unit,
	    *label; /* unit "" when none; label: name when not given */
	enum field_kind kind;
	char *poll; /* class name, or NULL: normal, or the only one */
	/* Modbus */
	enum modbus_table table;
	uint16_t addr;          /* 0-based protocol address */
	uint8_t bit_hi, bit_lo; /* 15..0; hi < lo: no bit field */
	enum reg_type type; /* text: REG_STR for text, REG_F64 for a number */
	uint8_t str_len;    /* REG_STR of Modbus: bytes */
	enum reg_order order;
	struct num scale, offset; /* scale {1,0}, offset {0,0} when not given */
	char *sf;     /* SunSpec: the field whose value is the power of ten of
			 the scale, or NULL */
	int sf_field; /* its index; -1 */
	/* text */
	enum text_where where;
	char *key, *key2, *key3; /* parts of the selector, by where */
	int from, to;            /* col, group, fixed, field number, bracket */
	int unit_at; /* nmea, obis: where its unit stands; 0: with it, or
			nowhere */
	enum text_form form;
	int void_at;     /* nmea: the field that says whether the others count,
			    0: none */
	char *void_text; /* what it holds when they do not */
	struct suffix *suffix;
	size_t n_suffix;
	/* both */
	bool has_dec, has_min, has_max, has_deadband, has_max_rate;
	uint8_t dec; /* decimals on the wire; text without has_dec: as sent */
	struct num min, max, deadband;
	struct num max_rate;   /* the most that it changes in a second; of a
				  counter, grows */
	int64_t max_age_ms;    /* 0: three poll intervals */
	int64_t keep_ms;       /* how long its readings are kept; 0: not */
	int64_t keep_every_ms; /* the least time between two; 0: all */
	bool optional, solo;
	uint64_t *nan; /* raw register values that mean "no value" */
	size_t n_nan;
	struct enum_word *words;
	size_t n_words;
};

/* How a written value is checked. */
enum verify {
	VERIFY_SAME, /* read back at the address written */
	VERIFY_AT,   /* read back at another address */
	VERIFY_NONE, /* access=w: it cannot be read */
};

/* What can be written. */
struct control {
	struct field f; /* name, where, type, order, scale, offset, dec, min,
			   max, words, label: as of a field */
	int field;      /* index of the field of the same name, or -1 */
	uint8_t fc;     /* 5, 6, 15, 16 or 22 */
	enum verify verify;
	enum modbus_table verify_table; /* VERIFY_AT */
	uint16_t verify_addr;
	bool has_step, has_pulse, write_only;
	struct num step;                    /* values are multiples of it */
	int64_t pulse_min_ms, pulse_max_ms; /* for a time only */
};

struct poll_class {
	char *name;
	int64_t ms; /* 0: once after each connection */
};

enum frame_mode { FRAME_POLL, FRAME_STREAM, FRAME_LISTEN };
enum frame_check {
	CHECK_NONE,
	CHECK_NMEA_XOR,
	CHECK_CRC16_MODBUS,
	CHECK_SDI12_CRC,
	CHECK_LRC,
	CHECK_SUM8,
	CHECK_BCC,
	CHECK_CRC16_DSMR
};
enum parse_format {
	PARSE_KEYED,
	PARSE_CSV,
	PARSE_REGEX,
	PARSE_FIXED,
	PARSE_NMEA,
	PARSE_OBIS
};

/* Bytes, which may hold NUL. */
struct bytes {
	char *data;
	size_t len;
};

struct frame {
	enum frame_mode mode;
	struct bytes request, start, end,
	    match;          /* C escapes undone; request and
			       match may hold {address} */
	struct bytes *ends; /* the other strings that may end a message, when
			       there are several; end is the first */
	size_t n_ends;
	int64_t idle_ms;    /* end = idle:20ms; 0: none */
	int64_t length;     /* bytes of each message, start, end and check
			       included; 0: they vary */
	bool has_length_at; /* a message has as many bytes as its byte at
			       length_at says, plus length_add; its first
			       byte is at 0 */
	int64_t length_at, length_add;
	int64_t max; /* bytes of the longest message */
	int64_t timeout_ms, settle_ms, char_delay_ms;
	int64_t retries;
	enum frame_check check;
};

struct parse {
	enum parse_format format;
	char separator, assign;
	char *regex;
	char invalid; /* the character that marks an invalid value; 0: none */
};

struct tmpl_tag {
	char *name;
	char *value; /* or "@field,@field": joined identity values */
	bool num;
};

struct serial_mode {
	int baud;
	int bits;    /* 5..8 */
	char parity; /* N E O */
	int stop;    /* 1 2 */
};

struct tmpl {
	char *id, *name, *class_, *version, *source, *file;
	char *text;    /* all keys and values: equal texts, equal templates */
	char *changes; /* what a node has changed of it, or NULL */
	enum tmpl_kind kind;
	struct tmpl_tag *tags;
	size_t n_tags;
	struct serial_mode serial; /* baud 0: not said */
	/* [modbus] */
	int64_t unit; /* default unit id; 0: none */
	int order;    /* enum reg_order of the fields that say none */
	int64_t max_read, max_read_bits, min_read, max_gap;
	int64_t timeout_ms, frame_gap_ms;
	int64_t retries;
	char *probe;
	struct frame frame;
	struct parse parse;
	struct poll_class *polls;
	size_t n_polls;
	struct field *fields;
	size_t n_fields;
	struct control *controls;
	size_t n_controls;
};

struct buf;

/* tmpl_load reads and checks one file: every error appended to errs as
 * "file:line: error: [section] what (hint)" lines.  tmpl_load_text is the same
 * of data[len], which notes call path.
 * Owns: *out is owned.  Errors: ERR_CONFIG, ERR_IO.  Thread: any. */
enum err tmpl_load(
    const char *path, struct tmpl **out, struct buf *errs) MUST_USE;
enum err tmpl_load_text(const char *path, const char *data, size_t len,
    struct tmpl **out, struct buf *errs) MUST_USE;
void tmpl_free(struct tmpl *t);

/* tmpl_again returns the template anew as its file had it, owned. */
struct tmpl *tmpl_again(const struct tmpl *t);

/* tmpl_equal: same id, same keys and values, changed alike. */
bool tmpl_equal(const struct tmpl *a, const struct tmpl *b);

/* tmpl_find returns the field of that name, or NULL. */
const struct field *tmpl_find(const struct tmpl *t, const char *name);

const struct control *tmpl_find_control(const struct tmpl *t, const char *name);

/* tmpl_poll_ms is the interval of a field: its class, with the default class
 * (`normal`, or else the first that is a time) replaced by override_ms when
 * that is not 0; 0 means once after each connection. */
int64_t tmpl_poll_ms(
    const struct tmpl *t, const struct field *f, int64_t override_ms);

/* tmpl_field_regs is how many registers a field takes (bits: 1). */
unsigned tmpl_field_regs(const struct field *f);

/* tmpl_has_address tells whether a text device is asked by its address. */
bool tmpl_has_address(const struct tmpl *t);

/* tmpl_tells_address tells whether a text device says who answers, so that the
 * late answer of one cannot be taken for another's. */
bool tmpl_tells_address(const struct tmpl *t);

/* serial_mode_parse reads "9600 8N1", or "9600" (8N1).  Errors: ERR_PROTO. */
enum err serial_mode_parse(const char *text, struct serial_mode *out) MUST_USE;
bool serial_mode_equal(
    const struct serial_mode *a, const struct serial_mode *b);

/* The templates that can be named, the first of each id.
 * Zero-initialised is empty. */
enum { TMPL_DIRS = 5 };
struct tmpl_entry {
	char *id, *path;
	char *hides; /* the next file with this id, which does not count; or
			NULL */
};
struct tmpl_index {
	struct tmpl_entry *v;
	size_t n, cap;
	char *dirs[TMPL_DIRS]; /* the folders that were searched, in order */
	size_t n_dirs;
};

/* tmpl_index_build looks for *.ini files, in byte order, in the directory
 * $THINGBRIDGE_TEMPLATES if set, templates/ beside the configuration file conf
 * (which may be NULL), /etc/thingbridge/templates, the package's own, and
 * /usr/share/thingbridge/templates.
 * Files that cannot be read are passed over.  Thread: any. */
void tmpl_index_build(struct tmpl_index *ix, const char *conf);
void tmpl_index_fini(struct tmpl_index *ix);

/* tmpl_index_path returns the file of the template id, or NULL. */
const char *tmpl_index_path(const struct tmpl_index *ix, const char *id);

#endif
