#!/bin/sh
# Has promtool read and try what the book gives to a monitoring: the alert rules with their tests, and every expression of the dashboard.
set -eu
cd "$(dirname "$0")/../docs/operations"
promtool check rules alerts.yaml
promtool test rules alerts.test.yaml
expressions=$(mktemp)
trap 'rm -f "$expressions"' EXIT
python3 - >"$expressions" <<'PYTHON'
import json

panels = json.load(open("dashboard.json"))["panels"]
texts = [target["expr"] for panel in panels for target in panel.get("targets", [])]
# What Grafana puts in itself.
texts = [text.replace("$__rate_interval", "5m").replace("$instance", ".*") for text in texts]
print(json.dumps({"groups": [{"name": "dashboard", "rules": [{"record": f"r{number}", "expr": text} for number, text in enumerate(texts)]}]}))
PYTHON
promtool check rules "$expressions"
