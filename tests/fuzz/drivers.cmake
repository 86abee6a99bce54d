tb_fuzz(regs LINK tb_drivers)
tb_fuzz(pdu LINK tb_drivers)
tb_fuzz(frame LINK tb_drivers)
tb_fuzz(text LINK tb_drivers)
