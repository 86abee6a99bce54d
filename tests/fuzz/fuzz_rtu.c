/* The RTU frame reader: whatever the bytes, and however they are cut, it goes
 * on, hands out no frame whose CRC is wrong, and takes what was sent for an
 * echo. */
#include "drivers/checksum.h"
#include "drivers/line/rtu_frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_item(enum rtu_what what, const uint8_t *data, size_t used,
    const uint8_t *sent, size_t n_sent)
{
	/* of a frame with its checksum, the CRC is 0 */
	if (what == RTU_FRAME)
		must(used >= 5 && used <= RTU_MAX &&
		    checksum_crc16(data, used, CRC16_MODBUS_INIT) == 0);
	if (what == RTU_ECHO)
		must(used == n_sent && memcmp(data, sent, used) == 0);
	if (what == RTU_NOISE)
		must(used == 1);
}

/* What the first n bytes tell, no more bytes change. */
static void
check_cuts(const uint8_t *data, size_t n, const uint8_t *sent, size_t n_sent)
{
	size_t used;
	enum rtu_what whole = rtu_next(data, n, false, sent, n_sent, &used);

	for (size_t i = 0; i < n && i <= RTU_MAX; i++) {
		size_t part;
		enum rtu_what what =
		    rtu_next(data, i, false, sent, n_sent, &part);

		must(what == RTU_MORE || what == whole);
		must(what != RTU_FRAME || part == used);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t value[] = { 1, 2, 3, 4 };
	uint8_t sent[RTU_MAX];
	struct mb_request rq;
	size_t n_sent;

	if (size < 4)
		return 0;
	rq = (struct mb_request){ .unit = data[0],
		.function = data[1] % 24,
		.addr = data[2],
		.count = data[3] % 4,
		.value = value };
	data += 4;
	size -= 4;
	if (!pdu_valid(&rq))
		return 0;
	n_sent = rtu_request(&rq, sent);
	check_cuts(data, size, sent, n_sent);
	while (size) {
		size_t used;
		enum rtu_what what =
		    rtu_next(data, size, true, sent, n_sent, &used);

		must(what != RTU_MORE && used > 0 && used <= size);
		check_item(what, data, used, sent, n_sent);
		data += used;
		size -= used;
	}
	return 0;
}
