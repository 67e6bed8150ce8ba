"""Step 3: measure the classifier on the test set and plot where it is right."""

import argparse
from pathlib import Path

import joblib
import matplotlib
import pandas as pd
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay, accuracy_score, roc_auc_score

import dotscience as ds

matplotlib.use("Agg")
import matplotlib.pyplot as plt

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threshold", type=float, default=0.5, help="call it benign from this probability on")
args = parser.parse_args()

ds.start("evaluate the classifier")

classifier = joblib.load(ds.input("models/tumours.joblib"))
frame = pd.read_csv(ds.input("data/test.csv"))
target = frame["target"]
probability = classifier.predict_proba(frame.drop(columns="target"))[:, 1]
predicted = probability >= ds.parameter("threshold", args.threshold)

print("accuracy", ds.metric("accuracy", accuracy_score(target, predicted)))
print("area under the ROC curve", ds.metric("auc", roc_auc_score(target, probability)))

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
RocCurveDisplay.from_predictions(target, probability, ax=left)
ConfusionMatrixDisplay.from_predictions(target, predicted, ax=right, display_labels=["malignant", "benign"])
Path("plots").mkdir(exist_ok=True)
figure.savefig(ds.output("plots/evaluation.png"))
ds.publish()
