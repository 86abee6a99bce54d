tb_test(cli owned LINK tb_own)
