#!/usr/bin/env python3
"""The schemas themselves: each is one, says what every key means, and takes no key it does not know."""

import json
import pathlib
import unittest

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent.parent / "schemas"


def objects(schema):
    """Every description of an object in it."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


class Schemas(unittest.TestCase):
    def test_each(self):
        paths = sorted(SCHEMAS.glob("*.json"))
        self.assertTrue(paths)
        for path in paths:
            with self.subTest(path.name):
                schema = json.loads(path.read_text())
                jsonschema.Draft202012Validator.check_schema(schema)
                name, version = schema["title"].split("/")
                self.assertEqual(path.name, f"{name}.{version}.schema.json")
                self.assertEqual(schema["properties"]["schema"]["const"], schema["title"])
                self.assertEqual(next(iter(schema["properties"])), "schema")
                for described in objects(schema):
                    self.assertIs(described.get("additionalProperties"), False)
                    for key, value in described["properties"].items():
                        self.assertIn("description", value, key)
                        self.assertTrue(value["description"].endswith("."), key)


if __name__ == "__main__":
    unittest.main()
