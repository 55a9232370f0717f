// Alike images at once: the whole group is on screen, what does not belong is crossed out, one key labels the others.

import { $, counted, imageUrl, make, newKey, notice, percent, say, sharpenLoaded } from "./dom.js";
import { classOf } from "./keys.js";

const WAIT_MS = 1500;
const LABELS = 40; // from so many labels in groups on ...
const SINGLES = 10; // ... so many images come one by one (ours, by benchmarks/person.py)
const [SMALLEST, LARGEST, GAP, RING] = [64, 224, 7, 4]; // pixels: sides of a tile, what lies between two, room for the ring of the focus

export class Together {
  /**
   * `classes()` with their keys; `ask(more)` for a group; `send(entries)` takes answers, which are safe when it
   * returns; `near(image)` shows what is near one. `onSingles(count)` when so many are to come one by one.
   */
  constructor({ classes, ask, send, near, onClose, onSingles }) {
    Object.assign(this, { classes, ask, send, near, onClose, onSingles });
    this.root = $("together");
    this.images = [];
    this.done = []; // what was answered here, for undo
    this.turn = 0; // of what is on screen: a group that comes when it is another's turn is not shown
    this.labels = 0; // that were given since single images came
    this.timer = undefined;
    addEventListener("resize", () => this.group && this.#fit());
  }

  get open() {
    return !this.root.hidden;
  }

  async show() {
    this.root.hidden = false;
    await this.#next();
  }

  /** Whether there is a group of what the model asks for, or the model knows enough for any. */
  async asked() {
    const { group } = await this.ask({});
    return Boolean(group) && !group.early;
  }

  /** Go over to groups of its own accord: no key that was meant for a single image may label one. */
  gate(again) {
    this.root.hidden = false;
    this.led = true;
    const words = "What the model asks for, alike images at once: cross out what doesn't belong, one key labels all the others. Now and then a few come one by one: those it is unsure of, and held-out ones.";
    this.#say(again ? "Groups again" : "From here on groups are faster", words,
      make("button", { type: "button", className: "primary", onclick: () => this.#next().catch((error) => notice(error.message)) }, "Begin ", make("kbd", {}, "Enter")),
      make("button", { type: "button", onclick: () => this.close() }, "One at a time ", make("kbd", {}, ".")));
  }

  /** Offer the label of an image to its near copies; whether there are any. */
  async offer({ id, hash }, label) {
    const { group } = await this.ask({ of: id });
    if (!group) return false;
    this.root.hidden = false;
    this.once = true;
    this.#take({ ...group, label: group.label ?? label, of: { id, hash } });
    return true;
  }

  close() {
    clearTimeout(this.timer);
    this.turn += 1;
    this.root.hidden = true;
    this.root.replaceChildren();
    this.group = null;
    this.once = false;
    this.led = false;
    this.labels = 0;
    this.onClose();
  }

  /** Show the next group; `left` was crossed out of the last one, and is none of `classes`. */
  async #next(left = [], classes = []) {
    const [singles, turn] = [this.labels >= LABELS, (this.turn += 1)];
    this.group = null; // until the next is there a key labels nothing twice
    const asked = singles && !left.length ? {} : this.ask({ left, crossed: classes });
    if (this.once) return this.close();
    let group;
    try {
      ({ group } = await asked);
    } catch (error) {
      if (turn === this.turn) this.#wait();
      throw error;
    }
    if (turn !== this.turn) return undefined;
    if (singles || (this.led && this.open && (!group || group.early))) return this.close(), this.onSingles(SINGLES);
    if (this.open) group ? this.#take(group) : this.#wait();
    return undefined;
  }

  #take(group) {
    this.turn += 1;
    Object.assign(this, { group, images: group.images, rest: false, out: new Set(), given: [], shownAt: performance.now() });
    this.last = undefined;
    this.#draw();
  }

  #wait() {
    this.#say("Alike images", "There is no group to label now: groups come after the first model, and new ones after every few answers.",
      make("button", { type: "button", className: "primary", onclick: () => this.close() }, "One at a time ", make("kbd", {}, ".")));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open && !this.group && this.#next().catch((error) => notice(error.message)), WAIT_MS);
  }

  /** Classes have changed, perhaps in another window: no group proposes one that is gone. */
  refresh() {
    if (!this.group) return;
    if (!this.classes().some(({ name }) => name === this.group.label)) this.group = { ...this.group, label: null };
    const [out, at] = [this.out, [...this.cells.children].indexOf(document.activeElement)];
    this.out = new Set();
    this.#draw();
    for (const n of out) this.#set(n, true);
    this.cells.children[at]?.focus();
  }

  /** Words and buttons in the place of a group; the first button has the focus. */
  #say(title, words, ...buttons) {
    this.group = null;
    this.images = [];
    this.root.replaceChildren(make("div", { className: "between" }, make("h2", {}, title), make("p", {}, words), make("menu", {}, ...buttons)));
    buttons[0].focus();
    say(title);
  }

  #draw() {
    const { label, purity, of } = this.group;
    const title = this.rest ? "The rest: which class?" : !label ? "Which class are these?" : of ? `Near copies: ${label} too?` : `Are these all ${label}?`;
    const hint = of && !this.rest ? "They look like the same moment or thing as the image beside. Cross out what isn't." : this.rest ? "A class key labels those not crossed out; Esc leaves them for later." : `${counted(this.images.length, "image")}, about ${percent(purity)} of them should be. Cross out what isn't: click, Space, Shift and arrows.${this.group.early ? " So far the model learns more from what it asks for one by one." : ""}`;
    this.cells = make("div", { className: "cells tiles", role: "grid", "aria-label": "Alike images", "aria-multiselectable": "true" });
    this.cells.append(...this.images.map((image, n) => this.#tile(image, n)));
    const buttons = this.classes().map(({ name, digit, letter }) =>
      make("button", { type: "button", className: `class${!this.rest && name === label ? " suggested" : ""}`, onclick: () => this.#label(name) }, ...[digit, letter].filter(Boolean).map((key) => make("kbd", {}, key)), make("span", {}, name)));
    const model = of && !this.rest ? [make("img", { className: "model", onload: sharpenLoaded, src: imageUrl(of.hash, "sheet"), alt: `labelled ${label}` })] : [];
    this.root.replaceChildren(
      make("div", { className: "grid-head" }, ...model, make("h2", {}, title), make("p", { className: "faint" }, hint),
        make("button", { type: "button", onclick: () => this.#undo() }, "Undo ", make("kbd", {}, "z")),
        make("button", { type: "button", onclick: () => this.#later() }, this.rest ? "Later " : "Another group ", make("kbd", {}, "Esc")),
        make("button", { type: "button", onclick: () => this.close() }, "One at a time ", make("kbd", {}, "."))),
      this.cells,
      make("div", { className: "classes dock", role: "group", "aria-label": "Classes" }, ...buttons));
    this.#fit();
    this.cells.firstChild?.focus();
    say(`${title} ${counted(this.images.length, "image")}`);
  }

  /** Tiles as large as they can be with all of them in sight; where that would be too small, they scroll. */
  #fit() {
    const { style, clientWidth, clientHeight } = this.cells;
    style.gridTemplateColumns = "";
    const count = this.images.length;
    for (let columns = 1; columns <= count; columns++) {
      const side = Math.min(LARGEST, Math.floor((clientWidth - 2 * RING + GAP) / columns) - GAP);
      if (side < SMALLEST) return;
      if (Math.ceil(count / columns) * (side + GAP) - GAP <= clientHeight - 2 * RING) {
        style.gridTemplateColumns = `repeat(${columns}, ${side}px)`;
        return;
      }
    }
  }

  #tile(image, n) {
    const picture = make("img", { onload: sharpenLoaded, src: imageUrl(image.hash, "sheet"), alt: "" });
    const tile = make("button", { type: "button", className: "cell tile", role: "gridcell", tabIndex: n ? -1 : 0, title: image.id }, picture);
    tile.dataset.id = image.id;
    tile.setAttribute("aria-selected", "true");
    tile.setAttribute("aria-label", `${image.id}, in`);
    tile.onclick = (event) => this.#toggle(n, event.shiftKey);
    return tile;
  }

  /** Cross out, or take back in; with `range` all from the one that was touched last. */
  #toggle(n, range = false) {
    const out = !this.out.has(n);
    const from = range && this.last !== undefined ? this.last : n;
    const crossed = range && this.last !== undefined ? this.out.has(this.last) : out;
    for (let i = Math.min(from, n); i <= Math.max(from, n); i++) this.#set(i, crossed);
    this.last = n;
    this.cells.children[n].focus();
  }

  #set(n, out) {
    out ? this.out.add(n) : this.out.delete(n);
    const tile = this.cells.children[n];
    tile.classList.toggle("out", out);
    tile.setAttribute("aria-selected", String(!out));
    tile.setAttribute("aria-label", `${this.images[n].id}, ${out ? "crossed out" : "in"}`);
  }

  #label(name) {
    if (!this.group) return undefined;
    const kept = this.images.filter((_, n) => !this.out.has(n));
    if (!kept.length) return notice("All are crossed out: Esc leaves them for later.");
    const { party, purity, of } = this.group;
    const seconds = Math.round((performance.now() - this.shownAt) / kept.length) / 1000;
    const together = { party: this.rest ? newKey().slice(0, 16) : party, shown: this.images.length, kept: kept.length, purity: this.rest ? kept.length / this.images.length : purity, ...(of && !this.rest && { kind: "copies", of: of.id }) };
    const entries = kept.map(({ id, hash }) => ({ key: newKey(), id, hash, kind: "answer", label: name, together, ...(seconds < 3600 && { seconds }) }));
    this.labels += kept.length;
    this.done.push({ entries, group: this.group, images: this.images, out: new Set(this.out), rest: this.rest, given: [...this.given] });
    this.send(entries);
    say(`${kept.length} labelled ${name}`);
    const left = this.images.filter((_, n) => this.out.has(n));
    this.last = undefined;
    this.given.push(name);
    if (!left.length) return this.#next().catch((error) => notice(error.message));
    Object.assign(this, { images: left, out: new Set(), rest: true, shownAt: performance.now() });
    return this.#draw();
  }

  #later() {
    if (!this.group) return;
    this.last = undefined;
    this.#next(this.rest ? this.images.map(({ id }) => id) : [], this.given).catch((error) => notice(error.message));
  }

  #undo() {
    const last = this.done.pop();
    if (!last) return notice("There is no group to undo.");
    clearTimeout(this.timer);
    this.turn += 1;
    this.labels -= last.entries.length;
    this.send(last.entries.map(({ key, id }) => ({ key: newKey(), id, kind: "undo", undoes: key })));
    Object.assign(this, { group: last.group, images: last.images, rest: last.rest, given: last.given, out: new Set(), shownAt: performance.now() });
    this.#draw();
    for (const n of last.out) this.#set(n, true);
    return say("Undone");
  }

  /** A key while the group is open; whether it meant something. */
  key(event, key) {
    if (key === "." || (key === "Escape" && !this.images.length)) return this.close(), true;
    if (key === "z") return this.#undo(), true;
    if (!this.group) return Boolean(classOf(this.classes(), key));
    const tile = document.activeElement?.closest?.(".tile");
    const n = tile ? [...this.cells.children].indexOf(tile) : 0;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.#columns(), ArrowUp: -this.#columns() }[key];
    if (step) {
      const to = Math.min(this.images.length - 1, Math.max(0, n + step));
      if (event.shiftKey) {
        this.crossing ??= !this.out.has(n); // as the first of them, so far as Shift is held
        for (let i = Math.min(n, to); i <= Math.max(n, to); i++) this.#set(i, this.crossing);
      } else this.crossing = undefined;
      this.cells.children[to].focus();
      return true;
    }
    if (key === "Shift") return false;
    this.crossing = undefined;
    if (key === " " && tile) return this.#toggle(n), true;
    if (key === "/" && tile) return this.near(this.images[n]), true;
    if (key === "Escape") return this.#later(), true;
    if (event.repeat) return true;
    if (key === "Enter" && tile && !this.rest && !this.group.label) return notice("A class key labels these images."), true;
    const name = key === "Enter" && !this.rest && (tile || document.activeElement === document.body) ? this.group.label : classOf(this.classes(), key);
    if (name) return this.#label(name), true;
    return false;
  }

  #columns() {
    return getComputedStyle(this.cells).gridTemplateColumns.split(" ").length;
  }
}
