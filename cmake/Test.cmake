# Where there are threads: what ThreadSanitizer is worth its time for.
add_custom_target(threads)

# tb_test(folder stem LINK ... [TIMEOUT s]) makes tests/unit/test_<stem>.c the
# ctest unit.<folder>.<stem>.
function(tb_test folder stem)
	cmake_parse_arguments(A "" "TIMEOUT" "LINK;SOURCES" ${ARGN})
	# Lines and slaves keep real time, so few run at once.
	set(processors 1)
	if(A_SOURCES)
		set(processors 2)
	endif()
	if(NOT A_TIMEOUT)
		set(A_TIMEOUT 30)
	endif()
	if(CMAKE_CROSSCOMPILING)
		math(EXPR A_TIMEOUT "${A_TIMEOUT} * 10")
	endif()
	add_executable(test_${stem} ${PROJECT_SOURCE_DIR}/tests/unit/test_${stem}.c ${A_SOURCES})
	target_link_libraries(test_${stem} PRIVATE ${A_LINK} PkgConfig::CMOCKA)
	target_compile_definitions(test_${stem} PRIVATE
		TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data"
		TEST_TEMPLATES="${PROJECT_SOURCE_DIR}/templates")
	add_test(NAME unit.${folder}.${stem} COMMAND test_${stem})
	set(labels unit)
	if(folder MATCHES "^(common|drivers|xmpp|gateway)$")
		list(APPEND labels threads)
		add_dependencies(threads test_${stem})
	endif()
	set_tests_properties(unit.${folder}.${stem} PROPERTIES
		TIMEOUT ${A_TIMEOUT} LABELS "${labels}" PROCESSORS ${processors})
endfunction()

# tb_fuzz(stem LINK ...) builds tests/fuzz/fuzz_<stem>.c.  With TB_FUZZ it is a
# libFuzzer program; otherwise it replays tests/fuzz/corpus/<stem> as a ctest.
function(tb_fuzz stem)
	cmake_parse_arguments(A "" "" "LINK" ${ARGN})
	set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${stem})
	add_executable(fuzz_${stem} ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${stem}.c)
	target_link_libraries(fuzz_${stem} PRIVATE ${A_LINK})
	if(TB_FUZZ)
		target_compile_options(fuzz_${stem} PRIVATE -fsanitize=fuzzer)
		target_link_options(fuzz_${stem} PRIVATE -fsanitize=fuzzer)
	else()
		target_sources(fuzz_${stem} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
		add_test(NAME corpus.${stem} COMMAND fuzz_${stem} ${corpus})
		set_tests_properties(corpus.${stem} PROPERTIES TIMEOUT 60 LABELS unit)
	endif()
endfunction()
