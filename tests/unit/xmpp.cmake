# Driven by tests/integration/test_session.py.
tb_program(session_probe
	SOURCES ${PROJECT_SOURCE_DIR}/tests/integration/session_probe.c
	LINK tb_xmpp tb_protocol tb_common)

# fake_session.c stands in for xmpp/session.c, which is then not linked.
set(fake ${CMAKE_CURRENT_LIST_DIR}/fake_session.c)
tb_test(xmpp iq SOURCES ${fake} LINK tb_xmpp)
tb_test(xmpp presence SOURCES ${fake} LINK tb_xmpp)
tb_test(xmpp session LINK tb_xmpp)
tb_test(xmpp backoff LINK tb_xmpp)
tb_test(xmpp find LINK tb_xmpp)
target_compile_definitions(test_find PRIVATE
	TEST_LEASES="${PROJECT_SOURCE_DIR}/tests/data/lease")
