// Past answers at a glance: look over, filter, correct.

import * as api from "./api.js";
import { $, imageUrl, make, say, sharpenLoaded } from "./dom.js";
import { classOf } from "./keys.js";
import { outlines } from "./overlay.js";
import { wordsFor } from "./stage.js";

const SHEET = 60;

export class Grid {
  /**
   * `correct(said, kind, label)` records another answer; `classes()` are the classes with their keys; where
   * answers are `boxed()`, `edit(said)` opens one, because a class key can't correct it.
   */
  constructor({ classes, people, boxed, correct, edit, near, onClose }) {
    Object.assign(this, { classes, people, boxed, correct, edit, near, onClose });
    this.filter = {};
    this.root = $("grid");
  }

  get open() {
    return !this.root.hidden;
  }

  async show(filter = {}) {
    this.filter = filter;
    this.root.hidden = false;
    this.cells = make("div", { className: "cells", role: "grid", "aria-label": "Past answers, the latest first" });
    this.more = make("button", { type: "button", className: "more", onclick: () => this.#load() }, "Show older answers");
    this.root.replaceChildren(this.#head(), this.cells, this.more);
    this.before = undefined;
    await this.#load();
    (this.cells.firstChild ?? this.root.querySelector("button")).focus();
  }

  close() {
    this.root.hidden = true;
    this.root.replaceChildren();
    this.onClose();
  }

  #head() {
    const choice = (name, options, value) => {
      const select = make("select", { "aria-label": name }, ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
      return select;
    };
    const label = choice("Class", [["", "All answers"], ...this.classes().map(({ name }) => [`=${name}`, name]), ["skip", "Skipped"], ["unsure", "Unsure"]], this.filter.label ? `=${this.filter.label}` : (this.filter.kind ?? ""));
    const who = choice("Annotator", [["", "Everybody"], ...this.people().map((name) => [name, name])], this.filter.who ?? "");
    const disputed = make("input", { type: "checkbox", checked: Boolean(this.filter.disputed) });
    const again = () => {
      const filter = {};
      if (label.value.startsWith("=")) filter.label = label.value.slice(1);
      else if (label.value) filter.kind = label.value;
      if (who.value) filter.who = who.value;
      if (disputed.checked) filter.disputed = true;
      this.show(filter);
    };
    label.onchange = who.onchange = disputed.onchange = again;
    return make("div", { className: "grid-head" },
      make("h2", {}, "Past answers"), label, who, make("label", {}, disputed, " in dispute"),
      make("p", { className: "faint" }, this.boxed() ? "Arrows move, Enter opens an answer to correct it, Esc closes" : "Arrows move, a class key corrects, Esc closes"),
      make("button", { type: "button", onclick: () => this.close() }, "Close ", make("kbd", {}, "Esc")));
  }

  async #load() {
    const { answers } = await api.sheet({ limit: SHEET, before: this.before, ...this.filter });
    this.before = answers.at(-1)?.seq;
    this.more.hidden = answers.length < SHEET;
    this.cells.append(...answers.map((said) => this.#cell(said)));
    if (!this.cells.children.length) this.cells.append(make("p", { className: "faint" }, "No such answers."));
  }

  #cell(said) {
    const words = make("span", { className: "cell-label" }, wordsFor(said));
    const views = said.said.length ? said.said.map((one) => `${one.who}: ${wordsFor(one)}`).join(" · ") : said.who;
    const picture = make("span", { className: "cell-picture" }, make("img", { onload: sharpenLoaded, loading: "lazy", src: imageUrl(said.hash, "sheet"), alt: "" }));
    if (said.boxes && said.size) picture.append(outlines(said.boxes, said.size, this.classes().map(({ name }) => name)));
    const cell = make("button", { type: "button", className: "cell", role: "gridcell", tabIndex: -1, title: said.id }, picture, words, make("span", { className: "cell-who" }, views));
    cell.said = said;
    if ("boxes" in said) cell.onclick = () => this.edit(said);
    cell.classList.toggle("none", said.kind !== "answer");
    cell.setAttribute("aria-label", `${said.id}: ${wordsFor(said)}, ${views}`);
    return cell;
  }

  /** A key while the grid is open; whether it meant something. */
  key(event) {
    const cell = document.activeElement?.closest?.(".cell");
    if (event.key === "Escape" || (event.key === "g" && !cell?.matches("select"))) {
      this.close();
      return true;
    }
    if (!cell) return false;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.#columns(), ArrowUp: -this.#columns() }[event.key];
    if (step) {
      const cells = [...this.cells.children];
      cells[Math.min(cells.length - 1, Math.max(0, cells.indexOf(cell) + step))].focus();
      return true;
    }
    if ("boxes" in cell.said && event.key === "Enter") {
      this.edit(cell.said);
      return true;
    }
    if (event.key === "/" && !this.boxed()) {
      this.near(cell.said);
      return true;
    }
    const label = "boxes" in cell.said ? undefined : classOf(this.classes(), event.key);
    const kind = label ? "answer" : { s: "skip", u: "unsure" }[event.key];
    if (!kind) return false;
    this.correct(cell.said, kind, label ?? null);
    Object.assign(cell.said, { kind, label: label ?? null, ...("boxes" in cell.said && { boxes: null }) });
    cell.querySelector(".outlines")?.remove();
    cell.querySelector(".cell-label").textContent = wordsFor(cell.said);
    cell.classList.toggle("none", kind !== "answer");
    cell.classList.add("corrected");
    say(`Corrected to ${wordsFor(cell.said)}`);
    return true;
  }

  #columns() {
    return getComputedStyle(this.cells).gridTemplateColumns.split(" ").length;
  }
}
