// The classes of the run: rename, merge, look again, delete, order, key, colour, note. Every change can be undone.

import { $, ask, confirmed, counted, imageUrl, make, notice, number } from "./dom.js";

const WORDS = { rename: "renaming", merge: "merging", delete: "deleting", order: "the order", look: "the look of" };

/** The small picture of a class. */
export const exampleOf = (name, look) => make("img", { className: "example", src: imageUrl(look.example, "sheet"), alt: `Example of ${name}` });

const controlsOf = (row) => [...row.querySelectorAll("button, input, select")];

export class ClassesDialog {
  /** `state()` of the run, `assigned()` keys, `change(message)` sends a change, `shown()` is the image in front. */
  constructor({ state, assigned, change, shown }) {
    Object.assign(this, { state, assigned, change, shown });
    this.root = $("classes-dialog");
    this.root.addEventListener("focusin", ({ target }) => (this.at = this.#placeOf(target)));
    $("ask").addEventListener("close", () => setTimeout(() => this.#regain())); // after the browser gave it back
  }

  get open() {
    return this.root.open;
  }

  show() {
    this.#draw();
    this.root.showModal();
  }

  /** Another state of the run is there: draw anew, unless somebody is typing. */
  refresh() {
    const { classes, looks, counts, changed } = this.state();
    const drawn = JSON.stringify([classes, looks, counts, changed]);
    if (drawn !== this.drawn && !this.root.querySelector("input:focus, select:focus")) this.#draw();
  }

  #draw() {
    const { classes, looks, counts, changed } = this.state();
    this.drawn = JSON.stringify([classes, looks, counts, changed]);
    const rows = classes.map((name, n) => this.#row(name, n, classes, looks[name] ?? {}, counts[name]));
    const undo = make("button", { type: "button", disabled: !changed, onclick: () => this.#send({ kind: "undo" }) }, changed ? `Undo ${WORDS[changed.kind]} ${changed.name}` : "Nothing to undo");
    undo.id = "classes-undo";
    const close = make("button", { type: "button", className: "primary", onclick: () => this.root.close() }, "Close ", make("kbd", {}, "Esc"));
    this.root.replaceChildren(
      make("h2", { id: "classes-title" }, "Classes"),
      make("p", { className: "faint" }, "A change holds for everybody, and for all answers so far. The old ones stay on record."),
      make("div", { className: "class-rows" }, ...rows),
      make("menu", {}, undo, close));
    this.#regain();
  }

  /** Where a control stands: its place in the row of a class, or among the buttons below. */
  #placeOf(target) {
    const row = target.closest(".class-row, menu");
    if (!row) return undefined;
    return { name: row.dataset.name, index: [...row.parentElement.children].indexOf(row), column: controlsOf(row).indexOf(target) };
  }

  /** Give a focus that is nowhere back to the control that had it, or what stands in its place. */
  #regain() {
    if (!this.at || !this.open || document.activeElement !== document.body) return;
    const { name, index, column } = this.at;
    const rows = [...this.root.querySelectorAll(".class-row")];
    const row = name === undefined ? this.root.querySelector("menu") : (rows.find((one) => one.dataset.name === name) ?? rows[Math.min(index, rows.length - 1)]);
    const controls = controlsOf(row ?? this.root.querySelector("menu"));
    [controls[column], ...controls.slice(column + 1), ...controls].find((one) => one && !one.disabled)?.focus();
  }

  #row(name, n, classes, look, count) {
    const button = (what, words, onclick, disabled = false) =>
      make("button", { type: "button", onclick, disabled, "aria-label": `${words} ${name}` }, what);
    const move = (by) => {
      const order = [...classes];
      order.splice(n + by, 0, ...order.splice(n, 1));
      this.#send({ kind: "order", order });
    };
    const key = make("input", { className: "key", maxLength: 1, value: look.key ?? "", placeholder: this.#keyOf(name), "aria-label": `Key of ${name}` });
    key.onchange = () => this.#send({ kind: "look", name, look: { key: key.value.toLowerCase() } });
    const colour = make("input", { type: "color", value: look.colour || "#888888", "aria-label": `Colour of ${name}` });
    colour.onchange = () => this.#send({ kind: "look", name, look: { colour: colour.value } });
    const others = classes.filter((other) => other !== name);
    const merge = make("select", { "aria-label": `Merge ${name} into` }, make("option", { value: "" }, "Merge into…"), ...others.map((other) => make("option", { value: other }, other)));
    merge.onchange = async () => {
      const into = merge.value;
      merge.value = "";
      if (into && (await confirmed(`Merge ${name} into ${into}?`, `${counted(count, "image becomes", "images become")} ${into}.`))) this.#send({ kind: "merge", name, into });
    };
    const row = make("div", { className: "class-row" },
      button("↑", "Up:", () => move(-1), n === 0), button("↓", "Down:", () => move(1), n === classes.length - 1),
      make("strong", { title: look.note ?? "" }, ...(look.example ? [exampleOf(name, look)] : []), name), make("span", { className: "faint" }, number(count)), key, colour,
      button("Rename", "Rename", () => this.#rename(name)), merge,
      button("Note", "Note on", () => this.#note(name, look.note)),
      button(look.example ? "No example" : "Example", look.example ? "No example of" : "The image in front as example of", () => this.#example(name, look.example)),
      button("Look again", "Look again at", () => this.#again(name, count)),
      button("Delete", "Delete", () => this.#delete(name, count)));
    row.dataset.name = name;
    return row;
  }

  #keyOf(name) {
    const { digit, letter } = this.assigned().find((one) => one.name === name) ?? {};
    return digit || letter || "";
  }

  async #rename(name) {
    const into = await ask(`Rename ${name}`, "All its images go by the new name.", name);
    if (into !== null && into !== name) this.#send({ kind: "rename", name, into });
  }

  async #note(name, before = "") {
    const note = await ask(`Note on ${name}`, "What belongs here? Shown with the class.", before);
    if (note !== null) this.#send({ kind: "look", name, look: { note } });
  }

  #example(name, before) {
    const image = this.shown();
    if (before) this.#send({ kind: "look", name, look: { example: "" } });
    else if (image) this.#send({ kind: "look", name, look: { example: image } });
    else notice("There is no image in front that could be an example.");
  }

  async #again(name, count) {
    if (await confirmed(`Look again at ${name}?`, `${counted(count, "image comes", "images come")} up again, among the others; until then every answer stands. Add the classes that ${name} is to be divided into first.`)) this.#send({ kind: "again", name });
  }

  async #delete(name, count) {
    if (await confirmed(`Delete ${name}?`, `${counted(count, "image loses its answer and is", "images lose their answer and are")} asked for again. This can be undone.`)) this.#send({ kind: "delete", name });
  }

  #send(message) {
    this.change(message).catch((error) => notice(error.message, 10));
  }
}
