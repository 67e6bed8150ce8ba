// A table of runs whose rows are known by [data-run]: new HTML of the server goes in without moving what the reader looks at.
import { put } from "./refresh.js";
import { showTimes } from "./times.js";

export class RunsTable {
  /** `chosen` is called with the ids of the selected runs whenever they change. */
  constructor(place, chosen) {
    this.place = place;
    this.selected = new Set();
    this.chosen = chosen;
    place.addEventListener("change", (event) => {
      if (event.target.type !== "checkbox") return;
      const row = event.target.closest("tr[data-run]");
      for (const { dataset } of row ? [row] : this.rows) this.selected[event.target.checked ? "add" : "delete"](dataset.run);
      this.#tick();
    });
    addEventListener("resize", () => { for (const head of this.#heads()) head.style.minWidth = ""; });
  }

  #heads() { return this.place.querySelectorAll("thead th:not(.run)"); }

  get rows() { return [...this.place.querySelectorAll("tr[data-run]")]; }

  /** Replace everything: another query, order or other columns. */
  replace(fresh) {
    put(this.place, fresh);
    this.#tick();
  }

  /**
   * The same table a little later: rows that are the same stay, others change in place, new ones come where they belong.
   * Where `isWhole` is false the reader has loaded more rows than came now; those stay as they are.
   */
  update(fresh, { isWhole = true } = {}) {
    const body = this.place.querySelector("tbody"), wanted = fresh.querySelector("tbody");
    const heads = (place) => [...place.querySelectorAll("thead th")].map((head) => head.dataset.column).join("\n");
    if (!body || !wanted || heads(this.place) !== heads(fresh)) return this.replace(fresh);
    for (const head of this.#heads()) head.style.minWidth = `${head.offsetWidth}px`; // nothing shrinks under the reader's eyes
    const known = new Map(this.rows.map((row) => [row.dataset.run, row]));
    let before = null;
    for (const row of wanted.rows) {
      const old = known.get(row.dataset.run);
      known.delete(row.dataset.run);
      const mine = old ?? document.importNode(row, true);
      if (old) this.#cells(old, row);
      else showTimes(mine);
      const next = before ? before.nextSibling : body.firstChild;
      if (mine !== next) body.insertBefore(mine, next);
      before = mine;
    }
    for (const [run, row] of isWhole ? known : []) {
      row.remove();
      this.selected.delete(run);
    }
    if (isWhole) this.#more(fresh);
    this.#tick();
  }

  /** Rows of the next page. */
  append(fresh) {
    const known = new Set(this.rows.map((row) => row.dataset.run));
    const body = this.place.querySelector("tbody");
    for (const row of fresh.querySelectorAll("tr[data-run]")) {
      if (known.has(row.dataset.run)) continue;
      const mine = document.importNode(row, true);
      body.append(mine);
      showTimes(mine);
    }
    this.#more(fresh);
    this.#tick();
  }

  #cells(old, fresh) {
    [...fresh.cells].forEach((cell, number) => {
      const mine = old.cells[number];
      if (mine.classList.contains("choose")) return; // the reader's
      if (mine.className !== cell.className) mine.className = cell.className;
      put(mine, cell);
    });
  }

  #more(fresh) {
    const mine = this.place.querySelector(".more"), next = fresh.querySelector(".more");
    if (mine && next) put(mine, next);
    else if (mine) mine.remove();
    else if (next) this.place.append(document.importNode(next, true));
  }

  #tick() {
    const rows = this.rows, all = this.place.querySelector("thead input");
    for (const row of rows) row.querySelector("input[type=checkbox]").checked = this.selected.has(row.dataset.run);
    const count = rows.filter((row) => this.selected.has(row.dataset.run)).length;
    if (all) Object.assign(all, { checked: count > 0 && count === rows.length, indeterminate: count > 0 && count < rows.length });
    this.chosen(this.selected);
  }
}
