// What an editor does with the selected runs of the table: tags, and deleting. Each run is asked for by itself.
import { ask, newId, say } from "./hub.js";

const counted = (count) => `${count.toLocaleString()} run${count === 1 ? "" : "s"}`;
const tagsOf = (row) => JSON.parse(row.querySelector("[data-tags]")?.dataset.tags ?? "[]");
const MOST_NAMED = 8;

/** The menu of the selected runs. `api` is the project's address; `changed` shows what the Hub has then. */
export class Chosen {
  constructor(menu, dialog, { api, table, changed }) {
    Object.assign(this, { menu, dialog, api, table, changed });
    this.tags = menu.querySelector("#chosen-tags");
    menu.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = event.target.elements.tag;
      this.#annotate([...table.selected], { tag: field.value.trim() }, "Tagged").then(() => { field.value = ""; });
    });
    this.tags.addEventListener("click", (event) => {
      const untag = event.target.closest("button")?.dataset.untag;
      if (untag === undefined) return;
      const runs = this.#rows().filter((row) => tagsOf(row).includes(untag)).map((row) => row.dataset.run);
      this.#annotate(runs, { untag }, "Taken from");
    });
    menu.querySelector("#delete-chosen").addEventListener("click", () => this.#confirm());
    dialog.addEventListener("close", () => { if (dialog.returnValue === "delete") this.#delete(); });
  }

  /** Say what there is to do with as many runs. */
  show(selected) {
    this.menu.querySelector("summary").textContent = selected.size ? `Edit ${selected.size}` : "Edit";
    this.menu.querySelector("fieldset").hidden = selected.size === 0;
    this.menu.querySelector("#none-chosen").hidden = selected.size > 0;
    const tags = [...new Set(this.#rows().flatMap(tagsOf))].sort();
    if (this.tags.dataset.shown === JSON.stringify(tags)) return;
    this.tags.dataset.shown = JSON.stringify(tags);
    this.tags.replaceChildren(...tags.map((tag) => {
      const place = document.createElement("span"), button = document.createElement("button");
      place.className = "tag";
      Object.assign(button, { type: "button", className: "link", textContent: "×" });
      button.dataset.untag = tag;
      button.setAttribute("aria-label", `Take away the tag ${tag}`);
      place.append(tag, button);
      return place;
    }));
  }

  #rows() { return this.table.rows.filter((row) => this.table.selected.has(row.dataset.run)); }

  #annotate(runs, said, done) {
    return this.#each(runs, done, (run) => ask("PUT", `${this.#of(run)}/annotations/${newId()}`, said));
  }

  #delete() {
    return this.#each([...this.table.selected], "Deleted", async (run) => {
      await ask("DELETE", this.#of(run));
      this.table.selected.delete(run);
    });
  }

  #of(run) { return `${this.api}/runs/${encodeURIComponent(run)}`; }

  /** Do something with each run. Where it fails for one, the others are done all the same. */
  async #each(runs, done, act) {
    const fields = this.menu.querySelector("fieldset");
    let count = 0, problem = "";
    fields.disabled = true;
    for (const run of runs) {
      try {
        await act(run);
        count += 1;
      } catch (error) { problem ||= error.message; }
    }
    fields.disabled = false;
    await this.changed();
    say(problem ? `${done} ${count} of ${counted(runs.length)}. ${problem}` : `${done} ${counted(count)}.`);
  }

  #confirm() {
    const rows = new Map(this.#rows().map((row) => [row.dataset.run, row.querySelector(".run a").textContent]));
    const runs = [...this.table.selected], left = runs.length - MOST_NAMED;
    const lines = runs.slice(0, MOST_NAMED).map((run) => rows.get(run) ?? `${run.slice(0, 8)}, which the table does not show now`);
    this.dialog.querySelector("h2").textContent = `Delete ${counted(runs.length)}?`;
    this.dialog.querySelector("ul").replaceChildren(...(left > 0 ? [...lines, `and ${left} more`] : lines).map((text) => {
      const line = document.createElement("li");
      line.textContent = text;
      return line;
    }));
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }
}
