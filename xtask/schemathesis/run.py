"""Holds a running server against its own document: no 5xx, and no answer that is not published.

Usage: run.py BASE KEY_FILE FOLDER SEED EXAMPLES

A session is opened first, for the calls that users make for themselves. What ends that session is
tested last, with another one.
"""

import json
import pathlib
import subprocess
import sys
import urllib.request

base, key_file, folder, seed, examples = sys.argv[1:]
key = pathlib.Path(key_file).read_text().strip()

# What the document promises and how the server behaves are compared; whether data that fits the
# schema is accepted is not, since a token that was made up fits too.
CHECKS = ",".join([
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "missing_required_header", "unsupported_method", "allow_header_conformance",
    "use_after_free", "ignored_auth",
])
REFUSALS = "[400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 431]"


def sign_in(subject):
    body = json.dumps({"subject": subject}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}/v1/sessions", body, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


def run(name, *filters):
    config = pathlib.Path(folder) / f"{name}.toml"
    # Somebody of its own: the tester may disable whoever it has heard of.
    token = sign_in(f"a-bystander-of-{name}")
    config.write_text(
        f'[auth.openapi.apiKey]\nbearer = "{key}"\n'
        f'[auth.openapi.sessionToken]\nbearer = "{token}"\n'
        f"[checks]\nnegative_data_rejection.expected-statuses = {REFUSALS}\n"
        # Each check of a batch is answered by itself, its 422 too, within a 200.
        '[[operations]]\ninclude-operation-id = "checkBatch"\n'
        f"checks.negative_data_rejection.expected-statuses = [200, {REFUSALS[1:]}\n"
    )
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
        "run", f"{base}/openapi.json", "--url", base, "--checks", CHECKS, "--seed", seed,
        "--max-examples", examples, "--continue-on-failure", "--no-color",
        "--request-timeout", "20", "--header", "Accept: application/json", "--output-truncate", "true", "--warnings", "off", *filters,
    ]
    return subprocess.run(command, cwd=folder).returncode


# Streams do not end by themselves, and the tester waits for the end of each answer. Asked for
# JSON, /v1/events answers with a page.
streams = ["--exclude-path", "/me/events"]
failed = run("all", "--exclude-operation-id", "logOut", *streams)
failed |= run(
    "log-out", "--include-operation-id", "logOut", "--phases", "examples,coverage,fuzzing",
)
sys.exit(failed)
