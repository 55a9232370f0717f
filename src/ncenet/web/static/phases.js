// When a person goes over from single images to groups, and back for a few: what the model is unsure of, and what measures.

/** Tells the first moment, once in a run and browser, and those that follow from it. */
export class Phases {
  /** `run` names the run; `turn(again)` goes over, and says whether it could. */
  constructor(run, turn) {
    this.name = `ncenet/${run}/grouped`;
    this.turn = turn;
    this.before = null;
    this.left = 0; // images one by one before groups go on
  }

  /** Take note of the state of the run: the first moment is when a model begins to choose; one of before is none. */
  hear({ groups, batch }) {
    const due = groups && batch.asked?.kind === "strategy";
    const reached = due && (this.before === false || this.waiting);
    this.before = due;
    this.waiting = reached && (localStorage.getItem(this.name) !== null || !this.turn(false));
    if (reached && !this.waiting) localStorage.setItem(this.name, "1");
    if (localStorage.getItem(this.name) !== null) this.waiting = false;
  }

  /** So many come one by one, and then groups again; 0 when somebody left the groups by hand. */
  rest(count) {
    this.left = count;
    this.resting = count > 0;
  }

  /** An image was answered by itself. */
  answered() {
    if (this.left > 0) this.left -= 1;
    if (this.left === 0 && this.resting) this.resting = !this.turn(true);
  }
}
