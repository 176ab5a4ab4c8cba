"""MindSpore, for the tests of this folder: values as in interop.py."""

import multiprocessing
import threading

import mindspore
import numpy as np
from mindspore._c_expression import TensorPy


def value_of(loaded):
    """One of the values that load_checkpoint gives."""
    if isinstance(loaded, str):
        return ("string", loaded) if is_text(loaded) else ("broken string",)
    if isinstance(loaded, list):
        return ("map", [(str(part.dtype), tuple(part.shape), part.tobytes()) for part in loaded])
    dims = tuple(loaded.shape)
    if any(dim < 0 for dim in dims):
        return ("impossible tensor", dims)
    content = b"" if 0 in dims else bytes(loaded.get_bytes())  # which has nothing to give of such
    return ("tensor", str(loaded.dtype), dims, content)


def is_text(text):
    """NumPy makes strings of numbers that are no code points; whoever looks at such a one gets an exception."""
    try:
        text.encode("utf-32-le", "surrogatepass").decode("utf-32-le", "surrogatepass")
    except (SystemError, UnicodeError):
        return False
    return True


def load(path, **options):
    """mindspore.load_checkpoint as a dict of values."""
    return {name: value_of(value) for name, value in mindspore.load_checkpoint(str(path), **options).items()}


def tensor(content, dims, dtype):
    """A Tensor of exactly these bytes, whatever NumPy knows of its type."""
    return mindspore.Tensor(TensorPy.convert_bytes_to_tensor(bytes(content), tuple(dims), dtype))


def parameter(name, content, dims, dtype):
    return mindspore.Parameter(tensor(content, dims, dtype), name=name)


def array_value(array, dtype):
    """The value of a NumPy array that was saved."""
    return ("tensor", dtype, array.shape, np.ascontiguousarray(array).tobytes())


def wait_for_background_saves():
    """MindSpore gives its threads and processes this name, spelled so, and no way to wait for them."""
    for process in multiprocessing.active_children():
        if process.name == "asyn_save_ckpt":
            process.join()
    for thread in threading.enumerate():
        if thread.name == "asyn_save_ckpt":
            thread.join()
