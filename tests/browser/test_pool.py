"""The pool in a grid: by keyboard, by pointer, on a phone; filtered, picked, accepted, corrected."""

from __future__ import annotations

from ncenet.run.held_out import held_out_ids
from tests.browser.conftest import KEYS
from tests.web.conftest import truth

SIZES = ("--held-out", "12", "--initial", "12", "--query-size", "12", "--first", "random")

LATE = """() => {
    const { fetch } = window;
    window.fetch = (url, options) => {
        if (!String(options?.body).includes('"order":"name"')) return fetch(url, options);
        return new Promise((then) => setTimeout(then, 600)).then(() => fetch(url, options))
            .finally(() => setTimeout(() => { window.late = true }, 100));
    };
}"""
"""A list by name comes later than the one that is asked for after it."""


def shown(ann):
    """Ids of the tiles in their order, once they are all there and no other list is on its way."""
    ann.page.wait_for_selector(".pool-frame[aria-busy=false]")
    ann.page.wait_for_function(
        "() => { const tiles = [...document.querySelectorAll('.pooled:not([hidden])')];"
        " return tiles.length && tiles.every(t => t.title) }"
    )
    return ann.page.evaluate(
        "[...document.querySelectorAll('.pooled:not([hidden])')].sort((a, b) => a.n - b.n).map(t => t.title)"
    )


SLOW = """() => {
    const before = window.fetch;
    window.fetch = async (path, ...more) => {
        if (!`${path}`.endsWith("api/near")) return before(path, ...more);
        await new Promise((go) => setTimeout(go, 400));
        const answer = await before(path, ...more);
        setTimeout(() => (window.arrived = true), 200);
        return answer;
    };
}"""
"""What is near takes a while to come."""


def picked(ann):
    return ann.page.evaluate("[...document.querySelectorAll('.pooled.picked')].map(t => t.title).sort()")


def test_by_keyboard_filtered_picked_accepted_corrected_and_undone(server, annotator):
    running = server(*SIZES, images=120, steps=120)
    ann = annotator(running)
    ann.answer(24)
    ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
    ann.page.keyboard.press(":")
    everything = shown(ann)
    with running.ledger as ledger:
        assert not set(everything) & ({id for id, _ in ledger.labeled()} | set(held_out_ids(ledger)))
    ann.page.evaluate(LATE)
    ann.page.select_option("#pool select >> nth=0", "=green")
    ann.page.select_option("#pool select >> nth=1", "sure")
    ann.page.wait_for_function(
        "n => document.querySelectorAll('.pooled:not([hidden])').length < n", arg=len(everything)
    )
    greens = shown(ann)
    ann.page.wait_for_function("() => window.late")
    assert shown(ann) == greens, "a list that was asked for before comes too late"
    ann.page.focus(".pooled")
    ann.page.keyboard.press("Home")
    ann.page.keyboard.press("Shift+ArrowRight")
    ann.page.keyboard.press("Shift+ArrowRight")
    assert picked(ann) == sorted(greens[:3])
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function("() => document.querySelectorAll('.pooled.corrected').length === 3")
    ann.settled()
    ann.page.keyboard.press(KEYS["blue"])  # the next one, which has the frame
    ann.page.wait_for_function("() => document.querySelectorAll('.pooled.corrected').length === 4")
    ann.settled()
    with running.ledger as ledger:
        labels = dict(ledger.labeled())
        assert [labels[id] for id in greens[:4]] == ["green"] * 3 + ["blue"]
        assert ledger.again.together() == set(greens[:3])
        assert [kind for _, kind, _ in ledger.dump()["parties"]] == ["picked"]
    ann.page.keyboard.press("z")
    ann.page.keyboard.press("z")
    ann.page.wait_for_function("() => !document.querySelector('.pooled.corrected')")
    ann.settled()
    with running.ledger as ledger:
        assert not set(greens[:4]) & dict(ledger.labeled()).keys()
    ann.page.keyboard.press("/")
    ann.page.wait_for_selector("#near-dialog .near-one img")
    ann.page.click("#near-dialog .near-one >> nth=2")
    ann.page.wait_for_function("() => document.querySelectorAll('#near-dialog .near-one').length === 12")
    ann.page.evaluate(SLOW)
    ann.page.click("#near-dialog .near-one >> nth=1")
    ann.page.keyboard.press("Escape")  # while the next are on their way
    ann.page.wait_for_function("() => window.arrived")
    assert not ann.page.evaluate("document.querySelector('#near-dialog').open"), "what is closed stays closed"
    ann.page.keyboard.press("*")
    assert set(picked(ann)) <= set(greens) and picked(ann)
    ann.page.keyboard.press("Escape")
    assert picked(ann) == []
    ann.page.keyboard.press("Escape")
    assert ann.page.is_hidden("#pool")
    ann.answer(1)
    assert ann.mistakes == []


def test_by_pointer_on_a_phone_and_nothing_is_lost_with_the_server(server, annotator):
    running = server(*SIZES, images=90)
    ann = annotator(running, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    ann.page.tap("#open-pool")
    first, second, *_ = shown(ann)
    assert ann.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    for id in (first, second):
        ann.page.tap(f".pooled[title='{id}']")
    assert picked(ann) == sorted([first, second])
    running.kill()
    ann.page.tap("#pool .dock .class >> nth=0")
    assert ann.page.evaluate("ncenet.outbox.waiting") == 2
    running.start()
    ann.settled()
    with running.ledger as ledger:
        assert [dict(ledger.labeled())[id] for id in (first, second)] == ["red", "red"]
        assert truth(first) in KEYS and ledger.again.together() == {first, second}
