"""Write what the package marginaleffects says of a generalised linear model, for the tests of effects.

In an environment of its own, because marginaleffects and statsmodels are no dependencies of this project:

    python -m venv other && other/bin/pip install marginaleffects==0.6.1 statsmodels==0.15.0 "polars<2" pandas
    other/bin/python benchmarks/effects_reference.py tests/analysis/effects/marginaleffects.json

Weighted averages are left out: that version gave the same number with and without weights.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import marginaleffects as me
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

N = 30
FORMULA = "share ~ x + I(x**2) + x:z + z + kind"
KEPT = ("term", "contrast", "kind", "x", "z", "estimate", "std_error", "conf_low", "conf_high")


def made() -> pd.DataFrame:
    """Districts with votes, two covariates and three kinds."""
    rng = np.random.default_rng(1)
    x, z = rng.uniform(2, 40, N).round(2), rng.normal(25, 4, N).round(2)
    kind = rng.choice(["a", "b", "c"], N, p=[0.5, 0.3, 0.2])
    eta = -1.2 - 0.03 * (x - 20) + 0.05 * (z - 25) + 0.3 * (kind == "b") - 0.2 * (kind == "c")
    valid = rng.integers(400, 3000, N)
    votes = rng.binomial(valid, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"votes": votes, "valid": valid, "x": x, "z": z, "kind": kind})


def main() -> None:
    table = made()
    data = table.assign(share=table["votes"] / table["valid"], kind=table["kind"].astype("category"))
    model = smf.glm(FORMULA, data=data, family=sm.families.Binomial(), var_weights=data["valid"]).fit()
    asked = {
        "predictions": me.avg_predictions(model),
        "predictions by kind": me.avg_predictions(model, by="kind"),
        "predictions at 5 and 20": me.predictions(
            model, newdata=me.datagrid.datagrid(model=model, x=[5, 20], grid_type="counterfactual"), by="x"
        ),
        "predictions, mean": me.predictions(model, newdata="mean"),
        "predictions, balanced": me.predictions(model, newdata="balanced"),
        "comparisons": me.avg_comparisons(model, variables={"x": [5, 20], "kind": "reference"}),
        "comparisons by kind": me.avg_comparisons(model, variables={"x": [5, 20]}, by="kind"),
        "slopes": me.avg_slopes(model, variables=["x", "z"]),
        "slopes, mean": me.slopes(model, variables=["x", "z"], newdata="mean"),
    }
    found = {}
    for name, frame in asked.items():
        rows = frame.to_pandas() if hasattr(frame, "to_pandas") else pd.DataFrame(frame.to_dict())
        found[name] = json.loads(rows[[one for one in KEPT if one in rows]].to_json(orient="records"))
    text = {
        "made by": f"benchmarks/effects_reference.py, marginaleffects {version('marginaleffects')}, "
        f"statsmodels {version('statsmodels')}",
        "formula": FORMULA,
        "table": table.to_dict(orient="list"),
        "names": list(model.params.index),
        "estimate": list(model.params),
        "covariance": model.cov_params().to_numpy().tolist(),
        "found": found,
    }
    Path(sys.argv[1]).write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
