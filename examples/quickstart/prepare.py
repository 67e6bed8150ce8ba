"""Step 1: drop incomplete rows and split the raw measurements into a training and a test set."""

import argparse

import pandas as pd
from sklearn.model_selection import train_test_split

import dotscience as ds

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--test-size", type=float, default=0.25, help="share of the rows to test with")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

ds.start("split the measurements")

measurements = pd.read_csv(ds.input("data/raw.csv")).dropna()
train, test = train_test_split(
    measurements,
    test_size=ds.parameter("test_size", args.test_size),
    random_state=ds.parameter("seed", args.seed),
    stratify=measurements["target"],
)
train.to_csv(ds.output("data/train.csv"), index=False)
test.to_csv(ds.output("data/test.csv"), index=False)

ds.add_metrics(train_rows=len(train), test_rows=len(test))
ds.publish()
