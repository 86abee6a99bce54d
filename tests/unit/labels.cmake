tb_test(labels label LINK tb_labels)
tb_test(labels code LINK tb_labels)
tb_test(labels layout LINK tb_labels)
tb_test(labels png LINK tb_labels)
