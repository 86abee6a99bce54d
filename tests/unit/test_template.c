#include "broken.h"
#include "config/template.h"
#include "config/tmpl_field.h"
#include "config/tmpl_keys.h"

static char *
load_notes(const char *path)
{
	struct buf notes = { 0 };
	struct tmpl *t;

	assert_int_equal(tmpl_load(path, &t, &notes), ERR_CONFIG);
	assert_null(t);
	return buf_take(&notes);
}

static void
broken(void **state)
{
	(void)state;
	broken_all(TEST_DATA "/config/broken-templates", "", 110, load_notes);
}

static struct tmpl *
load(const char *path)
{
	struct buf notes = { 0 };
	struct tmpl *t;
	enum err e = tmpl_load(path, &t, &notes);

	if (notes.data)
		print_message("%s", notes.data);
	assert_int_equal(e, OK);
	assert_null(notes.data);
	buf_fini(&notes);
	return t;
}

static struct tmpl *
load_text(const char *text)
{
	struct buf notes = { 0 };
	struct tmpl *t;
	enum err e = tmpl_load_text("t", text, strlen(text), &t, &notes);

	if (notes.data)
		print_message("%s", notes.data);
	assert_int_equal(e, OK);
	buf_fini(&notes);
	return t;
}

/* Each template of the package loads, under its own id, and says who made it.
 */
static void
shipped(void **state)
{
	static const char *const ids[] = { "eastron.sdm630", "generic.relay8",
		"generic.xy-md02", "generic.xy-md02-ascii", "vaisala.wxt-nmea",
		"vaisala.wxt", "gavazzi.em24", "wago.750-8di8do" };
	struct tmpl_index ix = { 0 };

	(void)state;
	setenv("THINGBRIDGE_TEMPLATES", TEST_TEMPLATES, 1);
	tmpl_index_build(&ix, NULL);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const char *path = tmpl_index_path(&ix, ids[i]);
		struct tmpl *t;
		bool man = false, model = false;

		print_message("  %s\n", ids[i]);
		assert_non_null(path);
		t = load(path);
		assert_string_equal(t->id, ids[i]);
		for (size_t k = 0; k < t->n_tags; k++) {
			man |= strcmp(t->tags[k].name, "MAN") == 0;
			model |= strcmp(t->tags[k].name, "MODEL") == 0;
		}
		assert_true(man && model);
		tmpl_free(t);
	}
	assert_null(tmpl_index_path(&ix, "no.such"));
	tmpl_index_fini(&ix);
}

static void
meter(void **state)
{
	struct tmpl *t = load(TEST_TEMPLATES "/eastron-sdm630.ini");
	const struct field *f = tmpl_find(t, "power");

	(void)state;
	assert_int_equal(t->kind, TMPL_MODBUS);
	assert_int_equal(t->serial.baud, 9600);
	assert_int_equal(t->serial.parity, 'N');
	assert_int_equal(t->max_read, 80);
	assert_int_equal(t->max_gap, 12);
	assert_int_equal(t->timeout_ms, 500);
	assert_int_equal(f->table, MB_INPUT);
	assert_int_equal(f->addr, 0x34);
	assert_int_equal(f->type, REG_F32);
	assert_true(f->bit_hi < f->bit_lo);
	assert_int_equal(f->order, ORDER_ABCD);
	assert_int_equal(f->dec, 1);
	assert_true(f->has_deadband);
	assert_int_equal(f->deadband.mant, 5);
	assert_string_equal(f->unit, "W");
	assert_string_equal(f->label, "power");
	assert_int_equal(tmpl_poll_ms(t, f, 0), 2000);
	assert_int_equal(tmpl_poll_ms(t, f, 5000), 2000);
	assert_int_equal(tmpl_field_regs(f), 2);
	f = tmpl_find(t, "voltage_l1");
	assert_int_equal(tmpl_poll_ms(t, f, 5000), 5000);
	f = tmpl_find(t, "serial");
	assert_int_equal(tmpl_poll_ms(t, f, 5000), 0);
	assert_int_equal(f->addr, 0xFC00);
	assert_int_equal(f->kind, KIND_IDENTITY);
	assert_true(f->solo && f->optional);
	assert_null(tmpl_find(t, "nothing"));
	tmpl_free(t);
}

static void
modbus_lines(void **state)
{
	struct tmpl *t = load_text(
	    "[template]\nid=a\nname=A\nkind=modbus\n"
	    "[modbus]\norder = CDAB\n"
	    "[poll]\nfast = 500ms\n"
	    "[tag]\nSN = @sn,@sn2\n#V = 1.2\n"
	    "[field]\n"
	    "a = 4x0001 u16\n"
	    "b = 3x65536 i16 scale=-0.1 offset=40 nan=0x8000,0xFFFF\n"
	    "c = holding:0x10[4:2] u16 enum=0:off,1:on,-1:\"not known\"\n"
	    "d = holding:16[3] bool\n"
	    "e = holding:20 str:5 label=\"Five letters\"\n"
	    "f = input:7 f64 dec=3 order=ABCD unit=%RH max_age=1min\n"
	    "sn = input:1 u32 kind=identity\n"
	    "sn2 = input:3 u64 kind=identity\n"
	    "[control]\n"
	    "w = coil:0 bool fc=5 verify=coil:0x200 pulse=0..3600s "
	    "access=rw\n"
	    "x = holding:0 i16 fc=6 verify=same step=0.5 min=-1 max=1\n");
	const struct field *f = t->fields;

	(void)state;
	assert_int_equal(t->n_fields, 8);
	assert_int_equal(t->n_controls, 2);
	assert_int_equal(f[0].table, MB_HOLDING);
	assert_int_equal(f[0].addr, 0);
	assert_int_equal(f[0].scale.mant, 1);
	assert_int_equal(f[0].order, ORDER_CDAB);
	assert_int_equal(tmpl_poll_ms(t, &f[0], 0), 500);
	assert_int_equal(tmpl_poll_ms(t, &f[0], 3000), 3000);
	assert_int_equal(f[1].table, MB_INPUT);
	assert_int_equal(f[1].addr, 65535);
	assert_int_equal(f[1].scale.mant, -1);
	assert_int_equal(f[1].scale.dec, 1);
	assert_int_equal(f[1].offset.mant, 40);
	assert_int_equal(f[1].n_nan, 2);
	assert_int_equal(f[1].nan[1], 0xFFFF);
	assert_int_equal(f[2].bit_hi, 4);
	assert_int_equal(f[2].bit_lo, 2);
	assert_int_equal(f[2].n_words, 3);
	assert_int_equal(f[2].words[2].value, -1);
	assert_string_equal(f[2].words[2].word, "not known");
	assert_int_equal(f[3].bit_hi, 3);
	assert_int_equal(f[3].bit_lo, 3);
	assert_int_equal(f[4].str_len, 5);
	assert_int_equal(tmpl_field_regs(&f[4]), 3);
	assert_string_equal(f[4].label, "Five letters");
	assert_int_equal(f[5].order, ORDER_ABCD);
	assert_int_equal(f[5].max_age_ms, 60000);
	assert_string_equal(f[5].unit, "%RH");
	assert_int_equal(t->n_tags, 2);
	assert_true(t->tags[1].num);
	assert_string_equal(t->tags[1].value, "1.2");
	tmpl_free(t);
}

#define MODBUS_TEMPLATE "[template]\nid=a\nname=A\nkind=modbus\n"

static void
scale_factors(void **state)
{
	struct tmpl *t = load_text(MODBUS_TEMPLATE
	    "[field]\n"
	    "w = holding:0 i16 sf=w_sf max_rate=5\n"
	    "wh = holding:2 u32 kind=counter sf=w_sf max_rate=7/h\n"
	    "w_sf = holding:1 i16 nan=0x8000\n"
	    "t = holding:4 i16 scale=0.1 max_rate=3/min\n"
	    "s = holding:5 i16 max_rate=0.25/s\n"
	    "a = holding:6 i8h nan=0x80\nb = holding:6 i8l\n");
	const struct field *f = t->fields;

	(void)state;
	assert_string_equal(f[0].sf, "w_sf");
	assert_int_equal(f[0].sf_field, 2);
	assert_int_equal(f[1].sf_field, 2);
	assert_null(f[2].sf);
	assert_int_equal(f[2].sf_field, -1);
	assert_true(f[0].has_max_rate);
	assert_false(f[2].has_max_rate);
	assert_int_equal(num_cmp(f[0].max_rate, (struct num){ 5, 0 }), 0);
	/* 7 / 3600, rounded up */
	assert_int_equal(num_cmp(f[1].max_rate, (struct num){ 1944445, 9 }), 0);
	assert_int_equal(num_cmp(f[3].max_rate, (struct num){ 5, 2 }), 0);
	assert_int_equal(num_cmp(f[4].max_rate, (struct num){ 25, 2 }), 0);
	assert_int_equal(f[5].type, REG_I8H);
	assert_int_equal(f[6].type, REG_I8L);
	assert_int_equal(tmpl_field_regs(&f[5]), 1);
	tmpl_free(t);
}

/* One line of [control], and what it must mean. */
static void
controls(void **state)
{
	static const struct {
		const char *line;
		int fc;
		enum verify verify;
		unsigned verify_addr;
		bool write_only;
	} rows[] = {
		{ "coil:3 bool", 5, VERIFY_SAME, 0, false },
		{ "coil:3 bool fc=15", 15, VERIFY_SAME, 0, false },
		{ "coil:3 bool verify=coil:0x200", 5, VERIFY_AT, 512, false },
		{ "coil:3 bool verify=discrete:4", 5, VERIFY_AT, 4, false },
		{ "coil:3 bool access=w", 5, VERIFY_NONE, 0, true },
		{ "coil:3 bool access=w verify=discrete:1", 5, VERIFY_AT, 1,
		    true },
		{ "coil:3 bool verify=none", 5, VERIFY_NONE, 0, false },
		{ "holding:0 u16", 6, VERIFY_SAME, 0, false },
		{ "holding:0 i16 fc=16", 16, VERIFY_SAME, 0, false },
		{ "holding:0 i16 verify=3x0008", 6, VERIFY_AT, 7, false },
		{ "4x0010 i32 order=CDAB", 16, VERIFY_SAME, 0, false },
		{ "holding:0 f32 dec=2", 16, VERIFY_SAME, 0, false },
		{ "holding:0 f64 dec=2", 16, VERIFY_SAME, 0, false },
		{ "holding:0 u64", 16, VERIFY_SAME, 0, false },
		{ "holding:0 bcd16", 6, VERIFY_SAME, 0, false },
		{ "holding:0 bcd32", 16, VERIFY_SAME, 0, false },
		{ "holding:0 f16 dec=1", 6, VERIFY_SAME, 0, false },
		{ "holding:0 str:2", 6, VERIFY_SAME, 0, false },
		{ "holding:0 str:9", 16, VERIFY_SAME, 0, false },
		{ "holding:0[3] bool", 6, VERIFY_SAME, 0, false },
		{ "holding:0[3] bool fc=22", 22, VERIFY_SAME, 0, false },
		{ "holding:0[3] bool fc=22 access=w", 22, VERIFY_NONE, 0,
		    true },
		{ "holding:0[3:1] u16 fc=16", 16, VERIFY_SAME, 0, false },
		{ "holding:0 u8h", 6, VERIFY_SAME, 0, false },
		{ "holding:0 i8l fc=22", 22, VERIFY_SAME, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_printf(MODBUS_TEMPLATE
		    "[field]\na = input:0 u16\n[control]\nc = %s\n",
		    rows[i].line);
		struct tmpl *t = load_text(text);
		const struct control *c = tmpl_find_control(t, "c");

		print_message("  %s\n", rows[i].line);
		assert_non_null(c);
		assert_int_equal(c->fc, rows[i].fc);
		assert_int_equal(c->verify, rows[i].verify);
		assert_int_equal(c->verify_addr, rows[i].verify_addr);
		assert_int_equal(c->write_only, rows[i].write_only);
		assert_int_equal(c->field, -1);
		assert_string_equal(c->f.label, "c");
		assert_string_equal(c->f.unit, "");
		assert_false(c->has_step || c->has_pulse);
		assert_null(tmpl_find_control(t, "a"));
		tmpl_free(t);
		free(text);
	}
}

static void
control_options(void **state)
{
	struct tmpl *t = load_text(MODBUS_TEMPLATE
	    "[field]\na = input:0 u16\n"
	    "set = input:4 i16 scale=0.1 unit=C label=\"Set point\"\n"
	    "[control]\n"
	    "set = holding:0 i16 scale=0.1 min=-10 max=10 step=0.5\n"
	    "on = coil:0 bool pulse=1..3600s\n"
	    "mode = holding:1 u16 enum=0:off,1:on pulse=500ms..1min "
	    "unit=x label=Mode\n");
	const struct control *c = t->controls;

	(void)state;
	assert_int_equal(t->n_controls, 3);
	assert_int_equal(c[0].field, 1);
	assert_string_equal(c[0].f.unit, "C");
	assert_string_equal(c[0].f.label, "Set point");
	assert_true(c[0].has_step && c[0].f.has_min && c[0].f.has_max);
	assert_int_equal(num_cmp(c[0].step, (struct num){ 5, 1 }), 0);
	assert_int_equal(num_cmp(c[0].f.min, (struct num){ -10, 0 }), 0);
	assert_true(c[1].has_pulse);
	assert_int_equal(c[1].pulse_min_ms, 1000);
	assert_int_equal(c[1].pulse_max_ms, 3600000);
	assert_int_equal(c[2].pulse_min_ms, 500);
	assert_int_equal(c[2].pulse_max_ms, 60000);
	assert_int_equal(c[2].f.n_words, 2);
	assert_string_equal(c[2].f.label, "Mode");
	tmpl_free(t);
}

/* What a template means does not change when its own text is read again, nor
 * a copy with what a node changes of it. */
static void
again(void **state)
{
	static const char *const files[] = { "eastron-sdm630", "relay8",
		"vaisala-wxt", "vaisala-wxt-nmea", "xy-md02-ascii" };
	struct tmpl *t = load_text(
	    MODBUS_TEMPLATE "source = a \\; b ; a comment\n[tag]\n#V = 1.5\n"
			    "[field]\na = input:0 u16\n");
	struct tmpl *copy = tmpl_again(t);

	(void)state;
	assert_non_null(copy);
	assert_string_equal(copy->source, "a ; b");
	assert_true(tmpl_equal(t, copy));
	tmpl_free(copy);
	tmpl_free(t);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = mem_printf(TEST_TEMPLATES "/%s.ini", files[i]);

		print_message("  %s\n", files[i]);
		t = load(path);
		copy = tmpl_again(t);
		assert_non_null(copy);
		assert_true(tmpl_equal(t, copy));
		assert_int_equal(t->n_fields, copy->n_fields);
		assert_int_equal(t->n_controls, copy->n_controls);
		tmpl_free(copy);
		tmpl_free(t);
		free(path);
	}
}

static void
changed(void **state)
{
	static const struct {
		const char *field, *option, *value;
	} rows[] = {
		{ "a", "poll", "1s" },
		{ "a.b", "poll", "once" },
		{ "a", "min", "-5" },
		{ "a", "max", "7.5" },
		{ "a", "deadband", "0.5" },
		{ "a", "max_age", "1h" },
		{ "a", "max_rate", "60/min" },
		{ "a", "optional", "yes" },
		{ "a", "label", "Hall 3" },
	};
	struct tmpl *t = load_text(MODBUS_TEMPLATE
	    "[poll]\nonce = connect\nslow = 1min\n"
	    "[field]\na = input:0 i16\na.b = input:1 i16 max=3\n"
	    "c = input:2 i16\n");
	struct tmpl *copy = tmpl_again(t);
	struct buf unseen = { 0 };
	struct notes notes = { .out = &unseen };
	const struct field *f = copy->fields;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(
		    tmpl_field_change(copy, rows[i].field, rows[i].option,
			rows[i].value, (struct place){ 0 }, &notes));
	assert_int_equal(tmpl_poll_ms(copy, &f[0], 0), 1000);
	assert_int_equal(tmpl_poll_ms(copy, &f[0], 9000), 1000);
	assert_int_equal(tmpl_poll_ms(copy, &f[1], 0), 0);
	/* the default class is still the one that it was */
	assert_int_equal(tmpl_poll_ms(copy, &f[2], 0), 60000);
	assert_int_equal(tmpl_poll_ms(copy, &f[2], 9000), 9000);
	assert_int_equal(num_cmp(f[0].min, (struct num){ -5, 0 }), 0);
	assert_int_equal(num_cmp(f[0].max, (struct num){ 75, 1 }), 0);
	assert_int_equal(num_cmp(f[0].max_rate, (struct num){ 1, 0 }), 0);
	assert_int_equal(f[0].max_age_ms, 3600000);
	assert_true(f[0].has_deadband && f[0].optional);
	assert_string_equal(f[0].label, "Hall 3");
	assert_false(tmpl_equal(t, copy));
	assert_int_equal(tmpl_poll_ms(t, &t->fields[0], 0), 60000);
	tmpl_free(t);
	tmpl_free(copy);
	buf_fini(&unseen);
}

static void
frames(void **state)
{
	static const struct {
		const char *line;
		size_t ends; /* all of them */
		bool at;
		int64_t length, length_at, length_add, idle_ms;
	} rows[] = {
		{ "end = \\r\\n", 1, false, 0, 0, 0, 0 },
		{ "end = \\r\\n|\\x03|\\x7c", 3, false, 0, 0, 0, 0 },
		{ "end = \\r|idle:20ms", 1, false, 0, 0, 0, 20 },
		{ "end = idle:20ms", 0, false, 0, 0, 0, 20 },
		{ "length = 0x10", 0, false, 16, 0, 0, 0 },
		{ "length = byte@2", 0, true, 0, 2, 0, 0 },
		{ "length = byte@2+5", 0, true, 0, 2, 5, 0 },
		{ "length = byte@0-1", 0, true, 0, 0, -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text =
		    mem_printf("[template]\nid=a\nname=A\nkind=text\n[frame]\n"
			       "mode = listen\n%s\n[parse]\nformat = csv\n"
			       "[field]\na = col:1\n",
			rows[i].line);
		struct tmpl *t = load_text(text);
		const struct frame *f = &t->frame;

		print_message("  %s\n", rows[i].line);
		assert_int_equal(
		    f->n_ends + (f->end.data != NULL), rows[i].ends);
		assert_int_equal(f->has_length_at, rows[i].at);
		assert_int_equal(f->length, rows[i].length);
		assert_int_equal(f->length_at, rows[i].length_at);
		assert_int_equal(f->length_add, rows[i].length_add);
		assert_int_equal(f->idle_ms, rows[i].idle_ms);
		if (rows[i].ends == 3) {
			assert_memory_equal(f->end.data, "\r\n", 2);
			assert_memory_equal(f->ends[0].data, "\x03", 1);
			assert_memory_equal(f->ends[1].data, "|", 1);
		}
		tmpl_free(t);
		free(text);
	}
}

static void
stream(void **state)
{
	struct tmpl *t = load(TEST_TEMPLATES "/vaisala-wxt-nmea.ini");
	const struct field *f = tmpl_find(t, "wind_speed");

	(void)state;
	assert_int_equal(t->kind, TMPL_TEXT);
	assert_int_equal(t->frame.mode, FRAME_STREAM);
	assert_int_equal(t->frame.check, CHECK_NMEA_XOR);
	assert_int_equal(t->frame.end.len, 2);
	assert_memory_equal(t->frame.end.data, "\r\n", 2);
	assert_string_equal(t->frame.start.data, "$");
	assert_int_equal(t->frame.timeout_ms, 90000);
	assert_int_equal(t->parse.format, PARSE_NMEA);
	assert_int_equal(f->where, TEXT_NMEA);
	assert_string_equal(f->key, "WIXDR");
	assert_string_equal(f->key2, "S");
	assert_string_equal(f->key3, "1");
	assert_int_equal(f->n_suffix, 4);
	assert_string_equal(f->suffix[1].mark, "K");
	assert_int_equal(f->suffix[1].factor.mant, 277778);
	assert_int_equal(f->suffix[1].factor.dec, 6);
	f = tmpl_find(t, "wind_dir");
	assert_string_equal(f->suffix[0].mark, "D");
	assert_int_equal(f->suffix[0].factor.mant, 1);
	assert_false(f->has_dec);
	assert_false(tmpl_has_address(t));
	assert_int_equal(tmpl_poll_ms(t, f, 0), 10000);
	tmpl_free(t);
	t = load(TEST_TEMPLATES "/vaisala-wxt.ini");
	assert_true(tmpl_has_address(t));
	assert_int_equal(t->parse.separator, ',');
	assert_int_equal(t->parse.assign, '=');
	assert_int_equal(t->parse.invalid, '#');
	tmpl_free(t);
}

static void
asked(void **state)
{
	struct tmpl *t = load(TEST_TEMPLATES "/xy-md02-ascii.ini");

	(void)state;
	assert_int_equal(t->frame.mode, FRAME_POLL);
	assert_int_equal(t->frame.request.len, 4);
	assert_int_equal(t->frame.end.len, 0);
	assert_int_equal(t->frame.idle_ms, 20);
	assert_int_equal(t->frame.settle_ms, 20);
	assert_int_equal(t->parse.format, PARSE_REGEX);
	assert_string_equal(t->parse.regex,
	    "^ *(-?[0-9]+(\\.[0-9]+)?)C,([0-9]+(\\.[0-9]+)?)%[ \\r\\n]*$");
	assert_int_equal(tmpl_find(t, "humidity")->from, 3);
	tmpl_free(t);
}

#define TEXT_TEMPLATE(format)                                           \
	"[template]\nid=a\nname=A\nkind=text\n[frame]\nmode = listen\n" \
	"length = 12\n[parse]\nformat = " format "\n[field]\n"

static void
text_lines(void **state)
{
	struct tmpl *t = load_text(
	    TEXT_TEMPLATE("fixed") "a = fixed:4-9 str\nb = fixed:3\n");

	(void)state;
	assert_int_equal(t->frame.length, 12);
	assert_int_equal(t->fields[0].type, REG_STR);
	assert_int_equal(t->fields[0].from, 4);
	assert_int_equal(t->fields[0].to, 9);
	assert_int_equal(t->fields[1].type, REG_F64);
	assert_int_equal(t->fields[1].to, 3);
	tmpl_free(t);
	t = load_text(TEXT_TEMPLATE("csv\nseparator = \\x3b") "a = col:2\n");
	assert_int_equal(t->parse.separator, ';');
	assert_int_equal(t->fields[0].from, 2);
	tmpl_free(t);
	t = load_text(TEXT_TEMPLATE("obis") "a = obis:1-0:1.8.0\n");
	assert_string_equal(t->fields[0].key, "1-0:1.8.0");
	tmpl_free(t);
	t = load_text(TEXT_TEMPLATE("nmea") "a = nmea:WIMWV,3\n");
	assert_string_equal(t->fields[0].key, "WIMWV");
	assert_int_equal(t->fields[0].from, 3);
	tmpl_free(t);
	t = load_text(TEXT_TEMPLATE(
	    "regex\nregex = ([)(]\\))(?:x)(?<y>z)") "a = group:2\n");
	tmpl_free(t);
}

static void
sameness(void **state)
{
	static const char text[] =
	    "[template]\nid=a\nname=A\nkind=modbus\n[field]\na = input:0 u16\n";
	struct tmpl *a = load_text(text);
	struct tmpl *b = load_text(
	    "; moved\n[template]\nid = a\nname = A ; same\nkind = modbus\n"
	    "\n[field]\na = input:0 u16\n");
	struct tmpl *c = load_text("[template]\nid=a\nname=A\nkind=modbus\n"
				   "[field]\na = input:1 u16\n");

	(void)state;
	assert_true(tmpl_equal(a, b));
	assert_false(tmpl_equal(a, c));
	tmpl_free(a);
	tmpl_free(b);
	tmpl_free(c);
}

static void
serial_modes(void **state)
{
	static const char *const bad[] = { "", "8N1", "9600 8X1", "9600 9N1",
		"9600 8N3", "9600 8N1 x", "49", "99999999", "-9600" };
	struct serial_mode m;

	(void)state;
	assert_int_equal(serial_mode_parse("19200 7E2", &m), OK);
	assert_int_equal(m.baud, 19200);
	assert_int_equal(m.bits, 7);
	assert_int_equal(m.parity, 'E');
	assert_int_equal(m.stop, 2);
	assert_int_equal(serial_mode_parse("4800", &m), OK);
	assert_int_equal(m.bits, 8);
	assert_int_equal(m.parity, 'N');
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(serial_mode_parse(bad[i], &m), ERR_PROTO);
}

/* The manual page has the tables as they are, and every option and type. */
static void
manual(void **state)
{
	char *tables = NULL, *page = mem_zalloc(1 << 17);
	size_t size = 0;
	FILE *out = open_memstream(&tables, &size);
	FILE *in = fopen(TEST_MAN "/thingbridge-template.5", "re");

	(void)state;
	assert_non_null(in);
	assert_true(fread(page, 1, (1 << 17) - 1, in) > 0);
	fclose(in);
	keys_mdoc(tmpl_sections, tmpl_n_sections, out);
	fclose(out);
	assert_non_null(strstr(page, tables));
	for (size_t i = 0; tmpl_field_option(i); i++) {
		char *item = mem_printf("Cm %s Ns", tmpl_field_option(i));

		print_message("  %s\n", item);
		assert_non_null(strstr(page, item));
		free(item);
	}
	for (size_t i = 0; tmpl_field_type(i); i++)
		assert_non_null(strstr(page, tmpl_field_type(i)));
	free(tables);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken),
		cmocka_unit_test(shipped),
		cmocka_unit_test(meter),
		cmocka_unit_test(modbus_lines),
		cmocka_unit_test(scale_factors),
		cmocka_unit_test(controls),
		cmocka_unit_test(control_options),
		cmocka_unit_test(again),
		cmocka_unit_test(changed),
		cmocka_unit_test(frames),
		cmocka_unit_test(stream),
		cmocka_unit_test(asked),
		cmocka_unit_test(text_lines),
		cmocka_unit_test(sameness),
		cmocka_unit_test(serial_modes),
		cmocka_unit_test(manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
