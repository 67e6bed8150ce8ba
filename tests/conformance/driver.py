"""Runs generated scripts of calls against whichever dotscience is installed, and answers with what they gave.

Reads one JSON object per line, {"folder": …, "calls": [[verb, arguments, keywords], …]}, and writes one list per line:
per call the run block of a publish, the name of the built-in exception it raised, or whether it gave back its last argument.
"""

import io
import json
import os
import sys
from types import SimpleNamespace

import dotscience

BUILT_IN = (RuntimeError, ValueError, TypeError, OSError)
ANSWERS, sys.stdout = sys.stdout, io.StringIO()


def answer(recorder, verb, arguments, keywords):
    try:
        return call(recorder, verb, arguments, keywords)
    except BUILT_IN as error:
        return next(kind.__name__ for kind in BUILT_IN if isinstance(error, kind))


def call(recorder, verb, arguments, keywords):
    if verb == "chdir":
        return os.chdir(*arguments)
    if verb == "publish":
        stream = io.StringIO()
        recorder.publish(*arguments, stream=stream, **keywords)
        return stream.getvalue()
    if verb == "model":
        framework, *rest = arguments
        arguments = [SimpleNamespace(__name__=framework, __version__="1.2"), *rest]
    result = getattr(recorder, verb)(*arguments, **keywords)
    return "given back" if arguments and result is arguments[-1] else result


for line in sys.stdin:
    request = json.loads(line)
    os.chdir(request["folder"])
    recorder = dotscience.Dotscience()
    print(json.dumps([answer(recorder, *each) for each in request["calls"]]), file=ANSWERS, flush=True)
