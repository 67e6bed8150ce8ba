"""Records where data science results come from.

    import dotscience as ds

    frame = pd.read_csv(ds.input("data.csv"))
    forest = RandomForestClassifier(n_estimators=ds.parameter("trees", 100)).fit(frame[columns], frame.target)
    ds.metric("accuracy", forest.score(held_out, answers))
    joblib.dump(forest, ds.model(sklearn, "forest", "forest.joblib"))
    ds.publish("trained a forest")

Every function hands back what it was given. `ds.publish()` writes one permanent record; the `ds` command
answers from the records where a file came from.
"""

from __future__ import annotations

from .recorder.recorder import Recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .catalog.runs import get, runs
    from .recorder.run import Run
    from .records.destination import Connect
    from .records.surroundings import Factory

__version__ = "1.0.0"


def _surroundings() -> Factory:
    from .capture import surroundings

    return surroundings


def _connecting() -> Connect:
    from .client.connection import connect

    return connect


_default = Recorder(surroundings=_surroundings, connecting=_connecting)

interactive = _default.interactive
script = _default.script
remote = _default.remote
connect = _default.connect
start = _default.start
end = _default.end
publish = _default.publish
run = _default.run

input = _default.input
add_input = _default.add_input
add_inputs = _default.add_inputs
output = _default.output
add_output = _default.add_output
add_outputs = _default.add_outputs
model = _default.model
add_model = _default.add_model

label = _default.label
add_label = _default.add_label
add_labels = _default.add_labels
parameter = param = _default.parameter
add_parameter = _default.add_parameter
add_parameters = _default.add_parameters
metric = summary = _default.metric
add_metric = add_summary = _default.add_metric
add_metrics = add_summaries = _default.add_metrics
log = _default.log

description = _default.description
set_description = _default.set_description
error = _default.error
set_error = _default.set_error
debug = _default.debug

Dotscience = Recorder

_LATER = {
    "Run": (".recorder.run", "Run"),
    "runs": (".catalog.runs", "runs"),
    "get": (".catalog.runs", "get"),
}

__all__ = [
    "Dotscience",
    "Recorder",
    "Run",
    "add_input",
    "add_inputs",
    "add_label",
    "add_labels",
    "add_metric",
    "add_metrics",
    "add_model",
    "add_output",
    "add_outputs",
    "add_parameter",
    "add_parameters",
    "add_summaries",
    "add_summary",
    "connect",
    "debug",
    "description",
    "end",
    "error",
    "get",
    "input",
    "interactive",
    "label",
    "log",
    "metric",
    "model",
    "output",
    "param",
    "parameter",
    "publish",
    "remote",
    "run",
    "runs",
    "script",
    "set_description",
    "set_error",
    "start",
    "summary",
]


def __getattr__(name: str) -> Any:
    """Functions of other layers, imported when they are first used."""
    if name not in _LATER:
        raise AttributeError(f"module 'dotscience' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _LATER[name]
    value = globals()[name] = getattr(import_module(module, __name__), attribute)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
