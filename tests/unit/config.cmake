tb_test(config ini LINK tb_config)
tb_test(config edit LINK tb_config)
tb_test(config config LINK tb_config TIMEOUT 60)
tb_test(config template LINK tb_config)
foreach(stem config template)
	target_compile_definitions(test_${stem} PRIVATE
		TEST_MAN="${PROJECT_SOURCE_DIR}/packaging/man"
		TEST_EXAMPLES="${PROJECT_SOURCE_DIR}/packaging/examples")
endforeach()
