// read_many
