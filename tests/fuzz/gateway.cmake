tb_fuzz(pack LINK tb_gateway)
tb_fuzz(parameter LINK tb_gateway)
