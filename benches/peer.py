"""What one would write in an afternoon: asyncio and aiohttp, a request for each job, no journal, no sync, no check.

    peer.py MANIFEST OUT CONCURRENCY     BASE, KEY and POLL (seconds) come from the environment
"""

import asyncio
import csv
import os
import sys
from pathlib import Path

import aiohttp

BASE, POLL = os.environ["BASE"], float(os.environ.get("POLL", "1"))
HEADERS = {"Authorization": f"Bearer {os.environ['KEY']}"}


async def edit(session, slots, row, out):
    async with slots:
        body = {"prompt": row["prompt"], "images": row["images"].split("|")}
        url = f"{BASE}/api/v1/models/flux-2-pro-edit/generate"
        async with session.post(url, json=body, headers=HEADERS) as answer:
            prediction = await answer.json()
        url = f"{BASE}/api/v1/predictions/{prediction['id']}"
        while prediction["status"] == "processing":
            await asyncio.sleep(POLL)
            async with session.get(url, headers=HEADERS) as answer:
                prediction = await answer.json()
        for output in prediction["outputs"]:
            async with session.get(output) as answer:
                (out / f"{row['id']}.png").write_bytes(await answer.read())


async def main(manifest, out, concurrency):
    out.mkdir(parents=True, exist_ok=True)
    slots = asyncio.Semaphore(concurrency)
    with open(manifest, newline="") as file:
        rows = list(csv.DictReader(file))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:
        await asyncio.gather(*(edit(session, slots, row, out) for row in rows))


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
