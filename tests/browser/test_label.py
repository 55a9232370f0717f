"""People at the page: two cycles by keyboard, a killed server, two windows, the grid."""

from __future__ import annotations

from collections import Counter

from ncenet.ledger.provenance import HELD_OUT
from tests.browser.conftest import SLIPS
from tests.web.conftest import truth

SIZES = ("--held-out", "10", "--initial", "10", "--query-size", "10")


def test_sixty_images_by_keyboard_through_two_cycles(server, annotator):
    running = server(*SIZES)
    ann = annotator(running)
    assert "Measuring" in ann.page.inner_text("#phase")
    measured = ann.answer(10)
    ann.settled()
    with running.ledger as ledger:
        assert set(measured) == set(ledger.latest_query(by=HELD_OUT).query.ids)

    first = ann.answer(10)
    skipped = ann.press("s")
    undone = ann.press(SLIPS[truth(ann.shown(skipped))])  # a slip
    ann.shown(undone)
    ann.page.keyboard.press("z")
    ann.shows(undone)
    ann.answer(1)

    ann.until("s.curve.length >= 1")
    ann.page.wait_for_selector("#curve svg")
    ann.page.keyboard.press("n")
    ann.page.fill("#ask-input", "mauve")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_selector(".class[data-name=mauve]")
    new = ann.press("4")
    ann.shown(besides=new)
    ann.page.keyboard.press("b")
    ann.shows(new)
    assert ann.page.get_attribute(".class.given", "data-name") == "mauve"
    ann.page.keyboard.press("Escape")

    before = 10 + len(first) + 1 + 1
    ann.answer(60 - before)
    state = ann.until("s.curve.length >= 2")
    ann.settled()
    assert state["batch"]["cycle"] >= 2
    with running.ledger as ledger:
        labels = dict(ledger.labeled())
        assert len(labels) == 60 and skipped in ledger.closed_ids() - labels.keys()
        assert {id: label for id, label in labels.items() if label != truth(id)} == {new: "mauve"}
        kinds = Counter(event.kind for event in ledger.events())
        assert kinds == {"answer": 61, "skip": 1, "undo": 1}
    assert ann.mistakes == []


def test_what_the_model_says_is_told_on_request_alone(server, annotator):
    running = server(*SIZES, "--first", "random")  # trusts the model from the first on
    ann = annotator(running)
    ann.page.keyboard.press("w")
    ann.page.wait_for_selector("#why:not([hidden])")
    assert "the model says nothing about it" in ann.page.inner_text("#why")
    ann.answer(20)
    ann.until("s.curve.length >= 1 && s.training.phase === 'idle'")
    while not ann.page.inner_text("#phase").startswith("Between classes"):
        ann.answer(1)  # whatever was in front of the person stays until it is answered
    assert ann.page.query_selector(".suggested") is None, "blind by default"
    ann.page.keyboard.press("h")
    ann.page.wait_for_selector(".class.suggested")
    ann.page.keyboard.press("w")
    ann.page.wait_for_selector("#why .near img")
    why = ann.page.inner_text("#why")
    assert "The model" in why and "Nearest labelled images" in why and "rejection" not in why, "behind a fold"
    assert ann.mistakes == []


def test_a_killed_server_loses_nothing_and_doubles_nothing(server, annotator):
    running = server(*SIZES)
    ann = annotator(running)
    done = ann.answer(7)
    ann.page.wait_for_function(
        "() => ncenet.session.ahead.length >= 5 && ncenet.session.ahead.every(a => a.picture.naturalWidth)"
    )
    running.kill()
    done += ann.answer(3)  # the images ahead are in the browser already
    ann.page.wait_for_function("() => document.querySelector('#link').textContent.includes('kept here')")
    assert ann.page.evaluate("ncenet.outbox.waiting") >= 3
    running.start()
    ann.settled()
    ann.page.reload()
    ann.shown()
    done += ann.answer(2)
    running.kill()
    running.start()  # and once more, with the page closed on answers that nobody acknowledged
    ann.page.goto(running.url)
    ann.shown()
    ann.page.keyboard.press("b")  # the way back outlives both
    ann.page.wait_for_selector(".class.given")
    ann.settled()
    with running.ledger as ledger:
        assert sorted(event.id for event in ledger.events()) == sorted(done)
        assert dict(ledger.labeled()) == {id: truth(id) for id in done}


def test_two_annotators_in_two_windows(server, annotator):
    running = server(*SIZES)
    ann, bob = annotator(running), annotator(running)
    bob.page.click("#open-name")
    bob.page.fill("#ask-input", "bob")
    with bob.page.expect_navigation():
        bob.page.keyboard.press("Enter")
    bob.shown()
    mine, theirs = [], []
    for _ in range(6):
        mine += ann.answer(1)
        theirs += bob.answer(1)
    ann.settled(), bob.settled()
    assert not set(mine) & set(theirs)
    with running.ledger as ledger:
        assert {e.who: e.id for e in ledger.events()} == {"ann": mine[-1], "bob": theirs[-1]}
    bob.page.keyboard.press("g")
    cell = f".cell[title='{mine[0]}']"
    bob.page.wait_for_selector(cell)
    bob.page.focus(cell)
    bob.page.keyboard.press(SLIPS[truth(mine[0])])
    bob.page.wait_for_selector(f"{cell}.corrected")
    bob.settled()
    ann.until("s.disputed === 1")
    ann.page.click("#open-disputed")
    ann.page.wait_for_selector(cell)
    assert f"ann: {truth(mine[0])} · bob:" in ann.page.inner_text(f"{cell} .cell-who")
    ann.page.keyboard.press("Escape")
    assert ann.shown()
    assert ann.mistakes == bob.mistakes == []


def test_phone_keyboard_and_names_for_screen_readers(server, annotator):
    running = server(*SIZES)
    ann = annotator(running, viewport={"width": 375, "height": 740}, has_touch=True)
    wide = ann.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "nothing sticks out to the side"
    id = ann.shown()
    ann.page.tap(f".class[data-name={truth(id)}]")
    ann.shown(besides=id)
    bare = ann.page.evaluate(
        "[...document.querySelectorAll('button, input, img, progress, meter, select')]"
        ".filter(e => e.offsetParent && !e.textContent.trim() && !e.ariaLabel && !e.alt"
        " && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"
    )
    assert bare == []
    assert ann.page.get_attribute("#said", "aria-live") == "polite"
    assert ann.page.text_content("#said") == truth(id)
