"""What pages hear of a run."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from ncenet.web.events import Hub


def test_pages_hear_of_what_goes_wrong_and_of_the_next_change():
    """The thread that tells them outlives whatever the state can't be made of."""
    states: list = [RuntimeError("no state"), {"labeled": 3}]

    def snapshot():
        state = states.pop(0)
        if isinstance(state, Exception):
            raise state
        return state

    async def hear(hub: Hub) -> list[str]:
        events = hub.listen()
        heard = [await anext(events)]
        for _ in range(2):
            hub.change()
            heard.append(await asyncio.wait_for(anext(events), 20))
        await events.aclose()
        return heard

    hub = Hub(snapshot)
    with ThreadPoolExecutor(1) as thread:  # in this one the driver of a browser may have a loop that runs
        heard = thread.submit(asyncio.run, hear(hub)).result()
    hub.close()
    why = "the state of the run can't be told: RuntimeError: no state"
    assert heard == [
        "retry: 1000\n\n",
        f'event: trouble\ndata: {{"error": "{why}"}}\n\n',
        'data: {"labeled": 3}\n\n',
    ]


def test_one_page_too_many_and_the_longest_there_goes():
    """Whoever has a link and opens streams without end takes nobody's connection away."""

    async def hear(hub: Hub) -> list[bool]:
        pages = [hub.listen() for _ in range(5)]
        for page in pages:
            await anext(page)
        hub.change()
        ended = []
        for page in pages:
            try:
                await asyncio.wait_for(anext(page), 20)
                ended.append(False)
            except StopAsyncIteration:
                ended.append(True)
        for page in pages:
            await page.aclose()
        return ended

    hub = Hub(lambda: {"labeled": 3}, most=3)
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, hear(hub)).result()
    hub.close()
    assert ended == [True, True, False, False, False]
