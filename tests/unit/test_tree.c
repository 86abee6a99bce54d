/* How a node stands in the concentrator. */
#include "gateway/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
test_state(void **state)
{
	static const struct {
		const char *name;
		bool there, enabled;
		enum unit_state device;
		enum quality second;
		enum conc_state want;
	} cases[] = {
		{ "well", true, true, UNIT_ONLINE, QUALITY_OK,
		    CONC_STATE_NONE },
		{ "not read yet", true, true, UNIT_UNKNOWN, QUALITY_MISSING,
		    CONC_STATE_NONE },
		{ "one answer missed", true, true, UNIT_SUSPECT, QUALITY_OK,
		    CONC_STATE_NONE },
		{ "a value fails", true, true, UNIT_ONLINE, QUALITY_ERROR,
		    CONC_STATE_WARNING_UNSIGNED },
		{ "silent", true, true, UNIT_OFFLINE, QUALITY_ERROR,
		    CONC_STATE_ERROR_UNSIGNED },
		{ "disabled", true, false, UNIT_OFFLINE, QUALITY_ERROR,
		    CONC_STATE_INFORMATION },
		{ "gone", false, false, UNIT_OFFLINE, QUALITY_ERROR,
		    CONC_STATE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct point points[2] = { { .quality = QUALITY_OK },
			{ .quality = cases[i].second } };
		const struct cfg_node cfg = { .enabled = cases[i].enabled };
		const struct node n = { .cfg = cases[i].there ? &cfg : NULL,
			.device = cases[i].device,
			.points = points,
			.n_points = 2 };
		size_t first = 9;

		print_message("%s\n", cases[i].name);
		assert_int_equal(tree_state(&n), cases[i].want);
		assert_int_equal(
		    tree_wrong(&n, &first), cases[i].second == QUALITY_ERROR);
		assert_int_equal(
		    first, cases[i].second == QUALITY_ERROR ? 1 : 9);
	}
}

static void
test_acknowledged(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CONC_STATES; i++) {
		enum conc_state s = (enum conc_state)i;
		enum conc_state to = tree_sign(s);

		print_message(
		    "%s -> %s\n", conc_state_name(s), conc_state_name(to));
		assert_int_equal(tree_sign(to), to);
		assert_int_equal(tree_unsign(to), tree_unsign(s));
		assert_null(strstr(conc_state_name(to), "Unsigned"));
	}
}

static void
test_types(void **state)
{
	static const struct {
		int type;
		const char *bus, *unit;
	} cases[] = {
		{ BUS_MODBUS_TCP, "Modbus.TcpGateway", "Modbus.Unit" },
		{ BUS_MODBUS_RTU, "Modbus.Rtu", "Modbus.Unit" },
		{ BUS_MODBUS_RTU_TCP, "Modbus.RtuOverTcp", "Modbus.Unit" },
		{ BUS_SERIAL, "Serial.Port", "Serial.Device" },
	};
	char id[TREE_BUS_ID], name[] = "hall";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct cfg_bus bus = { .name = name,
			.type = cases[i].type };
		struct node n = { 0 };
		const struct spot of_bus = { NULL, &bus, "S" };
		const struct spot of_node = { &n, &bus, "S" };

		tree_bus_id(&bus, id);
		assert_string_equal(id, "bus/hall");
		assert_string_equal(tree_type(&of_bus), cases[i].bus);
		assert_string_equal(tree_type(&of_node), cases[i].unit);
		assert_string_equal(tree_base(&of_bus), "Bus");
		assert_string_equal(tree_base(&of_node), "Unit");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_acknowledged),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
