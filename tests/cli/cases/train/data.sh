# Damaged data: the file, the place and a sentence.
idx() { printf "\\x00\\x00\\x08\\x$1"; shift; printf "$@"; }
cd "$tmp"
mkdir data
try() { ckpt-train --data data --directory run --network mlp --batch 2 --epochs 1 --threads 1; echo "exit $?"; }
try
idx 03 '\x00\x00\x00\x02\x00\x00\x00\x1c\x00\x00\x00\x1c' > data/train-images-idx3-ubyte
try
idx 01 '\x00\x00\x00\x02\x09\x0a' > data/train-labels-idx1-ubyte
try
idx 01 '\x00\x00\x00\x02\x09\x01' > data/train-labels-idx1-ubyte
try
head -c 1568 /dev/zero >> data/train-images-idx3-ubyte
cp data/train-images-idx3-ubyte data/t10k-images-idx3-ubyte
cp data/train-labels-idx1-ubyte data/t10k-labels-idx1-ubyte
printf x >> data/t10k-labels-idx1-ubyte
try
head -c 9 data/train-labels-idx1-ubyte > data/t10k-labels-idx1-ubyte
try
idx 01 '\x00\x00\x00\x03\x01\x02\x03' > data/t10k-labels-idx1-ubyte
try
rm data/t10k*
gzip -n data/train*
gzip -dc data/train-labels-idx1-ubyte.gz | head -c 7 | gzip -n > cut.gz
cp data/train-labels-idx1-ubyte.gz whole.gz
head -c 20 whole.gz > data/train-labels-idx1-ubyte.gz
try
cp cut.gz data/train-labels-idx1-ubyte.gz
try
ckpt-train --data data --eval run/CKP-1_1.ckpt; echo "exit $?"
ckpt-train --data nowhere; echo "exit $?"
# As torchvision lays them out, and with a dot; and images that claim to be more than their labels, before they are read.
mkdir -p tv/MNIST/raw
gzip -dc whole.gz > tv/MNIST/raw/train-labels.idx1-ubyte
gzip -dc data/train-images-idx3-ubyte.gz > tv/MNIST/raw/train-images.idx3-ubyte
try() { ckpt-train --data tv --directory tv/run --network mlp --batch 2 --epochs 1 --threads 1 > out; echo "exit $?"; }
try
ckpt-train --data tv --best loss; echo "exit $?"
{ idx 03 '\x00\x3d\x09\x00\x00\x00\x00\x20\x00\x00\x00\x20'; head -c 5000000 /dev/zero; } | gzip > tv/MNIST/raw/train-images.idx3-ubyte
try
ls
