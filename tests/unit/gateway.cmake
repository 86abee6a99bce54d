tb_test(gateway store LINK tb_gateway)
tb_test(gateway meta LINK tb_gateway)
