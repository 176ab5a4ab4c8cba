// save_checkpoint
