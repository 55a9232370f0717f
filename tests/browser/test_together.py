"""Alike images at once: by keyboard, by pointer, on a phone; what the ledger keeps of it."""

from __future__ import annotations

import shutil

import pytest

from ncenet.run.held_out import held_out_ids
from tests.browser.conftest import KEYS
from tests.web.conftest import truth

SIZES = ("--held-out", "12", "--initial", "12", "--query-size", "12", "--first", "random")


def tiles(ann):
    return ann.page.evaluate("[...document.querySelectorAll('.tile')].map(t => t.dataset.id)")


def crossed_out(ann):
    return ann.page.evaluate("[...document.querySelectorAll('.tile.out')].map(t => t.dataset.id)")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Photographs, and the run once it has a model; each test goes on with a copy."""
    return tmp_path_factory.mktemp("learned")


@pytest.fixture
def learned(place, server, annotator, tmp_path):
    """A page with a model that is sure of a few images."""

    def open(**options):
        here = {"images": 120, "steps": 120, "photos": place / "photos"}
        if not (place / "run").exists():
            running = server(*SIZES, **here)
            ann = annotator(running)
            ann.answer(24)
            ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
            running.kill()
            (tmp_path / "run").rename(place / "run")
        shutil.copytree(place / "run", tmp_path / "run")
        running = server(*SIZES, **here)
        ann = annotator(running, **options)
        ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
        return running, ann

    return open


def opened(ann):
    ann.page.keyboard.press(".")
    ann.page.wait_for_selector(".tile")
    ann.page.wait_for_function("() => [...document.querySelectorAll('.tile img')].every(i => i.naturalWidth)")
    return ann.page.inner_text("#together h2")


def test_a_group_by_keyboard_is_told_of_in_the_ledger_and_undone(learned):
    running, ann = learned()
    title = opened(ann)
    label = title.removeprefix("Are these all ").rstrip("?")
    shown = tiles(ann)
    wrong = [id for id in shown if truth(id) != label]
    for id in wrong:
        ann.page.focus(f".tile[data-id='{id}']")
        ann.page.keyboard.press("Space")
    first = next(id for id in shown if id not in wrong)
    ann.page.focus(f".tile[data-id='{first}']")
    ann.page.keyboard.press("Space")
    assert set(crossed_out(ann)) == {*wrong, first}
    ann.page.keyboard.press("Space")
    ann.page.keyboard.press(KEYS[label])
    ann.settled()
    kept = set(shown) - set(wrong)
    with running.ledger as ledger:
        labels = dict(ledger.labeled())
        assert {id: labels[id] for id in kept} == dict.fromkeys(kept, label)
        assert ledger.again.together() == kept and not kept & set(held_out_ids(ledger))
        (group,) = ledger.again.groups()
        assert (group.shown, group.kept) == (len(shown), len(kept))
        checked = [second.id for second in ledger.again.waiting()]
        assert len(checked) == -(-len(kept) // 20) and set(checked) <= kept, "a sample is asked again"
    if wrong:  # they stay on screen as the rest
        assert "The rest" in ann.page.inner_text("#together h2") and set(tiles(ann)) == set(wrong)
        ann.page.keyboard.press("Escape")
    ann.page.keyboard.press("z")
    ann.page.wait_for_function("n => document.querySelectorAll('.tile').length === n", arg=len(shown))
    ann.settled()
    with running.ledger as ledger:
        assert not kept & dict(ledger.labeled()).keys()
        assert len([event for event in ledger.events() if event.kind == "undo"]) == len(kept)
    ann.page.keyboard.press(".")
    assert ann.page.is_hidden("#together")
    assert ann.mistakes == []


HELD = """() => {
    // No group comes by itself; answered in the page, so that nothing waits for this process.
    const real = window.fetch, none = () => new Response('{"group": null}');
    window.held = [];
    window.fetch = (path, ...rest) => !String(path).endsWith('api/group') ? real(path, ...rest)
        : window.late ? Promise.resolve(none()) : new Promise(resolve => window.held.push(resolve));
    window.release = () => { window.late = true; window.held.forEach(resolve => resolve(none())); };
}"""


def test_undo_is_sooner_than_the_next_group_and_works_without_one(learned):
    running, ann = learned()
    title = opened(ann)
    shown = tiles(ann)
    label = title.removeprefix("Are these all ").rstrip("?")
    ann.page.evaluate(HELD)
    ann.page.keyboard.press(KEYS[label])
    ann.page.keyboard.press(KEYS[label])  # means nothing: these images have a label
    ann.settled()
    ann.page.keyboard.press("z")
    ann.settled()
    assert ann.page.evaluate("held.length") == 1
    ann.page.evaluate("release()")
    ann.page.wait_for_timeout(200)  # for what must not come
    assert tiles(ann) == shown, "what was undone stays"
    with running.ledger as ledger:
        kinds = [event.kind for event in ledger.events() if event.id in shown]
        assert kinds == ["answer"] * len(shown) + ["undo"] * len(shown)
    ann.page.keyboard.press(KEYS[label])
    ann.page.wait_for_selector("text=There is no group to label now")
    ann.page.keyboard.press("z")
    assert tiles(ann) == shown
    assert ann.mistakes == []


SIDES = """() => {
    const sheet = document.querySelector('.tiles').getBoundingClientRect();
    const tiles = [...document.querySelectorAll('.tile')].map(tile => tile.getBoundingClientRect());
    return [tiles[0].width, sheet.width, Math.max(...tiles.map(tile => tile.bottom)) - sheet.bottom];
}"""


def test_ranges_are_crossed_out_by_shift_and_the_rest_gets_a_class_of_its_own(learned):
    running, ann = learned()
    opened(ann)
    shown = tiles(ann)
    side, wide, below = ann.page.evaluate(SIDES)
    assert below <= 0, "all are in sight"
    ann.page.set_viewport_size({"width": 640, "height": 480})
    ann.page.wait_for_function(f"() => ({SIDES})()[1] !== {wide}")
    smaller, _, below = ann.page.evaluate(SIDES)
    assert smaller < side <= 224 and (below <= 0 or smaller <= 120), "as large as fits"
    ann.page.set_viewport_size({"width": 1280, "height": 720})
    ann.page.focus(f".tile[data-id='{shown[0]}']")
    ann.page.keyboard.down("Shift")
    ann.page.keyboard.press("ArrowRight")
    ann.page.keyboard.up("Shift")
    assert crossed_out(ann) == shown[:2]
    ann.page.keyboard.press(KEYS["blue"])
    ann.page.wait_for_function(
        "() => document.querySelector('#together h2').textContent.startsWith('The rest')"
    )
    assert tiles(ann) == shown[:2]
    ann.page.keyboard.press(KEYS["red"])
    ann.settled()
    with running.ledger as ledger:
        labels = dict(ledger.labeled())
    assert [labels[id] for id in shown] == ["red"] * 2 + ["blue"] * (len(shown) - 2)
    ann.page.keyboard.press("?")
    assert "undoes the last group" in ann.page.inner_text("#help")
    ann.page.keyboard.press("Escape")
    views = ("#together", "#pool", "#grid")
    for press, view in ((":", "#pool"), ("g", "#grid"), (".", "#together"), (".", "")):
        ann.page.keyboard.press(press)
        assert [name for name in views if ann.page.is_visible(name)] == ([view] if view else [])
    for button, view in (("#open-grid", "#grid"), ("#open-pool", "#pool"), ("#open-group", "#together")):
        ann.page.click(button)
        assert [name for name in views if ann.page.is_visible(name)] == [view], "one view at a time"
    assert ann.mistakes == []


def test_a_class_that_somebody_else_deletes_is_no_longer_proposed(learned):
    running, ann = learned()
    title = opened(ann)
    label = title.removeprefix("Are these all ").rstrip("?")
    shown = tiles(ann)
    ann.page.keyboard.press("Space")
    ann.page.evaluate("name => ncenet.api.changeClasses({ who: 'bob', kind: 'delete', name })", label)
    ann.page.wait_for_selector("#together h2:has-text('Which class are these?')")
    assert label not in ann.page.inner_text("#together .dock")
    assert tiles(ann) == shown and crossed_out(ann) == shown[:1], "what was crossed out stays"
    ann.page.keyboard.press("Enter")
    other = next(name for name in ("red", "green", "blue") if name != label)
    ann.page.click(f"#together .dock .class:has-text('{other}')")
    ann.settled()
    with running.ledger as ledger:
        labels = dict(ledger.labeled())
    assert {labels.get(id) for id in shown[1:]} == {other} and shown[0] not in labels
    assert ann.mistakes == []


def test_by_pointer_and_on_a_phone(learned):
    running, ann = learned(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    ann.page.tap("#open-group")
    ann.page.wait_for_selector(".tile")
    shown = tiles(ann)
    ann.page.tap(f".tile[data-id='{shown[1]}']")
    assert crossed_out(ann) == [shown[1]]
    assert ann.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    dock = "document.querySelector('#together .dock').getBoundingClientRect()"
    assert ann.page.evaluate(f"{dock}.bottom <= innerHeight && {dock}.height > 40"), (
        "no scrolling for a class"
    )
    ann.page.tap("#together .dock .class >> nth=0")
    ann.settled()
    with running.ledger as ledger:
        assert ledger.again.together() == set(shown) - {shown[1]}
    assert ann.mistakes == []


def test_a_group_is_not_lost_with_the_server_and_counts_once(learned):
    running, ann = learned()
    opened(ann)
    shown = tiles(ann)
    running.kill()
    ann.page.keyboard.press("Enter")
    assert ann.page.evaluate("ncenet.outbox.waiting") == len(shown)
    running.start()
    ann.settled()
    with running.ledger as ledger:
        assert ledger.again.together() == set(shown)
        assert len([e for e in ledger.events() if e.id in shown]) == len(shown)


def test_what_was_answered_in_a_group_is_asked_again_by_itself_and_compared(learned):
    running, ann = learned()
    opened(ann)
    shown = tiles(ann)
    ann.page.keyboard.press("Enter")
    ann.settled()
    with running.ledger as ledger:
        (second, *_) = ledger.again.waiting()
    ann.page.keyboard.press(".")
    for _ in range(30):
        id = ann.shown()
        if id == second.id:
            break
        ann.answer(1)
    assert ann.shown() == second.id and ann.page.inner_text("#phase") == "", "nobody sees that it is again"
    ann.press(KEYS[truth(second.id)])
    state = ann.until("s.together.checked === 1")
    assert state["together"]["labels"] == len(shown) - 1
    assert "asked again" in ann.page.inner_text("#advice")
    with running.ledger as ledger:
        (twice,) = ledger.again.outcomes("check")
        assert twice.id == second.id and twice.after == truth(second.id)
    assert ann.mistakes == []


def test_the_nearest_images_of_any_image(learned):
    _, ann = learned()
    while ann.page.inner_text("#phase").startswith("Measuring"):
        ann.answer(1)
    ann.page.keyboard.press("/")
    ann.page.wait_for_selector("#why .near.many img")
    assert ann.page.locator("#why .near.many figure").count() == 12
    assert ann.mistakes == []


def label_group(ann):
    """Label the group on screen truly: cross out what is none of its class, and leave that for later."""
    label = ann.page.inner_text("#together h2").removeprefix("Are these all ").rstrip("?")
    shown = tiles(ann)
    strangers = [id for id in shown if truth(id) != label]
    for id in strangers:
        ann.page.click(f".tile[data-id='{id}']")
    if strangers:
        ann.page.keyboard.press(KEYS[label])
        ann.page.wait_for_selector("#together h2:has-text('The rest')")
    ann.page.evaluate("document.querySelector('#together h2').dataset.old = 1")
    ann.page.keyboard.press("Escape" if strangers else KEYS[label])
    ann.page.wait_for_selector("#together h2[data-old]", state="detached")
    return [id for id in shown if id not in strangers]


def test_groups_begin_by_themselves_and_a_few_come_one_by_one_in_between(server, annotator):
    running = server(*SIZES, "--features", "gist", images=170, steps=None)
    ann = annotator(running)
    labels = 0
    while not ann.page.is_visible("#together"):  # once a model is trusted to choose
        assert labels < 60
        labels += len(ann.answer(1))
        ann.settled()
        if ann.state()["training"]["phase"] != "idle":
            state = ann.until("s.training.phase === 'idle'")
            if state["batch"]["asked"]["kind"] == "strategy":
                ann.page.wait_for_selector("#together:not([hidden]) h2")
    assert "From here on groups are faster" in ann.page.inner_text("#together h2")
    later = annotator(running)  # whoever opens a page of which a model chooses already
    labels += len(later.answer(9))
    assert later.page.is_hidden("#together")
    labels += len(later.answer(1))
    later.page.wait_for_selector("#together h2:has-text('From here on groups are faster')")
    later.page.keyboard.press(".")
    later.settled()
    assert later.mistakes == []
    for key in KEYS.values():
        ann.page.keyboard.press(key)  # meant for the single image that was in front a moment ago
    ann.settled()
    with running.ledger as ledger:
        assert len(ledger.labeled()) == labels, "it labels nothing"
        asked = {id for query in ledger.queries() if query.asked.strategy for id in query.query.ids}
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_selector(".tile")
    assert set(tiles(ann)) <= asked, "what the model asks for"
    kept = []
    while not ann.page.is_hidden("#together"):
        kept += label_group(ann)
        ann.page.wait_for_selector(".tile, #together[hidden]", state="attached")
    assert len(kept) >= 40, "then the page goes over to single images"
    ann.answer(9)
    assert ann.page.is_hidden("#together")
    ann.answer(1)
    ann.page.wait_for_selector("#together h2:has-text('Groups again')")
    ann.page.keyboard.press(".")
    ann.answer(2)
    assert ann.page.is_hidden("#together"), "whoever leaves them is left alone"
    ann.settled()
    with running.ledger as ledger:
        assert set(kept) <= ledger.again.together() | {twice.id for twice in ledger.again.outcomes("check")}
    ann.page.reload()
    ann.answer(1)
    assert ann.page.is_hidden("#together"), "by themselves once"
    assert ann.mistakes == []
