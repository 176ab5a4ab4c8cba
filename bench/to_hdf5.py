"""Writes the tensors of a safetensors file into an HDF5 file, for h5diff: to_hdf5.py IN OUT."""

import json
import sys

import h5py
import numpy

with open(sys.argv[1], "rb") as file:
    size = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(size))
bytes_of_all = numpy.memmap(sys.argv[1], mode="r", offset=8 + size)
with h5py.File(sys.argv[2], "w") as out:
    for name, tensor in header.items():
        if name != "__metadata__":
            first, end = tensor["data_offsets"]
            out.create_dataset(name, data=bytes_of_all[first:end].view(numpy.float32).reshape(tensor["shape"]))
