// What the page asks about the classes of a run: which there are, and whether those of the command line hold.

import { $, ask, make, notice } from "./dom.js";

/** Names as people type them, with commas between them; a name that has one stands in double quotes. */
export function splitNames(text) {
  const found = [...text.matchAll(/\s*"([^"]*)"|([^,\n]+)/g)].map(([, quoted, plain]) => (quoted ?? plain).trim());
  return [...new Set(found.filter(Boolean))];
}

/** Ask for the classes of a run that was begun without any; those that are typed. */
export async function askForClasses() {
  const text = await ask("Which classes are there?", "With commas between them, such as: cat, dog, other. More can be added at any time.");
  return text === null ? [] : splitNames(text);
}

/** Offer what the command line named otherwise; `change(message)` and `add(name)` do it, `open()` shows all classes. */
export function showOffer(offered, { change, add, open }) {
  const root = $("offer");
  const key = JSON.stringify(offered);
  if (root.dataset.shown === key) return;
  root.dataset.shown = key;
  root.hidden = !offered || root.dataset.left === key;
  if (root.hidden) return;
  const button = (words, onclick) => make("button", { type: "button", onclick }, words);
  const send = (message) => () => change(message).catch((error) => notice(error.message, 10));
  const leave = () => {
    root.dataset.left = key;
    root.hidden = true;
  };
  const rows = [
    ...offered.renamed.map(([name, into]) => [`${name} was named ${into}.`, button(`Rename ${name}`, send({ kind: "rename", name, into }))]),
    ...offered.new.map((name) => [`${name} was named, and is new.`, button(`Add ${name}`, () => add(name))]),
    ...(offered.gone.length ? [[`Not named: ${offered.gone.join(", ")}.`, button("Merge or delete…", open)]] : []),
  ];
  root.replaceChildren(
    make("div", {}, make("p", { className: "asked" }, "ncenet label was started with other --classes than this run has."), button("Leave them as they are", leave)),
    ...rows.map(([words, does]) => make("div", {}, make("p", { className: "asked" }, words), does)));
}
