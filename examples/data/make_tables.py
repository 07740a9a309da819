"""Makes breast_cancer.csv and diabetes.csv from the tables that come with scikit-learn: tables as people have them, with words and holes.

usage: make_tables.py [FOLDER]      needs scikit-learn; the files in the repository are what version 1.9 gives

breast_cancer.csv: Wolberg, Street & Mangasarian, Breast Cancer Wisconsin (Diagnostic), UCI 1995, CC BY 4.0. The first ten features and the
diagnosis as a word; "texture" as a word for its third of the range of ranks; every fortieth cell of some columns is missing.
diabetes.csv: Efron, Hastie, Johnstone & Tibshirani, Least Angle Regression, 2004. All columns; sex as "1" or "2" stands in the source and
becomes a word; some cells are missing.
"""
import csv
import pathlib
import random
import sys

from sklearn.datasets import load_breast_cancer, load_diabetes

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
draw = random.Random(0)


def holes(rows, columns, every, word):
    for row in rows:
        for column in columns:
            if draw.randrange(every) == 0:
                row[column] = word


cancer = load_breast_cancer()
names = [name.replace("mean ", "").replace(" ", "_") for name in cancer.feature_names[:10]] + ["diagnosis"]
order = sorted(cancer.data[:, 1])
low, high = order[len(order) // 3], order[2 * len(order) // 3]
rows = []
for values, target in zip(cancer.data, cancer.target):
    row = [f"{value:.6g}" for value in values[:10]]
    row[1] = "coarse" if values[1] > high else "fine" if values[1] < low else "medium"
    rows.append(row + [str(cancer.target_names[target])])
holes(rows, (2, 4, 6), 40, "?")
holes(rows, (1,), 60, "")
with open(folder / "breast_cancer.csv", "w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows([names] + rows)

diabetes = load_diabetes(scaled=False)
rows = []
for values, target in zip(diabetes.data, diabetes.target):
    row = [f"{value:.6g}" for value in values]
    row[1] = "first" if values[1] == 1 else "second"
    rows.append(row + [f"{target:.0f}"])
holes(rows, (2, 3), 40, "NA")
holes(rows, (6, 9), 50, "")
with open(folder / "diabetes.csv", "w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows([list(diabetes.feature_names) + ["progression"]] + rows)
