"""Step 2: train a classifier on the training set, logging its loss after each tree."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
import sklearn
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import dotscience as ds

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trees", type=int, default=100)
parser.add_argument("--depth", type=int, default=3)
parser.add_argument("--learning-rate", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

ds.start("train a classifier of tumours")
ds.label("stage", "experiment")

frame = pd.read_csv(ds.input("data/train.csv"))
features, target = frame.drop(columns="target"), frame["target"]
fit_x, held_x, fit_y, held_y = train_test_split(features, target, random_state=args.seed)

classifier = GradientBoostingClassifier(
    n_estimators=ds.parameter("trees", args.trees),
    max_depth=ds.parameter("depth", args.depth),
    learning_rate=ds.parameter("learning_rate", args.learning_rate),
    random_state=ds.parameter("seed", args.seed),
).fit(fit_x, fit_y)

curves = zip(classifier.staged_predict_proba(fit_x), classifier.staged_predict_proba(held_x), strict=True)
for step, (fitted, held) in enumerate(curves, start=1):
    ds.log({"loss": log_loss(fit_y, fitted), "held_loss": log_loss(held_y, held)}, step=step)
ds.metric("held_accuracy", classifier.score(held_x, held_y))

Path("models").mkdir(exist_ok=True)
joblib.dump(classifier, ds.model(sklearn, "tumours", "models/tumours.joblib"))
ds.publish()
