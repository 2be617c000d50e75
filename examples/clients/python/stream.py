"""Sends a text to everybody in a CSV file, however many: BulkSendStream takes them in chunks, and stores as they come.

Run it again with the same key after it broke off: what is stored already is skipped.
"""

import csv
import itertools
import os
import sys

import grpc
from whatsapphub.v1 import dispatch_service_pb2, dispatch_service_pb2_grpc, message_pb2

CHUNK = 1_000


def parts(key, body, rows):
    header = dispatch_service_pb2.BulkSendHeader(
        idempotency_key=key,
        content=message_pb2.Content(text=message_pb2.TextContent(body=body)),
    )
    yield dispatch_service_pb2.BulkSendStreamRequest(header=header)
    recipients = (
        dispatch_service_pb2.Recipient(phone=row.pop("phone"), metadata=row) for row in csv.DictReader(rows)
    )
    while chunk := list(itertools.islice(recipients, CHUNK)):
        yield dispatch_service_pb2.BulkSendStreamRequest(
            recipients=dispatch_service_pb2.RecipientChunk(recipients=chunk)
        )


key, file = sys.argv[1:]
with open(file, newline="") as rows, grpc.insecure_channel(os.environ.get("DISPATCH", "localhost:50051")) as channel:
    answer = dispatch_service_pb2_grpc.DispatchServiceStub(channel).BulkSendStream(
        parts(key, "Hello from Python", rows),
        metadata=(("authorization", f"Bearer {os.environ['HUB_KEY']}"),),
    )
print(f"batch {answer.batch_id}: {answer.accepted_count} accepted, {answer.rejected_count} rejected")
