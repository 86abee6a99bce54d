tb_fuzz(discovery LINK tb_protocol)
tb_fuzz(iotdisco LINK tb_protocol)
tb_fuzz(jid LINK tb_protocol)
tb_fuzz(search LINK tb_protocol)
