// output_file
