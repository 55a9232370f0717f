// When a person goes over from single images to groups, and back for a few: what the model is unsure of, and what measures.

const AGAIN = 10; // after so many images it is tried again, where there was no group

/**
 * Tells the first moment, once in a run and browser, and those that follow from it. Whoever opens a page where a
 * model chooses already is left alone for some images first.
 */
export class Phases {
  /** `run` names the run; `turn(again)` goes over if there is a group that the model asks for; whether it did, by and by. */
  constructor(run, turn) {
    this.name = `ncenet/${run}/grouped`;
    this.turn = turn;
    this.before = null;
    this.left = 0; // images one by one before groups go on
    this.last = Promise.resolve(false);
  }

  /** Take note of the state of the run: the first moment is when a model begins to choose. */
  hear({ groups, batch, training }) {
    const due = groups && batch.asked?.kind === "strategy";
    const gone = localStorage.getItem(this.name) !== null;
    if (due && this.before === null && !gone) this.rest(AGAIN);
    this.waiting = !gone && (this.waiting || (due && this.before === false));
    this.before = due;
    const now = `${batch.cycle} ${training.phase}`; // there may be groups when a model has been at work
    if (due && this.waiting && this.tried !== now) {
      this.tried = now;
      this.#go(false).then((gone) => gone && localStorage.setItem(this.name, "1"));
    }
  }

  /** So many come one by one, and then groups again; 0 when somebody left the groups by hand. */
  rest(count) {
    this.left = count;
    this.resting = count > 0;
  }

  /** An image was answered by itself. */
  answered() {
    if (this.left > 0) this.left -= 1;
    const again = localStorage.getItem(this.name) !== null;
    if (this.left === 0 && this.resting) this.#go(again).then((gone) => (gone ? localStorage.setItem(this.name, "1") : this.rest(AGAIN)));
  }

  /** Go over, one attempt after the other. */
  #go(again) {
    this.last = this.last.then(() => this.turn(again)).catch(() => false); // the server may be away
    return this.last;
  }
}
