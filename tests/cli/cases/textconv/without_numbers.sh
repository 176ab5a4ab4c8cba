ckpt textconv good/map.ckpt; ckpt textconv good/dtype_int4.ckpt; ckpt textconv good/random_op.ckpt; ckpt textconv good/zero_elements.ckpt
