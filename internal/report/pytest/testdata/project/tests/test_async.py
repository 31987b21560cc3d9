import asyncio

import pytest


@pytest.mark.asyncio
async def test_gather():
    async def broken():
        await asyncio.sleep(0)
        raise asyncio.TimeoutError("the queue never drained")

    await asyncio.gather(broken())
