"""Classes that change under people's hands: by keyboard, by pointer, and with a hundred of them."""

from __future__ import annotations

from tests.browser.conftest import KEYS
from tests.web.conftest import truth

SIZES = ("--held-out", "8", "--initial", "60", "--query-size", "20")
ROW = ".class-row[data-name='{}']"


def labels(running):
    with running.ledger as ledger:
        return dict(ledger.labeled()), ledger.class_names()


def has_focus(ann, words):
    """Wait until what these words begin with has the focus: a change must not cost the keyboard its place."""
    ann.page.wait_for_function(
        "words => (document.activeElement.ariaLabel ?? document.activeElement.innerText).startsWith(words)",
        arg=words,
    )


def test_rename_and_undo_by_keyboard(server, annotator):
    running = server(*SIZES)
    ann = annotator(running)
    done = ann.answer(6)
    ann.settled()
    ann.page.keyboard.press("#")
    ann.page.focus(f"{ROW.format('red')} button:has-text('Rename')")
    ann.page.keyboard.press("Enter")
    ann.page.fill("#ask-input", "rouge")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_selector(ROW.format("rouge"))
    found, names = labels(running)
    has_focus(ann, "Rename rouge")
    assert names == ("rouge", "green", "blue")
    assert found == {id: truth(id).replace("red", "rouge") for id in done}
    ann.page.focus("#classes-undo")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_selector(ROW.format("red"))
    has_focus(ann, "Close")
    ann.page.focus(f"{ROW.format('green')} button[aria-label^='Up']")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function("() => document.querySelector('.class-row').dataset.name === 'green'")
    has_focus(ann, "Down: green")  # it can go no further up
    ann.page.focus("#classes-undo")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function("() => document.querySelector('.class-row').dataset.name === 'red'")
    assert labels(running) == ({id: truth(id) for id in done}, ("red", "green", "blue"))
    ann.page.keyboard.press("Escape")
    ann.answer(1)
    assert ann.mistakes == []


def test_merge_delete_order_and_look_by_pointer(server, annotator):
    running = server(*SIZES, classes=("red", "green", "blue", "none"))
    ann = annotator(running)
    done = ann.answer(6)
    ann.settled()
    ann.page.click("#open-classes")
    ann.page.select_option(f"{ROW.format('red')} select", "blue")
    ann.page.click("#ask-ok")
    ann.page.wait_for_selector(ROW.format("red"), state="detached")
    found, names = labels(running)
    assert names == ("green", "blue", "none") and all(label in ("green", "blue") for label in found.values())
    ann.page.click(f"{ROW.format('green')} button:has-text('Delete')")
    ann.page.click("#ask-ok")
    ann.page.wait_for_selector(ROW.format("green"), state="detached")
    has_focus(ann, "Delete blue")  # which stands there now
    found, _ = labels(running)
    assert set(found) == {id for id in done if truth(id) != "green"}
    ann.page.click(f"{ROW.format('none')} button[aria-label^='Up']")
    ann.page.wait_for_function("() => document.querySelector('.class-row').dataset.name === 'none'")
    ann.page.fill(f"{ROW.format('none')} .key", "x")
    ann.page.keyboard.press("Tab")
    ann.page.wait_for_selector(".class[data-name='none'] kbd:has-text('x')", state="attached")
    ann.page.keyboard.press("Escape")
    shown = ann.press("x")
    ann.shown(besides=shown)
    ann.settled()
    assert labels(running)[0][shown] == "none"
    running.kill()
    running.start()
    ann.page.goto(running.url)
    ann.shown()
    assert ann.page.inner_text(".class >> nth=0").split() == ["x", "none"]
    assert labels(running)[1] == ("none", "blue")


def test_a_name_that_another_has_but_for_case_is_questioned(server, annotator):
    running = server(*SIZES)
    ann = annotator(running)
    ann.page.keyboard.press("n")
    ann.page.fill("#ask-input", "Red")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function(
        "() => document.querySelector('#ask-text').textContent.includes('red already')"
    )
    ann.page.keyboard.press("Escape")
    ann.settled()
    assert labels(running)[1] == ("red", "green", "blue")
    ann.page.keyboard.press("n")
    ann.page.fill("#ask-input", "Red")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function(
        "() => document.querySelector('#ask-text').textContent.includes('red already')"
    )
    ann.page.click("#ask-ok")
    ann.page.wait_for_selector(".class[data-name='Red']")
    ann.settled()
    assert labels(running)[1] == ("red", "green", "blue", "Red")
    assert ann.mistakes == []


def test_a_question_right_after_another_gets_its_own_answer(server, annotator):
    ann = annotator(server(*SIZES))
    ann.page.evaluate(
        """async () => {
          const { ask, confirmed } = await import("./assets/dom.js");
          const dialog = document.querySelector("#ask");
          window.said = [];
          confirmed("first", "").then((yes) => said.push(["first", yes]));
          dialog.close("ok");  // its close event comes later than the next question
          ask("second", "").then((text) => said.push(["second", text]));
        }"""
    )
    ann.page.wait_for_function("() => said.length > 0")
    assert ann.page.evaluate("said") == [["first", True]], "the second is still asked"
    ann.page.fill("#ask-input", "of the second")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function("() => said.length > 1")
    assert ann.page.evaluate("said[1]") == ["second", "of the second"]
    assert ann.mistakes == []


def test_of_a_hundred_and_one_classes_each_is_found_by_typing(server, annotator):
    names = [f"kind {n:03}" for n in range(98)] + ["red", "green", "blue"]
    running = server(*SIZES, classes=names)
    ann = annotator(running)
    first = ann.shown()
    ann.page.keyboard.type("r")  # letters type where there are many
    ann.page.wait_for_selector("#find[open]")
    assert ann.page.inner_text("#find-list [aria-selected=true] span >> nth=0") == "red"
    ann.page.keyboard.press("Enter")
    second = ann.shown(besides=first)
    ann.page.keyboard.press("Space")
    ann.page.wait_for_selector("#find[open]")
    assert ann.page.inner_text("#find-list button >> nth=0").startswith("red"), (
        "what was used last comes first"
    )
    ann.page.keyboard.type("k97")  # some of its letters
    assert ann.page.inner_text("#find-list [aria-selected=true] span >> nth=0") == "kind 097"
    ann.page.keyboard.press("Enter")
    ann.shown(besides=second)
    ann.settled()
    assert labels(running)[0] == {first: "red", second: "kind 097"}
    assert ann.mistakes == [] and KEYS["red"] == "r"
