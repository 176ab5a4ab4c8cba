ckpt hash --check /dev/zero good/lenet.ckpt; echo $?
(printf '{"schema":"ckpt.hash/1","tensors":['; yes '{"name":"w","digest":"00"},' | tr -d '\n' | head -c 1000000) > $tmp/cut.json
ckpt hash --check $tmp/cut.json good/lenet.ckpt 2>&1 | sed "s,$tmp/,,"; echo ${PIPESTATUS[0]}
ckpt hash --check good good/lenet.ckpt; echo $?
ckpt hash --check $tmp/none good/lenet.ckpt 2>&1 | sed "s,$tmp/,,"; echo ${PIPESTATUS[0]}
