/* The keys of a template. */
#include "config/tmpl_keys.h"

#include "config/tmpl_draft.h"

/* clang-format off: one line a key */
#define T(member) offsetof(struct draft, t.member)
static const struct key template_keys[] = {
	{ "id", KEY_TEXT, T(id), .required = true,
	    .help = "the name that nodes use; it never changes its meaning" },
	{ "name", KEY_TEXT, T(name), .required = true,
	    .help = "the device, for people" },
	{ "class", KEY_TEXT, T(class_),
	    .help = "the kind of device, for people, as electricity-meter" },
	{ "kind", KEY_ENUM, T(kind), .words = "modbus|text", .required = true,
	    .help = "how it speaks" },
	{ "version", KEY_TEXT, T(version), .help = "of this file" },
	{ "source", KEY_TEXT, T(source),
	    .help = "the document that this file follows" },
	{ 0 },
};
static const struct key serial_keys[] = {
	{ "baud", KEY_INT, offsetof(struct draft, baud), .min = 50,
	    .max = 4000000, .help = "speed of the line as the device is sold" },
	{ "mode", KEY_TEXT, offsetof(struct draft, mode), "8N1",
	    .help = "data bits 5 to 8, parity N, E or O, stop bits 1 or 2" },
	{ 0 },
};
static const struct key modbus_keys[] = {
	{ "order", KEY_ENUM, T(order), "ABCD", .words = "ABCD|BADC|CDAB|DCBA",
	    .help = "bytes of a 32-bit value as they stand in two registers" },
	{ "unit", KEY_INT, T(unit), "0", 0, 255,
	    .help = "the address when the node gives none; 0: it must" },
	{ "max_read", KEY_INT, T(max_read), "125", 1, 125,
	    .help = "registers in one request" },
	{ "max_read_bits", KEY_INT, T(max_read_bits), "2000", 1, 2000,
	    .help = "coils or inputs in one request" },
	{ "min_read", KEY_INT, T(min_read), "1", 1, 125,
	    .help = "registers that a request has at least" },
	{ "max_gap", KEY_INT, T(max_gap), "0", 0, 124,
	    .help = "unused registers that are read to save a request" },
	{ "timeout", KEY_DURATION, T(timeout_ms), "500ms", 10, 60000,
	    .help = "how long an answer may take" },
	{ "frame_gap", KEY_DURATION, T(frame_gap_ms), "0s", 0, 10000,
	    .help = "silence before a request; 0s: 3.5 characters" },
	{ "retries", KEY_INT, T(retries), "1", 0, 10,
	    .help = "how often a request is repeated" },
	{ "probe", KEY_TEXT, T(probe),
	    .help = "FIELD MIN..MAX: what tells that this device answers" },
	{ 0 },
};
static const struct key frame_keys[] = {
	{ "mode", KEY_ENUM, T(frame.mode), .words = "poll|stream|listen",
	    .required = true,
	    .help = "poll: ask; stream: it speaks by itself; listen: another "
		    "asks it" },
	{ "request", KEY_BYTES, T(frame.request),
	    .help = "what is sent; {address} stands for the node's address" },
	{ "start", KEY_BYTES, T(frame.start),
	    .help = "bytes that start a message" },
	{ "end", KEY_TEXT, offsetof(struct draft, end),
	    .help = "bytes that end a message, with C escapes, or idle:20ms; "
		    "when several may end it: ONE|OTHER, and a '|' that is "
		    "meant as such is written \\x7c" },
	{ "length", KEY_TEXT, offsetof(struct draft, length),
	    .help = "bytes of each message, start, end and check included: a "
		    "number up to 4096, or byte@2 or byte@2+5 when the message "
		    "tells it in its byte 2, counted from 0, less a constant" },
	{ "idle", KEY_DURATION, T(frame.idle_ms), "0s", 0, 10000,
	    .help = "silence that ends a message" },
	{ "max", KEY_INT, T(frame.max), "256", 1, 4096,
	    .help = "bytes of the longest message" },
	{ "timeout", KEY_DURATION, T(frame.timeout_ms), "2s", 10, 3600000,
	    .help = "how long an answer may take; of a stream: how long it may "
		    "be silent" },
	{ "settle", KEY_DURATION, T(frame.settle_ms), "0s", 0, 10000,
	    .help = "silence before a request" },
	{ "retries", KEY_INT, T(frame.retries), "1", 0, 10,
	    .help = "how often a request is repeated" },
	{ "check", KEY_ENUM, T(frame.check), "none",
	    .words = "none|nmea-xor|crc16-modbus|sdi12-crc|lrc|sum8|bcc|"
		     "crc16-dsmr",
	    .help = "how the message proves itself" },
	{ "match", KEY_BYTES, T(frame.match),
	    .help = "what the message must start with; {address} as in "
		    "request" },
	{ "char_delay", KEY_DURATION, T(frame.char_delay_ms), "0s", 0, 1000,
	    .help = "pause after each byte sent, for slow devices" },
	{ 0 },
};
static const struct key parse_keys[] = {
	{ "format", KEY_ENUM, T(parse.format),
	    .words = "keyed|csv|regex|fixed|nmea|obis", .required = true,
	    .help = "how values stand in a message" },
	{ "separator", KEY_CHAR, T(parse.separator), ",",
	    .help = "keyed, csv: between values; a ';' is written \\x3b" },
	{ "assign", KEY_CHAR, T(parse.assign), "=",
	    .help = "keyed: between a key and its value" },
	{ "invalid", KEY_CHAR, T(parse.invalid),
	    .help = "the character that marks a value as not valid" },
	{ "regex", KEY_TEXT, T(parse.regex),
	    .help = "regex: a PCRE2 pattern; fields are its groups" },
	{ 0 },
};
#undef T

const struct section tmpl_sections[] = {
	{ "template", .keys = template_keys, .required = true,
	    .help = "what the device is" },
	{ "tag", .wild = "", .help = "claim tags of each such device",
	    .wild_help = "NAME = text, #NAME = number, or @field,@field: "
			 "identity values read from the device, joined." },
	{ "serial", .keys = serial_keys,
	    .help = "the line, when the bus does not say" },
	{ "modbus", .keys = modbus_keys, .help = "kind = modbus: requests" },
	{ "frame", .keys = frame_keys, .help = "kind = text: messages" },
	{ "parse", .keys = parse_keys, .help = "kind = text: values in them" },
	{ "poll", .wild = "", .help = "how often fields are read",
	    .wild_help = "CLASS = time, or CLASS = connect: once after each "
			 "connection.  Fields that name no class have "
			 "`normal`, or the only one that is a time.  Without "
			 "this section: normal = 10s." },
	{ "field", .wild = "", .required = true, .help = "what can be read",
	    .wild_help = "NAME = where, type and options, see below." },
	{ "control", .wild = "", .help = "what can be written",
	    .wild_help = "NAME = where, type and options, see below." },
};
/* clang-format on */

const size_t tmpl_n_sections = sizeof(tmpl_sections) / sizeof(tmpl_sections[0]);

const struct schema tmpl_schema = { tmpl_sections,
	sizeof(tmpl_sections) / sizeof(tmpl_sections[0]) };
