// A grid of very many tiles of one size: only those in sight are there, and the same ones are used over and over.

const TALLEST = 12_000_000; // pixels; what is taller than about 17 million, browsers cut off
const BEYOND = 2; // rows that are kept ready above and below

export class Scroller {
  /**
   * `frame` is the element that scrolls; `make()` a tile; `fill(tile, n, seen)` puts item `n` into it, which is
   * in sight or only near; `empty(tile)` hears that nobody looks at it any more; a tile is at least `least`
   * pixels wide, and `below` pixels higher than wide.
   */
  constructor(frame, { make, fill, empty = () => {}, least = 112, below = 20, gap = 8 }) {
    Object.assign(this, { frame, make, fill, empty, least, below, gap });
    this.total = 0;
    this.tiles = new Map(); // item -> tile
    this.free = [];
    this.space = document.createElement("div");
    this.space.className = "space";
    frame.replaceChildren(this.space);
    frame.addEventListener("scroll", () => this.#soon(), { passive: true });
    this.watch = new ResizeObserver(() => this.layout());
    this.watch.observe(frame);
  }

  close() {
    this.watch.disconnect();
  }

  /** Show another number of items, from the top. */
  reset(total) {
    this.total = total;
    for (const tile of this.tiles.values()) this.#release(tile);
    this.tiles.clear();
    this.frame.scrollTop = 0;
    this.layout();
  }

  layout() {
    const width = this.space.clientWidth;
    if (!width) return;
    this.columns = Math.max(1, Math.floor((width + this.gap) / (this.least + this.gap)));
    this.side = (width - this.gap * (this.columns - 1)) / this.columns;
    this.row = this.side + this.below + this.gap;
    this.real = Math.ceil(this.total / this.columns) * this.row;
    this.height = Math.min(this.real, TALLEST);
    this.space.style.height = `${this.height}px`;
    for (const tile of this.tiles.values()) this.#size(tile);
    this.paint();
  }

  /** Pixels of the whole for one pixel of scrolling: 1 unless the whole is taller than browsers can. */
  get #scale() {
    const view = this.frame.clientHeight;
    return this.real > this.height ? (this.real - view) / (this.height - view) : 1;
  }

  #soon() {
    this.coming ??= requestAnimationFrame(() => {
      this.coming = undefined;
      this.paint();
    });
  }

  /** Bring tiles to where the frame is scrolled to. */
  paint() {
    if (!this.row) return;
    const scrolled = this.frame.scrollTop;
    const top = scrolled * this.#scale;
    const first = Math.max(0, Math.floor(top / this.row) - BEYOND) * this.columns;
    const rows = Math.ceil(this.frame.clientHeight / this.row) + 2 * BEYOND;
    const end = Math.min(this.total, first + rows * this.columns);
    for (const [n, tile] of this.tiles) {
      if (n >= first && n < end) continue;
      this.#release(tile);
      this.tiles.delete(n);
    }
    // What is in sight comes first: pictures are fetched in the order in which they are asked for.
    const seen = Math.floor(top / this.row) * this.columns;
    const beyond = Math.min(end, Math.ceil((top + this.frame.clientHeight) / this.row) * this.columns);
    const order = [...between(seen, beyond), ...between(beyond, end), ...between(first, seen)];
    for (const n of order) {
      let tile = this.tiles.get(n);
      if (!tile) {
        tile = this.free.pop() ?? this.#made();
        tile.hidden = false;
        this.tiles.set(n, tile);
        this.fill(tile, n, n >= seen && n < beyond);
      }
      const x = (n % this.columns) * (this.side + this.gap);
      const y = Math.floor(n / this.columns) * this.row - top + scrolled;
      tile.style.transform = `translate(${x}px, ${y}px)`;
    }
  }

  #made() {
    const tile = this.make();
    this.#size(tile);
    this.space.append(tile);
    return tile;
  }

  #size(tile) {
    tile.style.width = `${this.side}px`;
    tile.style.height = `${this.side + this.below}px`;
  }

  #release(tile) {
    tile.hidden = true;
    this.empty(tile);
    this.free.push(tile);
  }

  /** Fill the tiles of some items anew, those that are in sight. */
  refill(from = 0, to = this.total) {
    const view = this.frame.getBoundingClientRect();
    const seen = (tile) => {
      const { top, bottom } = tile.getBoundingClientRect();
      return top < view.bottom && bottom > view.top;
    };
    const some = [...this.tiles].filter(([n]) => n >= from && n < to).map(([n, tile]) => [n, tile, seen(tile)]);
    for (const [n, tile, near] of some.sort((a, b) => b[2] - a[2] || a[0] - b[0])) this.fill(tile, n, near);
  }

  /** Scroll so far that an item is in sight; its tile. */
  reveal(n) {
    const y = Math.floor(n / this.columns) * this.row;
    const top = this.frame.scrollTop * this.#scale;
    const view = this.frame.clientHeight;
    if (y < top) this.frame.scrollTop = y / this.#scale;
    else if (y + this.row > top + view) this.frame.scrollTop = Math.ceil((y + this.row - view) / this.#scale);
    this.paint();
    return this.tiles.get(n);
  }
}

const between = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
