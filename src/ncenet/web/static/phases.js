// When a person goes over from single images to groups: by itself, once single ones have taught the model enough.

/** Tells the moment, once in a run and browser; what was reached before the page was opened is no moment. */
export class Phases {
  /** `run` names the run; `turn()` goes over, and says whether it could. */
  constructor(run, turn) {
    this.name = `ncenet/${run}/grouped`;
    this.turn = turn;
    this.before = null;
  }

  /** Take note of the state of the run. */
  hear({ groupsFrom, counts, curve }) {
    const labels = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const due = groupsFrom !== null && labels >= groupsFrom;
    const reached = due && (this.before === false || this.waiting);
    this.before = due;
    this.waiting = reached && (!curve.length || localStorage.getItem(this.name) !== null || !this.turn());
    if (reached && !this.waiting) localStorage.setItem(this.name, "1");
    if (localStorage.getItem(this.name) !== null) this.waiting = false;
  }
}
