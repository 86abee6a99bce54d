tb_fuzz(seek LINK tb_registry_client PkgConfig::CMOCKA)
target_sources(fuzz_seek PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit/fake_session.c)
