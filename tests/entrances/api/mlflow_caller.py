# SPDX-License-Identifier: Apache-2.0
"""What `test_mlflow_client.py` runs where MLflow is installed: asks with MLflow's own clients, and prints what they were told.

    python mlflow_caller.py PORT NAMES ROWS      (the two as JSON)

The key is found as each client finds it: in the file that NETRC names, and in MLFLOW_TRACKING_TOKEN.
"""

import json
import sys

import numpy as np
import pandas as pd
from mlflow.deployments import get_deploy_client
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.utils.proto_json_utils import dump_input_data

PROBABILITIES = {"predict_method": "predict_proba"}


def main(port: str, names: list[str], rows: list[list]) -> dict:
    scoring = ScoringServerClient("127.0.0.1", f"{port}/models/income")
    scoring.wait_server_ready(timeout=20)
    table = pd.DataFrame(rows, columns=names)
    nameless = pd.DataFrame(rows)
    deployments = get_deploy_client(f"http://127.0.0.1:{port}")
    probable = scoring.invoke(table, params=PROBABILITIES)
    return {
        "version": scoring.get_version(),
        "has_nan": "NaN" in dump_input_data(table),
        "labels": {
            "a table": labels(scoring.invoke(table)),
            "a table without names": labels(scoring.invoke(nameless)),
            "an array": labels(scoring.invoke(np.array(rows, dtype=object))),
            "lists": labels(scoring.invoke(rows)),
            "objects": labels(scoring.invoke(records(names, rows))),
            "a deployment": labels(deployments.predict(endpoint="income", inputs={"dataframe_records": records(names, rows)})),
        },
        "probabilities": probable.get_predictions("ndarray", dtype="float64").tolist(),
        "classes": probable["classes"],
        "refused": {
            "a row that does not fit": told(lambda: scoring.invoke([["very-secret-payload"] * 3])),
            "a model that is not there": told(lambda: ScoringServerClient("127.0.0.1", f"{port}/models/nobody").invoke(rows)),
            "a model that is not there, as an endpoint": told(
                lambda: deployments.predict(endpoint="nobody", inputs={"inputs": rows})
            ),
        },
    }


def labels(answer) -> list[str]:
    if hasattr(answer, "get_predictions"):
        return answer.get_predictions()[0].tolist()
    return answer["predictions"]


def records(names, rows) -> list[dict]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def told(act) -> str:
    try:
        act()
    except Exception as refused:  # noqa: BLE001  # the clients raise nothing narrower
        return str(refused)
    return "nothing went wrong"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]))) + "\n")
