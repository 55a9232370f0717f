// Find a class by typing: its beginning first, then a word's, then letters in order; what was used last comes first.

import { $, make, number } from "./dom.js";

const SHOWN = 8;

/** How well a name fits what was typed: smaller is better, null is not at all. */
export function fit(name, typed) {
  const [text, want] = [name.toLowerCase(), typed.toLowerCase()];
  if (text.startsWith(want)) return 0;
  if (text.split(/[\s_/-]+/).some((word) => word.startsWith(want))) return 1;
  if (text.includes(want)) return 2;
  let at = -1;
  let gaps = 0;
  for (const letter of want) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return null;
    if (at >= 0) gaps += next - at - 1;
    at = next;
  }
  return 3 + gaps / 100;
}

export class Finder {
  constructor({ names, counts, choose }) {
    Object.assign(this, { names, counts, choose });
    this.recent = [];
    $("find-input").oninput = () => this.#fill();
    $("find-input").onkeydown = (event) => this.#key(event);
  }

  show(typed = "") {
    $("find-input").value = typed;
    this.#fill();
    $("find").showModal();
    $("find-input").focus();
    $("find-input").setSelectionRange(typed.length, typed.length);
  }

  #found(typed) {
    const age = (name) => (this.recent.includes(name) ? this.recent.indexOf(name) : this.recent.length);
    const fits = this.names().map((name) => ({ name, fit: typed ? fit(name, typed) : 0 })).filter((one) => one.fit !== null);
    return fits.sort((a, b) => Math.floor(a.fit) - Math.floor(b.fit) || age(a.name) - age(b.name) || a.fit - b.fit).slice(0, SHOWN).map(({ name }) => name);
  }

  #fill() {
    this.at = 0;
    this.list = this.#found($("find-input").value.trim());
    const options = this.list.map((name, n) => make("button", { type: "button", role: "option", id: `find-${n}`, tabIndex: -1, onclick: () => this.#take(name) }, make("span", {}, name), make("span", { className: "faint" }, number(this.counts()[name] ?? 0))));
    $("find-list").replaceChildren(...(options.length ? options : [make("p", { className: "faint" }, "No class is called so.")]));
    this.#mark();
  }

  #mark() {
    [...$("find-list").children].forEach((option, n) => option.setAttribute("aria-selected", String(n === this.at)));
    if (this.list.length) $("find-input").setAttribute("aria-activedescendant", `find-${this.at}`);
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.list.length) this.at = (this.at + step + this.list.length) % this.list.length;
    else if (event.key === "Enter" && this.list.length) this.#take(this.list[this.at]);
    else return;
    event.preventDefault();
    this.#mark();
  }

  #take(name) {
    this.recent = [name, ...this.recent.filter((other) => other !== name)];
    $("find").close();
    this.choose(name);
  }
}
