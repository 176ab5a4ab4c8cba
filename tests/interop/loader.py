"""Loads files that may crash their reader, each in a process of its own."""

import os
import pickle
import resource
import signal
import traceback

import theirs

MEMORY = 3 << 30  # for each process: a file of 34 bytes can ask for 16 GiB
SECONDS = 300  # on a busy machine


def load_each(jobs, processes=2):
    """An outcome for each (path, options): ("loaded", values), ("refused", message) or ("crashed", signal).

    MindSpore is imported once, by `theirs`, and every file is loaded in a fork of that.
    """
    shards = [start_shard(jobs[first::processes]) for first in range(processes)]
    outcomes = [None] * len(jobs)
    for first, (process, results) in enumerate(shards):
        with results:
            outcomes[first::processes] = pickle.load(results)
        os.waitpid(process, 0)
    return outcomes


def start_shard(jobs):
    return in_child(lambda: [load_alone(path, options) for path, options in jobs])


def load_alone(path, options):
    process, results = in_child(lambda: load(path, options))
    with results:
        answer = results.read()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return ("crashed", signal.Signals(os.WTERMSIG(status)).name)
    return pickle.loads(answer)


def in_child(work):
    """Runs `work` in a fork; what it returns can be read, pickled, from the file given."""
    read_end, write_end = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(read_end)
            with os.fdopen(write_end, "wb") as out:
                pickle.dump(work(), out)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(write_end)
    return process, os.fdopen(read_end, "rb")


def load(path, options):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)  # what the C library prints when it finds its heap broken
    try:
        return ("loaded", theirs.load(path, **options))
    except Exception as error:  # whatever it raises is a refusal
        return ("refused", f"{type(error).__name__}: {root_of(error)}")


def root_of(error):
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
