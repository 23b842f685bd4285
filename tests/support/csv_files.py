"""CSV files as a reader of the pages gets them."""

import csv

from django.test import Client


def read_csv(client: Client, path: str, table: str = "") -> list[dict[str, str]]:
    """Return the rows of a page's CSV file, each a dict by the headings."""
    answer = client.get(path, {"format": "csv", **({"table": table} if table else {})})
    assert answer.status_code == 200, path
    body = b"".join(answer) if answer.streaming else answer.content
    return list(csv.DictReader(body.decode("utf-8-sig").splitlines()))
