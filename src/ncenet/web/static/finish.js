// The finish line: sort the images into folders, take labels, report and model along, set a goal.

import { $, counted, make, notice, number, percent } from "./dom.js";
import { signed } from "./token.js";

/** One line about a likelihood. */
export function expectedLine({ above, sorted, of, by_people: people, interval }) {
  const wrong = sorted === people ? "" : interval ? `, about ${Math.round(100 * interval[0])} to ${percent(interval[1])} of the model's wrong` : ", how many of the model's are wrong nobody can say: no held-out image is as likely";
  return `${above === 0 ? "All" : `From ${percent(above)} on`}: ${number(sorted)} of ${number(of)} sorted${people ? `, ${number(people)} of them by people` : ""}${wrong}`;
}

export class FinishDialog {
  constructor({ state, sort, goal, setGoal }) {
    Object.assign(this, { state, sort, goal, setGoal });
    this.root = $("finish-dialog");
    this.above = 0.9;
  }

  get open() {
    return this.root.open;
  }

  show() {
    this.#draw();
    this.root.showModal();
    if (!this.state().finish) this.#look();
  }

  refresh() {
    const drawn = JSON.stringify(this.state().finish);
    if (drawn !== this.drawn) this.#draw();
  }

  #look() {
    this.sort({ above: null, how: "copy" }).catch((error) => notice(error.message, 10));
  }

  #draw() {
    const finish = this.state().finish;
    this.drawn = JSON.stringify(finish);
    const link = (path, words) => make("a", { href: signed(path), download: "", className: "link-button" }, words);
    const goal = make("select", { "aria-label": "Goal", onchange: (event) => this.setGoal(event.target.value) }, ...[["", "No goal"], ["a0.85", "85 % right"], ["a0.9", "90 % right"], ["a0.95", "95 % right"], ["n200", "200 labels"], ["n500", "500 labels"], ["n1000", "1,000 labels"]].map(([value, words]) => make("option", { value, selected: value === (this.goal() ?? "") }, words)));
    this.root.replaceChildren(
      make("h2", { id: "finish-title" }, "Finish"),
      make("h3", {}, "Sort the images into folders"),
      ...this.#sorting(finish),
      make("h3", {}, "Take along"),
      make("p", {}, link("files/labels.csv", "Labels (CSV)"), " · ", link("files/notes.csv", "Notes (CSV)"), " · ", link("files/report.html", "Report"), " · ", link("files/model.safetensors", "Model")),
      make("pre", { className: "code" }, 'import ncenet\nprint(ncenet.load("model.safetensors").predict("photo.jpg").predicted)'),
      make("h3", {}, "Goal"), make("p", {}, goal),
      make("menu", {}, make("button", { type: "button", className: "primary", onclick: () => this.root.close() }, "Close ", make("kbd", {}, "Esc"))));
  }

  #sorting(finish) {
    if (!finish || finish.phase === "working") {
      const done = finish ? finish.done / finish.total : 0;
      return [make("p", { className: "faint" }, "Working…"), make("progress", { value: done, max: 1, "aria-label": "Sorting" })];
    }
    const again = make("button", { type: "button", onclick: () => this.#look() }, "Look again");
    const begun = (finish.interrupted ?? []).map(({ out, above, how }) => {
      const goOn = make("button", { type: "button", onclick: () => this.sort({ above, how }).catch((error) => notice(error.message, 10)) }, "Go on with it");
      return make("p", { className: "trouble" }, "A sort into ", make("code", {}, out), ` (${how === "copy" ? "copies" : "links"}, ${above === 0 ? "all images" : `from ${percent(above)} on`}) was interrupted. `, goOn);
    });
    return [...begun, ...this.#outcome(finish, again)];
  }

  #outcome(finish, again) {
    if (finish.phase === "failed") return [make("p", { className: "trouble", role: "alert" }, finish.why), again];
    if (finish.phase === "sorted") {
      const rows = Object.entries(finish.counts).map(([name, count]) => `${name} ${number(count)}`).join(", ");
      return [make("p", {}, "Sorted into ", make("code", {}, finish.out), `: ${rows}.`), make("p", { className: "faint" }, "sorted.csv in it says why; ncenet sort RUN OUT --undo takes it back."), again];
    }
    const line = make("p", { id: "sort-expected", role: "status" });
    const choose = make("input", { type: "range", min: 0, max: finish.expected.length - 1, "aria-label": "Likelihood" });
    const at = () => finish.expected[choose.value];
    const say = () => { line.textContent = expectedLine(at()); this.above = at().above; choose.setAttribute("aria-valuetext", line.textContent); };
    choose.value = Math.max(0, finish.expected.findIndex(({ above }) => above === this.above));
    choose.oninput = say;
    say();
    const go = (how, words) => make("button", { type: "button", className: how === "copy" ? "primary" : "", onclick: () => this.sort({ above: this.above, how }).catch((error) => notice(error.message, 10)) }, words);
    return [choose, line, make("menu", {}, go("copy", "Sort copies"), go("link", "Sort links (no room)"), again)];
  }
}

/** How far a goal is, as a sentence and a share; null without a goal. */
export function progressTo(goal, state) {
  if (!goal) return null;
  const value = Number(goal.slice(1));
  const pace = state.annotators.find(({ seconds }) => seconds)?.seconds;
  const minutes = (labels) => (pace ? `, ${Math.max(1, Math.round((labels * pace) / 60))} min at this pace` : "");
  if (goal[0] === "n") {
    const left = Math.max(0, value - state.labeled);
    return { share: state.labeled / value, words: left ? `${counted(left, "label")} to go${minutes(left)}` : `The goal of ${counted(value, "label")} is reached.` };
  }
  const now = state.curve.at(-1);
  if (!now) return { share: 0, words: "Said after the first model." };
  if (now.low >= value) return { share: 1, words: `The goal is reached: ${percent(now.low)} at least.` };
  if (now.accuracy >= value) return { share: 1, words: `Reached on ${counted(now.images, "held-out image")}; between ${percent(now.low)} and ${percent(now.high)} on all.` };
  const best = state.outlook?.high;
  if (!best) return { share: now.accuracy / value, words: "How far it is can be said after four models." };
  const labels = Math.ceil((100 * (value - now.accuracy)) / best / 10) * 10;
  return { share: now.accuracy / value, words: best < 0.01 ? "More labels hardly help any more: this goal may be out of reach." : `At least ${counted(labels, "label")} more${minutes(labels)}` };
}

/** Which classes the last model takes for which, and how many of each it gets right. */
export function matrixTable({ classes, counts }) {
  const most = Math.max(1, ...counts.flat());
  const cell = (count, right) => {
    const made = make("td", {}, count ? number(count) : "");
    if (count) made.style.background = `color-mix(in srgb, var(${right ? "--good" : "--bad"}) ${Math.round((55 * count) / most) + 8}%, transparent)`;
    return made;
  };
  const rows = classes.map((name, n) => {
    const all = counts[n].reduce((a, b) => a + b, 0);
    return make("tr", {}, make("th", { scope: "row" }, name), ...counts[n].map((count, m) => cell(count, n === m)), make("td", {}, all ? `${counts[n][n]} of ${all}` : ""));
  });
  return make("table", { className: "matrix" },
    make("caption", {}, "Held-out images: what they are (rows), and what the last model takes them for"),
    make("tr", {}, make("td"), ...classes.map((name) => make("th", { scope: "col" }, make("span", {}, name))), make("th", { scope: "col" }, "right")), ...rows);
}
