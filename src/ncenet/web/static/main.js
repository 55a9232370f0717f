// The page: keys and buttons, and what they set in motion.

import { showDetails, writeNote } from "./about.js";
import * as api from "./api.js";
import { BoxCanvas, drawingOf } from "./boxes.js";
import { $, ask, confirmed, folded, make, newKey, notice, say } from "./dom.js";
import { explainBoxes, showEarlier, suggestBoxes } from "./finds.js";
import { Grid } from "./grid.js";
import { ClassesDialog } from "./classes.js";
import { FinishDialog, matrixTable, progressTo } from "./finish.js";
import { Finder } from "./finder.js";
import { assign, classOf, HELP, HELP_FOR_BOXES, HELP_FOR_GROUPS, HELP_FOR_POOL, MANY, RESERVED, RESERVED_FOR_BOXES } from "./keys.js";
import { askForClasses, showOffer } from "./offer.js";
import { Outbox } from "./outbox.js";
import { showPanel } from "./panel.js";
import { Phases } from "./phases.js";
import { PoolGrid } from "./pool.js";
import { openNear, showNear } from "./near.js";
import { showRefused } from "./refused.js";
import { Session } from "./session.js";
import { Together } from "./together.js";
import { toggleFull, Zoom } from "./zoom.js";
import { explainWhy, markClass, show, showClasses, suggest, wordsFor } from "./stage.js";

const IDLE_MS = 20000; // how often a window says that it is still there
const TWICE_MS = 260; // two clicks within that are no single ones
const WAITING_MS = 1000; // how often it asks when it has nothing to show

let state;
let classes = [];
let session;
let canvas = null; // where boxes are drawn; null in a run that asks for classes
let online = true;
let told = "";
let signedIn = null; // the annotator whose link this is; null when people name themselves
let shutOut = ""; // why the server lets us in no more
let lookNow = "";
let phases;

const named = (storage, key, make) => {
  if (!storage.getItem(key)) storage.setItem(key, make());
  return storage.getItem(key);
};

async function start() {
  theme(localStorage.getItem("ncenet/theme") ?? "auto");
  state = await api.state();
  const window = named(sessionStorage, `ncenet/${state.run}/window`, newKey);
  signedIn = state.signedIn;
  const who = signedIn ?? sessionStorage.getItem("ncenet/who") ?? localStorage.getItem("ncenet/who") ?? state.you;
  const outbox = new Outbox(state.run, window, { onChange: showOutbox, onRefused: (why, kept) => notice(`Not recorded${kept ? ", and kept here" : ""}: ${why}`, 15), onRecorded: () => {} });
  session = new Session({ outbox, who, window, onChange: redraw });
  if (state.task === "detection") useCanvas();
  phases = new Phases(state.run, beginGroups);
  globalThis.ncenet = { api, session, outbox, canvas }; // for whoever looks with the browser's own tools
  takeState(state);
  api.listen(takeState, (up) => {
    if (up && !online) outbox.flush().then(() => session.renew()).then(api.state).then(takeState).catch(() => {});
    online = up;
    showLink();
  }, notice);
  addEventListener("pagehide", () => api.leave({ window, who }));
  await session.resume();
  redraw();
  showOutbox();
  if (!state.classes.length) (await askForClasses()).forEach(addClass);
  setInterval(() => session.ahead.length || session.topUp().catch(() => {}), WAITING_MS);
  setInterval(() => session.renew().catch(() => {}), IDLE_MS);
}

function takeState(next) {
  const asked = state && (next.batch.cycle !== state.batch.cycle || next.training.phase !== state.training.phase);
  state = next;
  document.title = `${state.title} · ncenet`;
  $("title").textContent = state.title;
  $("who").textContent = session.who;
  const names = [...new Set([...state.classes, ...(session?.outbox.names ?? [])])];
  const look = JSON.stringify([names, state.looks]);
  if (look !== lookNow) useClasses(names);
  lookNow = look;
  showOffer(state.offered, { change: classesDialog.change, add: addClass, open: () => classesDialog.show() });
  if (classesDialog.open) classesDialog.refresh();
  if (finishDialog.open) finishDialog.refresh();
  showGoal();
  $("matrix-fold").hidden = !state.matrix;
  if (state.matrix) $("matrix").replaceChildren(matrixTable(state.matrix));
  showPanel(state, session.who);
  if (!session.current) redraw();
  if (asked && state.training.phase === "idle") session.renew().catch(() => {});
  if (state.curve.length && told !== `${state.curve.length}`) say(`Model ${state.curve.length} is trained`);
  told = `${state.curve.length}`;
  phases.hear(state);
}

function useClasses(names) {
  classes = assign(names, canvas ? RESERVED_FOR_BOXES : RESERVED, state.looks);
  showClasses(classes, state.counts, (name) => act("answer", name), newClass, canvas !== null, state.looks);
  if (together.open) together.refresh();
  if (pool.open) pool.refresh();
  redraw();
}

function redraw() {
  show(session, state);
  zoom.show(session.current ?? null);
  if (canvas) showDrawing();
}

function useCanvas() {
  canvas = new BoxCanvas($("boxes"), { names: () => classes.map(({ name }) => name), onChange: drawn });
  for (const element of document.querySelectorAll("[data-task]")) element.hidden = element.dataset.task !== state.task;
}

// What is drawn on an image that has no answer yet outlives a reload of its window, whatever is in front by then.
const draftName = (id) => `ncenet/${state.run}/draft/${id}`;
const keepDraft = ({ turn, drawing }) => sessionStorage.setItem(draftName(turn.id), JSON.stringify(drawing.boxes));

function showDrawing() {
  const item = session.current;
  const draft = item && JSON.parse(sessionStorage.getItem(draftName(item.turn.id)));
  canvas.show(item?.turn.size ? drawingOf(item, draft ?? undefined) : null);
  markClass(canvas.marked);
}

function drawn() {
  markClass(canvas.marked);
  if (!session.current.answers.length) keepDraft(session.current);
}

function showOutbox() {
  showLink();
  if (session) showRefused(session.outbox.refused, { open: edit, discard: (entry) => session.outbox.discard(entry) });
}

function showLink() {
  const waiting = session?.outbox.waiting ?? 0;
  const kept = waiting ? `${waiting} answer${waiting === 1 ? "" : "s"} kept here until ` : "";
  const away = kept ? `${kept}the server is back` : "The server is away";
  const out = kept ? `${shutOut}. ${kept}another link is opened in this browser` : shutOut;
  $("link").textContent = shutOut ? out : online ? "" : away;
  $("link").classList.toggle("away", !online || shutOut !== "");
}

/** What a person does to the image in front of them. */
function act(what, label) {
  if (what === "full") return toggleFull();
  if (what === "details" || what === "note") {
    if (!session.current) return undefined;
    return (what === "note" ? writeNote(session.current, session.who) : showDetails(session.current)).catch((error) => notice(error.message));
  }
  if (canvas) return actOnBoxes(what, label);
  if (what === "answer" || what === "skip" || what === "unsure") {
    const { turn } = session.current ?? {};
    if (session.answer(what, label ?? null)) {
      say(what === "answer" ? label : what);
      offerCopies(what === "answer" && turn.copies ? { turn, label } : null);
      phases.answered();
    }
  } else if (what === "undo") undo();
  else if (what === "back") back();
  else if (session.current) {
    const asked = what === "suggest" ? suggest(session.current) : explainWhy(session.current);
    asked.catch((error) => notice(error.message));
  }
}

let offered = null;

/** Offer the label that was given to the near copies of its image; null takes the offer back. */
function offerCopies(offer) {
  offered = offer;
  $("copies-offer").hidden = !offer;
  if (!offer) return;
  const words = `${offer.turn.copies} near ${offer.turn.copies === 1 ? "copy" : "copies"} of that image: ${offer.label} too?`;
  $("copies-offer").replaceChildren(make("button", { type: "button", onclick: openCopies }, words, " ", make("kbd", {}, "*")));
  say(words);
}

function openCopies() {
  const { turn, label } = offered;
  offerCopies(null);
  document.querySelector("main").setAttribute("inert", "");
  const back = () => document.querySelector("main").removeAttribute("inert");
  together.offer(turn, label).then((there) => there || back()).catch((error) => back() || notice(error.message));
}

function undo() {
  offerCopies(null);
  const item = session.undo();
  if (item === undefined) notice("There is no answer to undo.");
  else if (item === null) notice("That answer came from elsewhere: correct it with another one.");
  else {
    if (item.drawing && !item.answers.length) keepDraft(item);
    say("Undone");
  }
}

function back() {
  warnOfChanges();
  if (session.back()) say(`Was: ${wordsFor(session.current.answers.at(-1))}`);
  else notice("This is the first answer.");
}

function forward() {
  warnOfChanges();
  return session.forward();
}

/** Boxes of a past answer are recorded by Enter alone. */
function warnOfChanges() {
  if (session.looking !== null && session.current.drawing?.changed) notice("The changes were not recorded: Enter would have.");
}

/** The same where boxes are drawn. */
function actOnBoxes(what, label) {
  if (what === "back") return back();
  if (what === "undo") return canvas.undo() || undo();
  const item = session.current;
  if (!item) return undefined;
  if (what === "skip" || what === "unsure") {
    session.answer(what, null, canvas.drawing?.answer());
    sessionStorage.removeItem(draftName(item.turn.id));
    return say(what);
  }
  if (what === "why" || (what === "suggest" && canvas.drawing)) {
    const shown = (other) => other === session.current;
    const asked = what === "why" ? explainBoxes(item, canvas.names(), shown) : suggestBoxes(item, canvas, shown);
    return asked.catch((error) => notice(error.message));
  }
  if (!canvas.drawing) return notice("This image can't be drawn on: skip it with s.");
  if (what === "earlier") return showEarlier(item, canvas, (other) => other === session.current).catch((error) => notice(error.message));
  if (what === "answer") return canvas.classify(label);
  if (what === "delete") return canvas.remove();
  if (what === "take") return canvas.takeAll();
  const boxes = canvas.answer();
  if (boxes && session.answer("answer", null, boxes)) {
    sessionStorage.removeItem(draftName(item.turn.id));
    say(`Answered: ${wordsFor({ kind: "answer", boxes })}`);
  }
  return undefined;
}

async function newClass() {
  const name = await ask("New class", "Everybody in this project can use it from now on.");
  if (name === null) return;
  if (classes.some((known) => known.name === name)) return notice(`${name} is a class already.`);
  const alike = classes.find((known) => folded(known.name) === folded(name));
  if (alike && !(await confirmed(`${name}, beside ${alike.name}?`, `There is a class ${alike.name} already. Are these two classes?`))) return undefined;
  return addClass(name);
}

function addClass(name) {
  session.outbox.push({ who: session.who, name });
  useClasses([...classes.map((known) => known.name), name]);
}

async function rename() {
  if (signedIn !== null) return notice(`This link is ${signedIn}'s: its answers are recorded under that name.`);
  const name = await ask("Who is labelling?", "Answers are recorded under this name.", session.who);
  if (name === null || name === session.who) return;
  localStorage.setItem("ncenet/who", name);
  sessionStorage.setItem("ncenet/who", name);
  location.reload();
}

function help() {
  const rows = (canvas ? HELP_FOR_BOXES : together.open ? HELP_FOR_GROUPS : pool.open ? HELP_FOR_POOL : HELP).flatMap(([key, words]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, words)]);
  const close = make("button", { type: "button", className: "primary", onclick: () => $("help").close() }, "Close");
  $("help").replaceChildren(make("h2", { id: "help-title" }, "Keys"), make("dl", {}, ...rows), make("menu", {}, close));
  $("help").showModal();
}

function theme(choice) {
  document.documentElement.dataset.theme = choice;
  localStorage.setItem("ncenet/theme", choice);
  $("theme").textContent = { auto: "\u25D0", light: "\u2600", dark: "\u263E" }[choice];
}

/** Open an answer from the grid, or one that was refused, to correct it. */
function edit(said) {
  warnOfChanges();
  session.visit(said);
  say(`Correcting: ${wordsFor(said)}`);
}

const classesDialog = new ClassesDialog({
  state: () => state,
  assigned: () => classes,
  change: (message) => api.changeClasses({ who: session.who, ...message }),
  shown: () => session.current?.turn.hash,
});
const goalName = () => `ncenet/${state.run}/goal`;
const finishDialog = new FinishDialog({
  state: () => state,
  sort: api.sort,
  goal: () => localStorage.getItem(goalName()),
  setGoal: (goal) => {
    goal ? localStorage.setItem(goalName(), goal) : localStorage.removeItem(goalName());
    showGoal();
  },
});

function showGoal() {
  const goal = progressTo(localStorage.getItem(goalName()), state);
  $("goal").replaceChildren(...(goal ? [make("progress", { max: 1, value: Math.min(1, goal.share), "aria-label": "Goal" }), make("p", {}, goal.words)] : []));
}

const finder = new Finder({ names: () => state.classes, counts: () => state.counts, choose: (name) => act("answer", name) });

const inFront = (item) => item === session.current;
const near = (item) => openNear(item).catch((error) => notice(error.message));

const grid = new Grid({
  classes: () => classes,
  people: () => state.annotators.map(({ who }) => who),
  boxed: () => canvas !== null,
  near: (item) => near(item),
  edit: (said) => {
    grid.close();
    edit(said);
  },
  correct: ({ id, hash, size }, kind, label) => {
    const entry = { who: session.who, key: newKey(), id, hash, size, kind };
    session.outbox.push(kind === "answer" ? { ...entry, label } : entry);
  },
  onClose: () => document.querySelector("main").removeAttribute("inert"),
});

const together = new Together({
  classes: () => classes,
  ask: (more) => api.group({ window: session.window, who: session.who, ...more }),
  send: sendMany,
  near,
  onClose: () => {
    document.querySelector("main").removeAttribute("inert");
    phases.rest(0);
  },
  onSingles: (count) => {
    phases.rest(count);
    notice(`${count} one by one, then groups again.`);
    session.renew().catch(() => {});
  },
});

const pool = new PoolGrid({
  classes: () => classes,
  send: sendMany,
  near,
  onClose: () => document.querySelector("main").removeAttribute("inert"),
});

function sendMany(entries) {
  session.outbox.pushAll(entries.map((entry) => ({ who: session.who, ...entry })));
  session.settle(entries.map(({ id }) => id), entries[0]?.kind !== "undo");
}

/** One view at a time: whatever else is open closes. */
function goTo(view, ...how) {
  if ((canvas && view !== grid) || (view.open && !how.length)) return;
  for (const other of [together, pool, grid]) if (other !== view && other.open) other.close();
  document.querySelector("main").setAttribute("inert", "");
  view.show(...how).catch((error) => notice(error.message));
}

async function beginGroups(again) {
  const busy = () => together.open || pool.open || grid.open || session.looking !== null || document.querySelector("dialog[open]");
  if (busy() || !(await together.asked()) || busy()) return false;
  document.querySelector("main").setAttribute("inert", "");
  together.gate(again);
  return true;
}

const KEYS = { s: "skip", u: "unsure", z: "undo", b: "back", h: "suggest", w: "why", ",": "note", ";": "details" };
const zoom = new Zoom(document.querySelector(".frame"), { drawn: () => canvas !== null, onPinch: () => canvas?.cancel() });
const KEYS_FOR_BOXES = { ...KEYS, a: "take", o: "earlier", Enter: "done" };

document.addEventListener("keydown", (event) => {
  if (!session || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  let meant = true;
  const name = classOf(classes, key);
  const keys = canvas ? KEYS_FOR_BOXES : KEYS;
  const view = name ? undefined : { ".": together, ":": pool, g: grid }[key];
  if (key === "?" && !name) help();
  else if (view && event.repeat) meant = true;
  else if (view && !view.open && (!canvas || view === grid)) goTo(view);
  else if (together.open) meant = together.key(event, key);
  else if (pool.open) meant = pool.key(event, key);
  else if (grid.open) meant = grid.key({ key });
  else if (key === "Enter" && event.shiftKey) toggleFull();
  else if (canvas?.key(event)) meant = true;
  else if (zoom.key(event)) meant = true;
  else if (key === "Enter" && event.target.matches("button, [role=button]:not([data-box])")) meant = false; // it is pressed
  else if (event.repeat && (name || keys[key])) meant = true; // a key that is held down answers once
  else if (name) act("answer", name);
  else if (keys[key]) act(keys[key]);
  else if (key === "n") newClass();
  else if (key === "#" && !canvas) classesDialog.show();
  else if (key === " " && !canvas && session.current && !event.target.matches("button")) finder.show();
  else if (classes.length > MANY && !canvas && session.current && /^[a-z]$/.test(key) && !KEYS[key] && key !== "n" && key !== "g") finder.show(key);
  else if (key === "*" && offered) openCopies();
  else if (key === "/" && !canvas && session.current) showNear(session.current, inFront).catch((error) => notice(error.message));
  else if (key === "Escape") meant = forward();
  else meant = false;
  if (meant) event.preventDefault();
});

for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => act(button.dataset.do);
// Whoever clicks goes on with keys: Enter is to answer then, and not to press the button again.
$("stage").addEventListener("click", (event) => canvas && event.detail && event.target.closest("button")?.blur());
// One click shows what is near; two are for whoever looks closer.
let clicked;
document.querySelector(".frame").addEventListener("click", (event) => {
  clearTimeout(clicked);
  const item = session?.current;
  if (canvas || !item || event.target.id !== "image" || event.detail > 1) return;
  clicked = setTimeout(() => item === session.current && showNear(item, inFront).catch((error) => notice(error.message)), TWICE_MS);
});
$("open-help").onclick = help;
$("open-finish").onclick = () => finishDialog.show();
$("open-classes").onclick = () => classesDialog.show();
$("open-group").onclick = () => goTo(together);
$("open-pool").onclick = () => goTo(pool);
$("open-grid").onclick = () => goTo(grid);
$("open-name").onclick = rename;
$("theme").onclick = () => theme({ auto: "light", light: "dark", dark: "auto" }[document.documentElement.dataset.theme]);
document.addEventListener("click", (event) => event.target.id === "open-disputed" && goTo(grid, { disputed: true }));

addEventListener("ncenet-shut-out", ({ detail }) => {
  shutOut = detail;
  showLink();
});
start().catch((error) => {
  $("empty").hidden = false;
  $("empty").textContent = error.message;
});
