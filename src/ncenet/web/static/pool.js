// The images that nobody has answered, all of them, in a grid: filter, pick, accept what the model says or correct it.

import * as api from "./api.js";
import { $, counted, imageUrl, make, newKey, notice, number, percent, say, sharpenLoaded } from "./dom.js";
import { classOf } from "./keys.js";
import { Scroller } from "./scroller.js";

const PART = 100; // images that are asked for at once
const PARTS = 60; // that are kept
const STILL_MS = 90; // a grid that scrolls faster than that asks for nothing
const MOST = 2000; // images that are labelled by one key: what a browser keeps until the server has it is limited

export class PoolGrid {
  /** `classes()` with their keys; `send(entries)` takes answers, which are safe when it returns. */
  constructor({ classes, send, near, onClose }) {
    Object.assign(this, { classes, send, near, onClose });
    this.root = $("pool");
    this.wanted = {};
    this.done = []; // for undo
  }

  get open() {
    return !this.root.hidden;
  }

  async show() {
    this.root.hidden = false;
    this.frame = make("div", { className: "pool-frame", role: "grid", "aria-label": "Images without an answer", "aria-multiselectable": "true" });
    this.dock = make("div", { className: "classes dock", role: "group", "aria-label": "Classes" });
    this.head = make("div", { className: "grid-head" });
    this.root.replaceChildren(this.head, this.frame, this.dock);
    this.scroller?.close();
    this.scroller = new Scroller(this.frame, { make: () => this.#tile(), fill: (tile, n, seen) => this.#fill(tile, n, seen), empty: (tile) => this.#empty(tile) });
    this.frame.onscroll = () => this.#later();
    await this.#list();
    this.#go(0);
  }

  close() {
    this.root.hidden = true;
    this.scroller.close();
    this.root.replaceChildren();
    this.onClose();
  }

  /** Show a list of what is wanted now; until it is there, nothing is picked or labelled in the one before. */
  async #list() {
    const wanted = this.wanted;
    this.frame.ariaBusy = "true";
    const first = await api.pool({ wanted, count: PART }).catch((error) => {
      if (wanted === this.wanted) this.frame.ariaBusy = "false";
      throw error;
    });
    if (wanted !== this.wanted) return; // something else is wanted by now, and on its way
    this.frame.ariaBusy = "false";
    Object.assign(this, { name: first.name, total: first.total, folders: first.folders, dated: first.dated });
    this.parts = new Map([[0, first.images]]);
    this.asked = new Set([0]);
    this.picked = new Set();
    this.told = new Map(); // item -> what was answered here
    this.at = 0;
    this.from = undefined;
    this.scroller.reset(this.total);
    this.#draw();
  }

  #draw() {
    const { guess, low = 0, high = 1, folder = "", since = "", until = "", order = "name" } = this.wanted;
    const option = (value, words, chosen) => make("option", { value, selected: value === chosen }, words);
    const select = (name, options, chosen) => make("select", { "aria-label": name }, ...options.map(([value, words]) => option(value, words, chosen)));
    const field = (name, type, value, more = {}) => make("input", { type, value, "aria-label": name, title: name, ...more });
    const of = select("What the model takes them for", [["", "Any class"], ...this.classes().map(({ name }) => [`=${name}`, name])], guess ? `=${guess}` : "");
    const [least, most] = [["At least so sure, in per cent", low], ["At most so sure, in per cent", high]].map(([name, share]) => field(name, "number", Math.round(100 * share), { min: 0, max: 100, className: "share-field" }));
    const where = field("Folder", "search", folder, { placeholder: "Folder", size: 12 });
    where.setAttribute("list", "pool-folders");
    const by = select("Order", [["name", "By name"], ["unsure", "Unsure first"], ["sure", "Sure first"], ...(this.dated ? [["new", "Newest first"], ["old", "Oldest first"]] : [])], order);
    const days = this.dated ? [field("Files of this day or later", "date", since), field("Files of this day or earlier", "date", until)] : [];
    const again = () => {
      const share = ({ value }) => Math.min(1, Math.max(0, Number(value) / 100));
      this.wanted = {
        ...(of.value && { guess: of.value.slice(1) }), low: share(least), high: share(most), folder: where.value.trim(), order: by.value,
        ...(days[0]?.value && { since: days[0].value }), ...(days[1]?.value && { until: days[1].value }),
      };
      this.#list().catch((error) => notice(error.message));
    };
    for (const each of [of, least, most, where, by, ...days]) each.onchange = again;
    this.words = make("p", { className: "faint", role: "status" });
    this.head.replaceChildren(
      make("h2", {}, "Pool"), of, make("span", { className: "shares-field" }, least, " to ", most, " % sure"), where, ...days, by,
      make("datalist", { id: "pool-folders" }, ...(this.folders ?? []).map((value) => make("option", { value }))),
      this.words,
      make("button", { type: "button", onclick: () => this.#accept() }, "Accept ", make("kbd", {}, "Enter")),
      make("button", { type: "button", onclick: () => this.#undo() }, "Undo ", make("kbd", {}, "z")),
      make("button", { type: "button", onclick: () => this.close() }, "Close ", make("kbd", {}, "Esc")));
    this.refresh();
    this.#count();
  }

  /** The buttons of the classes as they are now. */
  refresh() {
    this.dock.replaceChildren(...this.classes().map(({ name, digit, letter }) =>
      make("button", { type: "button", className: "class", onclick: () => this.#label(name) }, ...[digit, letter].filter(Boolean).map((key) => make("kbd", {}, key)), make("span", {}, name))));
  }

  #count() {
    const picked = this.picked.size ? `${number(this.picked.size)} of ${number(this.total)} picked` : `${counted(this.total, "image")} without an answer`;
    this.words.textContent = `${picked}. Space picks, Shift a range, * all in sight; a class key labels`;
  }

  #tile() {
    const picture = make("img", { onload: sharpenLoaded, alt: "" });
    const words = make("span", { className: "cell-label" });
    const tile = make("button", { type: "button", className: "cell tile pooled", role: "gridcell", tabIndex: -1 }, make("span", { className: "cell-picture" }, picture), words);
    tile.onclick = (event) => {
      event.shiftKey ? this.#range(tile.n) : this.#toggle(tile.n);
      this.#go(tile.n);
    };
    return Object.assign(tile, { picture, words });
  }

  /** Let go of a picture that is still on its way: those that somebody looks at wait for it. */
  #empty(tile) {
    if (tile.picture.complete) return;
    tile.src = "";
    tile.picture.removeAttribute("src");
  }

  #fill(tile, n, seen = true) {
    tile.n = n;
    const item = this.item(n);
    const told = this.told.get(n) ?? (item?.kind && (item.label ?? item.kind));
    const src = item ? imageUrl(item.hash, "sheet") : "";
    if (tile.src !== src) {
      tile.src = src;
      tile.picture.fetchPriority = seen ? "high" : "low";
      src ? tile.picture.setAttribute("src", src) : tile.picture.removeAttribute("src");
    }
    const guess = item?.guess ? `${item.guess} ${percent(item.share)}` : "";
    tile.words.textContent = told ?? guess;
    tile.title = item?.id ?? "";
    tile.classList.toggle("picked", this.picked.has(n));
    tile.classList.toggle("corrected", Boolean(told));
    tile.setAttribute("aria-selected", String(this.picked.has(n)));
    tile.setAttribute("aria-label", item ? `${item.id}, ${told ? `answered ${told}` : guess || "no opinion"}${this.picked.has(n) ? ", picked" : ""}` : `image ${n + 1}`);
    if (!item) this.#later();
  }

  /** Item `n` if it is here. */
  item(n) {
    return this.parts.get(Math.floor(n / PART))?.[n % PART];
  }

  /** Ask for what is in sight, once the grid stands still. */
  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      for (const n of this.scroller.tiles.keys()) this.#need(n).catch((error) => notice(error.message));
    }, STILL_MS);
  }

  async #need(n) {
    const part = Math.floor(n / PART);
    if (this.asked.has(part)) return;
    this.asked.add(part);
    const name = this.name;
    try {
      const found = await api.pool({ wanted: this.wanted, name, start: part * PART, count: PART });
      if (name !== this.name) return;
      this.parts.set(part, found.images);
    } catch (error) {
      this.asked.delete(part);
      throw error;
    }
    while (this.parts.size > PARTS) {
      const [oldest] = this.parts.keys();
      this.parts.delete(oldest);
      this.asked.delete(oldest);
    }
    this.scroller.refill(part * PART, (part + 1) * PART);
  }

  #go(n) {
    if (!this.total) return;
    this.at = Math.min(this.total - 1, Math.max(0, n));
    this.scroller.reveal(this.at)?.focus({ preventScroll: true });
  }

  #pick(n, on) {
    on ? this.picked.add(n) : this.picked.delete(n);
    this.scroller.refill(n, n + 1);
  }

  #toggle(n) {
    this.from = n;
    this.#pick(n, !this.picked.has(n));
    this.#count();
  }

  /** Pick all from the one that was touched last. */
  #range(n) {
    const from = this.from ?? this.at;
    for (let i = Math.min(from, n); i <= Math.max(from, n); i++) this.picked.add(i);
    this.scroller.refill(Math.min(from, n), Math.max(from, n) + 1);
    this.#count();
  }

  #inSight() {
    const view = this.frame.getBoundingClientRect();
    for (const [n, tile] of this.scroller.tiles) {
      const { top, bottom } = tile.getBoundingClientRect();
      if (top >= view.top - 1 && bottom <= view.bottom + 1) this.picked.add(n);
    }
    this.scroller.refill();
    this.#count();
  }

  /** Everything that is picked, or the image that has the focus. */
  async #chosen() {
    const rows = this.picked.size ? [...this.picked].sort((a, b) => a - b) : [this.at];
    if (rows.length > MOST) throw new Error(`More than ${number(MOST)} at once are more than a person has looked at.`);
    for (const n of rows) await this.#need(n);
    return rows.map((n) => [n, this.item(n)]).filter(([n, item]) => item && !item.kind && !this.told.has(n));
  }

  async #answer(labelOf) {
    if (this.frame.ariaBusy === "true") return undefined;
    const chosen = (await this.#chosen()).map(([n, item]) => [n, item, labelOf(item)]).filter(([, , label]) => label);
    if (!chosen.length) return notice("Nothing is picked that can be labelled so.");
    const sure = chosen.reduce((sum, [, item]) => sum + (item.share ?? 0), 0) / chosen.length;
    const together = { party: newKey().slice(0, 16), shown: chosen.length, kept: chosen.length, purity: Math.min(1, sure), kind: "picked" };
    const entries = chosen.map(([, { id, hash }, label]) => ({ key: newKey(), id, hash, kind: "answer", label, ...(chosen.length > 1 && { together }) }));
    for (const [n, , label] of chosen) this.told.set(n, label);
    this.done.push({ entries, name: this.name, rows: chosen.map(([n]) => n) });
    this.send(entries);
    this.picked.clear();
    this.scroller.refill();
    this.#count();
    say(`${chosen.length} labelled`);
    return this.#go(chosen.at(-1)[0] + 1);
  }

  #label(name) {
    return this.#answer(() => name).catch((error) => notice(error.message));
  }

  #accept() {
    return this.#answer(({ guess }) => guess).catch((error) => notice(error.message));
  }

  #undo() {
    const last = this.done.pop();
    if (!last) return notice("There is nothing to undo.");
    this.send(last.entries.map(({ key, id }) => ({ key: newKey(), id, kind: "undo", undoes: key })));
    for (const n of last.name === this.name ? last.rows : []) {
      this.told.delete(n);
      const item = this.item(n);
      if (item) item.kind = item.label = null;
    }
    this.scroller.refill();
    return say("Undone");
  }

  /** A key while the grid is open; whether it meant something. */
  key(event, key) {
    if (key === "Escape") return this.picked.size ? (this.picked.clear(), this.scroller.refill(), this.#count()) : this.close(), true;
    if (key === ":") return this.close(), true;
    if (this.frame.ariaBusy === "true") return false;
    if (!event.target.closest?.(".pooled") && event.target !== document.body) return false;
    const { columns } = this.scroller;
    const page = columns * Math.max(1, Math.floor(this.frame.clientHeight / this.scroller.row));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page, Home: -this.total, End: this.total }[key];
    if (step) {
      if (event.shiftKey) this.from ??= this.at;
      this.#go(this.at + step);
      if (event.shiftKey) this.#range(this.at);
      else this.from = undefined;
      return true;
    }
    if (event.repeat) return true;
    if (key === " ") return this.#toggle(this.at), true;
    if (key === "*") return this.#inSight(), true;
    if (key === "z") return this.#undo(), true;
    if (key === "/") return this.item(this.at) && this.near(this.item(this.at)), true;
    if (key === "Enter") return this.#accept(), true;
    const name = classOf(this.classes(), key);
    if (name) return this.#label(name), true;
    return false;
  }
}
