"""A trainer on a Temporal task queue of its own: the same contract of files, in a folder that both sides see.

    python worker.py            # TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TASK_QUEUE, COUNTERSIGN_EXCHANGE

The engine lays out a job folder in its exchange, this worker runs a trainer in it and heartbeats, and the engine
takes and inspects what was written. Only the folder is shared: no database, no keys, no artifact store.
"""

import asyncio
import os
import sys
from pathlib import Path

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

TRAINER = os.environ.get("TRAINER", str(Path(__file__).resolve().parents[2] / "python/trainers/lightgbm_trainer.py"))


@activity.defn(name="train")
async def train(job: dict) -> str:
    """`job`: { contract, release, job, folder }. The exchange may be mounted elsewhere here than at the engine."""
    exchange = os.environ.get("COUNTERSIGN_EXCHANGE")
    folder = Path(exchange) / job["job"] if exchange else Path(job["folder"])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-B", TRAINER, cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    lines = []
    told = asyncio.create_task(tell(process, lines))
    try:
        while True:
            activity.heartbeat(lines[-1] if lines else "started")
            try:
                await asyncio.wait_for(asyncio.shield(told), timeout=5)
                break
            except asyncio.TimeoutError:
                continue
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    (folder / "log.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if code != 0:
        raise RuntimeError(lines[-1] if lines else f"the trainer ended with exit code {code}")
    return lines[-1] if lines else "done"


async def tell(process, lines):
    async for line in process.stdout:
        lines.append(line.decode("utf-8", "replace").rstrip())


async def main():
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"), namespace=os.environ.get("TEMPORAL_NAMESPACE", "default")
    )
    queue = os.environ.get("TASK_QUEUE", "python-trainer")
    print(f"Takes trainings from {queue}.", flush=True)
    await Worker(client, task_queue=queue, activities=[train]).run()


if __name__ == "__main__":
    asyncio.run(main())
