"""Sends a batch, follows it to its end and lists its messages. Over gRPC, with code generated from proto/."""

import json
import os
import uuid

import grpc
from grpc_status import rpc_status
from whatsapphub.v1 import batch_pb2, dispatch_service_pb2, dispatch_service_pb2_grpc
from whatsapphub.v1 import error_pb2, message_pb2, status_service_pb2, status_service_pb2_grpc

# Reads may be repeated, and so may BulkSend when it has an idempotency key, as below. A deadline ends it all.
RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": "whatsapphub.v1.DispatchService"}, {"service": "whatsapphub.v1.StatusService"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
OPTIONS = [("grpc.service_config", json.dumps(RETRIES)), ("grpc.max_receive_message_length", 16 * 1024 * 1024)]
KEY = (("authorization", f"Bearer {os.environ['HUB_KEY']}"),)

# Behind TLS: grpc.secure_channel(target, grpc.ssl_channel_credentials(), options=OPTIONS)
dispatch = dispatch_service_pb2_grpc.DispatchServiceStub(
    grpc.insecure_channel(os.environ.get("DISPATCH", "localhost:50051"), options=OPTIONS)
)
status = status_service_pb2_grpc.StatusServiceStub(
    grpc.insecure_channel(os.environ.get("STATUS_QUERY", "localhost:50052"), options=OPTIONS)
)

order = dispatch_service_pb2.BulkSendRequest(
    idempotency_key=f"python-{uuid.uuid4()}",
    content=message_pb2.Content(text=message_pb2.TextContent(body="Hello from Python")),
    recipients=[
        dispatch_service_pb2.Recipient(phone="+1 212 555 0123", metadata={"customer": 42}),
        dispatch_service_pb2.Recipient(phone="+1 212 555 0124"),
        dispatch_service_pb2.Recipient(phone="212 555 0125"),
    ],
)
sent = dispatch.BulkSend(order, metadata=KEY, timeout=30)
print(f"batch {sent.batch_id}: {sent.accepted_count} accepted")
for rejected in sent.rejected:
    print(f"rejected: recipient {rejected.index}, {rejected.reason}")
again = dispatch.BulkSend(order, metadata=KEY, timeout=30)
print("the same call again, the same batch:", str(again.batch_id == sent.batch_id).lower())

watch = status_service_pb2.WatchBatchRequest(batch_id=sent.batch_id)
for update in status.WatchBatch(watch, metadata=KEY):
    counts = [f"{c.count} {message_pb2.MessageStatus.Name(c.status)}" for c in update.batch.counts]
    print("now:", ", ".join(counts))
print(f"settled: {str(update.batch.settled).lower()}, {batch_pb2.BatchState.Name(update.batch.state)}")

messages, token = [], ""
while True:
    page = status.ListMessages(
        status_service_pb2.ListMessagesRequest(batch_id=sent.batch_id, page_size=1, page_token=token),
        metadata=KEY,
        timeout=10,
    )
    messages += page.messages
    token = page.next_page_token
    if not token:
        break
print("listed:", " ".join(sorted(message.recipient for message in messages)))

try:
    status.GetBatch(status_service_pb2.GetBatchRequest(batch_id="nonsense"), metadata=KEY, timeout=10)
except grpc.RpcError as error:
    # error.code() says what kind of refusal it is; the detail says where and why.
    detail = error_pb2.ErrorDetail()
    rpc_status.from_call(error).details[0].Unpack(detail)
    fault = detail.violations[0]
    print(f"refused: {error_pb2.ErrorKind.Name(detail.kind)}, {fault.field}: {fault.reason}")
