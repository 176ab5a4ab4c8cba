for file in bad/cut_in_content.ckpt bad/content_short.ckpt bad/empty.ckpt bad/name_not_utf8.ckpt; do ckpt textconv $file; echo $?; done
