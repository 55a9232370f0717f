// The image, its classes, and what is said about it.

import * as api from "./api.js";
import { showNote } from "./about.js";
import { exampleOf } from "./classes.js";
import { $, imageUrl, make, percent, say, sharpen, sharpenLoaded } from "./dom.js";
import { summary } from "./geometry.js";
import { colourOf } from "./overlay.js";

const ASKED = {
  "held-out": "Measuring: a random image, never trained on",
  initial: "First images, picked at random",
  typical: "Typical of images that no label covers yet",
  meanwhile: "Picked at random",
};
// By a strategy's name, which may be any: no objects, which have properties of their own.
const BY_STRATEGY = new Map([
  ["random", "Picked at random"],
  ["rejection", "Far from every class the model knows"],
  ["confusion", "Between classes that the model knows"],
  ["herding", "Speaks for many images that the model is unsure of"],
  ["max-herding", "Speaks for many images like it"],
]);
const BY_ANCHORS = new Map([
  ["rejection", "Much in it looks like no class, and unlike the background"],
  ["confusion", "Much in it lies between classes, or between a class and the background"],
]);
const OTHER = { skip: "skipped", unsure: "unsure" };

/** Why an image is in front of the person; where boxes are drawn, a model scores places and no images. */
export function chosenBy(asked, boxed) {
  if (!asked) return "";
  if (asked.kind !== "strategy") return ASKED[asked.kind];
  return (boxed ? BY_ANCHORS.get(asked.strategy) : undefined) ?? BY_STRATEGY.get(asked.strategy) ?? `Asked by ${asked.strategy}`;
}

export function wordsFor(answer) {
  if (answer.kind !== "answer") return OTHER[answer.kind];
  return answer.boxes ? summary(answer.boxes) : answer.label;
}

/** Show the classes as buttons with their keys. */
export function showClasses(classes, counts, onClass, onNew, boxed = false, looks = {}) {
  const names = classes.map(({ name }) => name);
  const swatch = (name) => {
    const colour = make("span", { className: "swatch" });
    colour.style.background = looks[name]?.colour || colourOf(name, names);
    return colour;
  };
  const buttons = classes.map(({ name, digit, letter }) => {
    const keys = [digit, letter].filter(Boolean).map((key) => make("kbd", {}, key));
    const button = make("button", { type: "button", className: "class", onclick: () => onClass(name) }, ...keys, ...(boxed || looks[name]?.colour ? [swatch(name)] : []), ...(looks[name]?.example ? [exampleOf(name, looks[name])] : []), make("span", {}, name));
    if (looks[name]?.note) button.title = looks[name].note;
    button.dataset.name = name;
    return button;
  });
  const more = make("button", { type: "button", className: "class new", onclick: onNew }, make("kbd", {}, "n"), make("span", {}, "New class"));
  $("classes").replaceChildren(...buttons, more);
}

/** Show the image that a session is at; `state` is that of the run. */
export function show(session, state) {
  const item = session.current;
  const frame = document.querySelector(".frame");
  $("why").hidden = true;
  mark(null, item && session.looking !== null ? item.answers.at(-1) : null);
  $("image")?.remove();
  $("empty").hidden = Boolean(item);
  if (!item) {
    $("phase").textContent = "";
    showNote(null);
    $("empty").textContent = nothingLeft(state);
    return;
  }
  const picture = item.picture;
  picture.id = "image";
  picture.alt = "Image to label";
  picture.dataset.id = item.turn.id;
  picture.onload = () => sharpen(picture);
  picture.onerror = () => explain(item, session, state);
  frame.prepend(picture);
  if (picture.complete) picture.naturalWidth ? sharpen(picture) : explain(item, session, state);
  $("phase").textContent = session.looking === null ? chosenBy(item.turn.asked, state.task === "detection") : "Looking back · Esc returns";
  showNote(item);
}

/** Say why a picture is not there; one that did not arrive is asked for again. */
async function explain(item, session, state) {
  const response = await fetch(imageUrl(item.turn.hash)).catch(() => null);
  const answer = response && !response.ok ? await response.json().catch(() => null) : null;
  if ($("image") !== item.picture) return;
  item.picture.remove();
  $("empty").hidden = false;
  $("empty").textContent = answer ? `This image can't be shown: ${answer.error}. Skip it with s.` : "The image did not arrive.";
  if (answer) return;
  setTimeout(() => {
    item.picture.src = `${imageUrl(item.turn.hash)}&again=${Date.now()}`;
    if (session.current === item) show(session, state);
  }, 1000);
}

function nothingLeft(state) {
  if (!state) return "";
  if (state.training.phase === "idle" || state.training.phase === "failed") {
    return state.batch.waiting ? "The others have the images that are left." : "Every image has an answer. Thank you!";
  }
  return "The model is choosing what to ask next…";
}

/** Mark the class that the model suggests, and the answer that was given. */
export function mark(suggested, given) {
  for (const button of $("classes").children) {
    const name = button.dataset.name;
    button.classList.toggle("suggested", suggested !== null && name === suggested);
    button.classList.toggle("given", given?.kind === "answer" && name === given.label);
  }
  for (const button of document.querySelectorAll(".others [data-do]")) {
    button.classList.toggle("given", given !== null && given?.kind === button.dataset.do);
  }
}

/** Mark the class of the selected box, or of the next one. */
export function markClass(label) {
  for (const button of $("classes").children) {
    button.classList.toggle("given", label !== null && button.dataset.name === label);
    if (button.dataset.name) button.setAttribute("aria-pressed", button.dataset.name === label);
  }
}

/** Say what the model thinks; the class it suggests, or null. */
export async function suggest(item) {
  const reason = await api.why(item.turn.id);
  const best = reason.likelihoods?.[0];
  if (!best) {
    tell([make("p", {}, withoutModel(reason, item))]);
    return null;
  }
  const [name, likelihood] = best;
  const few = typeof reason.labeled === "number" && reason.labeled < 50 ? " It has seen few labels yet." : "";
  const early = reason.provisional ? ` ${PROVISIONAL}` : few;
  tell([make("p", {}, "The model suggests ", make("strong", {}, name), `, ${percent(likelihood)} sure.${early}`)]);
  mark(name, null);
  say(`The model suggests ${name}`);
  return name;
}

const PROVISIONAL = "This is provisional: a first guess from very few labels, which nothing has measured and which chooses nothing.";
const SURE = 0.9;
const CLOSE = 0.5; // the second class has this part of the first one's share at least

/** What the model thinks, in words. */
export function sentence({ likelihoods: [[first, share], second], alone }) {
  const unlike = alone ? "; it is unlike anything labelled so far" : "";
  if (share >= SURE) return `The model takes it for ${first}${unlike}.`;
  if (second && second[1] >= CLOSE * share) return `The model can't tell ${first} from ${second[0]}${unlike}.`;
  return `The model leans to ${first}${unlike}.`;
}

/** Say why the image is asked for. */
export async function explainWhy(item) {
  const reason = await api.why(item.turn.id);
  const chosen = chosenBy(item.turn.asked, false);
  if (!reason.likelihoods) {
    tell([make("p", {}, withoutModel(reason, item) || chosen)]);
    return;
  }
  const bars = reason.likelihoods.map(([name, p]) =>
    make("div", { className: "share" }, make("span", {}, name), make("meter", { min: 0, max: 1, value: p }), make("span", {}, percent(p))),
  );
  const near = reason.near.map(({ image, label }) =>
    make("figure", {}, make("img", { onload: sharpenLoaded, src: imageUrl(image, "sheet"), alt: label }), make("figcaption", {}, label)),
  );
  tell([
    make("p", {}, make("strong", {}, chosen), chosen ? ". " : "", sentence(reason), reason.provisional ? ` ${PROVISIONAL}` : ""),
    make("div", { className: "shares" }, ...bars),
    ...(near.length ? [make("p", {}, "Nearest labelled images"), make("div", { className: "near" }, ...near)] : []),
    make("details", {}, make("summary", {}, "Numbers"), make("p", {}, `${reason.provisional ? "First guess" : `Model ${reason.cycle}`}: rejection ${reason.rejection.toFixed(2)}, confusion ${reason.confusion.toFixed(2)}. The bars are shares of all classes, fitted to labels that it did not learn, once there are twenty.`)),
  ]);
}

export function withoutModel(reason, item) {
  if (reason.from === "held-out") return "This image measures the model, so the model says nothing about it.";
  const chosen = item.turn.asked?.kind === "strategy" ? "" : chosenBy(item.turn.asked, false);
  return chosen ? `${chosen}. No model has looked at it.` : "No model has looked at this image.";
}

/** Put something below the image. */
export function tell(parts) {
  $("why").replaceChildren(...parts);
  $("why").hidden = false;
}
