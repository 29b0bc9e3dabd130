"""What schemathesis cannot know from the description, and a check of our own."""

import itertools
import random

import schemathesis

_random = random.Random(1)
_keys = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes valid requests that reach the database.

    An order in a PUT has the path's id, and few writes have a tag. An idempotency key is another one for each request,
    as its description says. An id that a link takes from a body may be written there as 7.0, which is an integer in
    JSON and none in a path or a query string.
    """
    mode = case.meta.generation.mode if case.meta else None
    if mode is None or not mode.is_positive:
        return
    if case.method == "PUT" and isinstance(case.body, dict) and "order_id" in case.body:
        case.body["order_id"] = int(case.path_parameters["id"])
    for values in (case.path_parameters, case.query):
        for name, value in (values or {}).items():
            if isinstance(value, float) and value.is_integer():
                values[name] = int(value)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f'"key {next(_keys)}"'
    if case.headers and _random.random() < 0.8:
        case.headers.pop("If-Match", None)
        case.headers.pop("If-None-Match", None)


@schemathesis.check
def problem_type_is_described(ctx, response, case):
    """An error has one of the types that its operation and status are described with."""
    description = case.operation.schema.raw_schema
    operation = description["paths"][case.operation.path][case.operation.method.lower()]
    described = operation["responses"].get(str(response.status_code))
    if response.status_code < 400 or described is None or case.method.lower() != case.operation.method.lower():
        return
    if "$ref" in described:
        described = description["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    types = described["x-problem-types"]
    actual = response.json()["type"]
    assert actual in types, f"{actual} is not among the described types {types}"
