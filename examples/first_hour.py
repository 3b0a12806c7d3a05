"""Train on a file, evaluate on another, predict, save and load."""

import elman

model = elman.Classifier(
    cell="lstm", hidden=32, dropout=0.2, lr=0.01, steps=400, verbose=False
)
model.fit("series.csv")

print({name: round(value, 2) for name, value in model.evaluate("new.csv").items()})
print(model.predict_frame("new.csv").head(3))

model.save("runs/series")
again = elman.load("runs/series")
print((again.predict("new.csv") == model.predict("new.csv")).all())
