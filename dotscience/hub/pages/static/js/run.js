// The page of a run: charts, what can be opened, tags and notes, and a run in progress as it goes on.
import { ask, newId, say, watch } from "./hub.js";
import { load, put } from "./refresh.js";
import { openable } from "./parts.js";
import { Board } from "./series.js";

const article = document.getElementById("run");
const { run, project, twin } = article.dataset;
const SILENT = 90_000; // milliseconds
const parts = new Map([...document.querySelectorAll("[data-part]")].map((node) => [node.id, null]));

const board = new Board(document.getElementById("chart-groups"), document.getElementById("chart-controls"), [{ id: run, project, label: "", place: 0, begun: 0 }]);
const showCharts = async () => { document.getElementById("charts").hidden = !(await board.load().catch(() => 0)); };

/** Load the page anew, and put in place what the server says otherwise than before: what a reader has opened stays open. */
async function renew() {
  const { ok, page } = await load(location.pathname).catch(() => ({}));
  if (!ok) return null;
  for (const [id, before] of parts) {
    const old = document.getElementById(id), fresh = page.getElementById(id);
    if (!old || !fresh) continue;
    const text = fresh.innerHTML;
    if (before !== null && before !== text) put(old, fresh);
    parts.set(id, text);
  }
  Object.assign(article.dataset, page.getElementById("run").dataset);
  silence();
  showEnds();
  return page;
}

/** Whether the run was heard from lately, by the Hub's own clock. */
const skew = Number(article.dataset.now) - Date.now();
function silence() {
  const said = document.getElementById("silence");
  if (said) said.hidden = Date.now() + skew - Number(said.dataset.heard) <= SILENT;
}

async function annotate(said) {
  try {
    await ask("PUT", `${twin}/annotations/${newId()}`, said);
    await renew();
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

/** Of a long output the end is what readers look for first. */
const atEnd = new WeakSet();
function showEnds() {
  for (const each of document.querySelectorAll("#log pre[data-tail]")) {
    if (!atEnd.has(each)) each.scrollTop = each.scrollHeight;
    atEnd.add(each);
  }
}

/** The log of a run comes when its command has ended: look for it, less and less often. */
function awaitLog(pause = 2000) {
  if (!document.querySelector("#log p[data-awaited]") || pause > 600_000) return;
  setTimeout(async () => { await renew(); awaitLog(2 * pause); }, pause);
}

for (const [id, field] of [["add-tag", "tag"], ["add-note", "note"]]) {
  document.getElementById(id)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = event.target.elements[field];
    if (await annotate({ [field]: field === "tag" ? input.value.trim() : input.value })) { input.value = ""; input.focus(); }
  });
}

article.addEventListener("click", (event) => {
  const untag = event.target.closest("[data-untag]");
  if (untag) annotate({ untag: untag.dataset.untag });
  if (event.target.closest("#delete")) document.getElementById("confirm-delete").showModal();
});

document.getElementById("confirm-delete")?.addEventListener("close", async (event) => {
  if (event.target.returnValue !== "delete") return;
  try {
    await ask("DELETE", twin);
    location.assign(`/projects/${project}/runs`);
  } catch (error) { say(error.message); }
});

openable(article);
showEnds();
showCharts();
await renew();
if (article.dataset.published === "false") {
  const stop = watch(twin, async (said) => {
    await renew();
    await showCharts();
    if (said.is_published) { stop(); awaitLog(); }
  });
  setInterval(silence, 5000);
  setTimeout(() => { renew(); showCharts(); }, 3000); // for what happened between the page and the first look
}
