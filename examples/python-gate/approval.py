"""A payment file that is sent once somebody approved it: a gate of Countersign as a child of a Python workflow.

    python approval.py worker                        runs the workflow `send_payments`
    python approval.py start payments.csv 2026-11    starts it for a file, and waits
    python approval.py ask payments.csv 2026-11      asks by the gate's name alone, without a workflow of one's own

Where: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE. By which rule: POLICY and RULE, a published policy and one of its `external` gates.
"""

import asyncio
import hashlib
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.worker import Worker

QUEUE = "payments"
# Countersign's workers; its gates run there, whoever starts them.
GATE_QUEUE = "lifecycle"


def gate_id(run: str) -> str:
    """`ext.<client>.<id>`: the id says whose gate it is, and one payment run asks once."""
    return f"ext.payments.{run}"


def request(run: str, file: str, digest: str) -> dict[str, Any]:
    """What is asked. Who decides, until when and what happens then stands in the policy and nowhere else."""
    return {
        "gate": gate_id(run),
        "external": {
            "policy": os.environ.get("POLICY", "payments"),
            "rule": os.environ.get("RULE", "send"),
            "subject": {"kind": "payment-file", "id": file, "digest": digest},
            "ask": f"May the payment file {file} be sent to the bank?",
            "why": f"The run {run} is due today.",
            "details": [{"title": "File", "text": f"{file}, {digest}"}],
            "contributors": [{"principal": "ada", "how": "made this file"}],
        },
    }


@activity.defn
async def send_file(file: str) -> str:
    """Where the bank would be."""
    return f"{file} was sent"


@workflow.defn(name="send_payments")
class SendPayments:
    @workflow.run
    async def run(self, run: str, asked: dict[str, Any]) -> dict[str, Any]:
        gate = await workflow.execute_child_workflow(
            "gate",
            asked,
            id=f"gate/{asked['gate']}",
            task_queue=GATE_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            # The people's answer stands even when this workflow is terminated meanwhile.
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            result_type=dict,
        )
        sent = None
        if gate["resolution"] == "approved":
            file = asked["external"]["subject"]["id"]
            sent = await workflow.execute_activity(send_file, file, start_to_close_timeout=timedelta(seconds=30))
        return {"resolution": gate["resolution"], "by": (gate.get("outcome") or {}).get("by"), "sent": sent}


async def connect() -> Client:
    address = os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233")
    return await Client.connect(address, namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"))


async def work() -> None:
    client = await connect()
    async with Worker(client, task_queue=QUEUE, workflows=[SendPayments], activities=[send_file]):
        print("The worker runs.", flush=True)
        await asyncio.Future()


async def main(words: list[str]) -> None:
    if words == ["worker"]:
        return await work()
    command, path, run = words
    digest = "sha256:" + hashlib.sha256(Path(path).read_bytes()).hexdigest()
    asked = request(run, Path(path).name, digest)
    client = await connect()
    print(f"Asked at {asked['gate']}.", flush=True)
    if command == "start":
        result = await client.execute_workflow("send_payments", args=[run, asked], id=f"payments/{run}", task_queue=QUEUE)
    elif command == "ask":
        result = await client.execute_workflow("gate", asked, id=f"gate/{asked['gate']}", task_queue=GATE_QUEUE)
    else:
        raise SystemExit(f"{command} is no command.")
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    # Without the interpreter's shutdown, in which the client's native threads crash a short-lived process
    # now and then (temporalio/sdk-python, issue 300).
    os._exit(0)
