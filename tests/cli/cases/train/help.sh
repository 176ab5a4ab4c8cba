ckpt-train --help
