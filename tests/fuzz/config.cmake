tb_fuzz(ini LINK tb_config)
tb_fuzz(edit LINK tb_config)
tb_fuzz(config LINK tb_config)
tb_fuzz(template LINK tb_config)
target_compile_definitions(fuzz_config PRIVATE
	TEST_TEMPLATES="${PROJECT_SOURCE_DIR}/templates")
