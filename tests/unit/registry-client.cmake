tb_test(registry-client owner LINK tb_registry_client)
tb_test(registry-client thing LINK tb_registry_client)
