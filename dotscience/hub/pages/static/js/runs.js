// The page of a project's runs. The address holds the reader's choices; the server writes the table; this puts it in place.
import { Charts } from "./charts.js";
import { Chosen } from "./chosen.js";
import { ask, say, watch } from "./hub.js";
import { columnsOf } from "./names.js";
import { queryBox } from "./query.js";
import { load, put } from "./refresh.js";
import { RunsTable } from "./table.js";

const state = JSON.parse(document.getElementById("state").textContent);
const $ = (id) => document.getElementById(id);
const api = `/api/projects/${state.project}`;
const MOST_COMPARED = 20, PAGE = 50, MOST_ROWS = 500;
const CHART = ["chart", "x", "y", "goal"], REMEMBERED = `chart of ${state.project}`;

let names = null;
/** The names in use, asked for when they are first needed. */
const words = () => names ??= ask("GET", `${api}/names`).then((found) => {
  const all = columnsOf(found, state.fields);
  return { all, columns: all.map((column) => column.name), sets: state.sets };
}, (error) => { names = null; say(error.message); return { all: [], columns: state.fields, sets: state.sets }; });

const table = new RunsTable($("table"), (selected) => {
  const compare = $("compare"), fits = selected.size >= 2 && selected.size <= MOST_COMPARED;
  compare.textContent = selected.size ? `Compare ${selected.size}` : "Compare";
  compare.title = fits ? "" : `Select 2 to ${MOST_COMPARED} runs`;
  if (fits) compare.href = `/projects/${state.project}/compare?${new URLSearchParams([...selected].map((run) => ["run", run]))}`;
  else compare.removeAttribute("href");
  compare.setAttribute("aria-disabled", String(!fits));
  chosen?.show(selected);
});
const chosen = $("chosen") && new Chosen($("chosen"), $("confirm-delete"), { api, table, changed: () => update() });

const openRun = (run) => location.assign(`/projects/${state.project}/runs/${encodeURIComponent(run)}`);
const charts = new Charts($("charts"), { project: state.project, words, open: openRun, set: (changed) => go(changed) });

/** The address with something changed: a text, a list, or null for nothing. */
function addressOf(changed) {
  const address = new URL(location.href);
  address.searchParams.delete("cursor");
  for (const [name, value] of Object.entries(changed)) {
    address.searchParams.delete(name);
    for (const each of value === null ? [] : [value].flat()) address.searchParams.append(name, each);
  }
  return address;
}

const go = (changed) => visit(addressOf(changed));

/** Show what an address says, and make it the page's. */
async function visit(address, { push = true } = {}) {
  const { ok, page } = await load(address).catch(() => ({}));
  if (!page) return say("The Hub cannot be reached.");
  put($("problem"), page.getElementById("problem") ?? document.createElement("div"));
  if (!ok) return pointAtProblem(page);
  if (push) history.pushState(null, "", address);
  Object.assign(state, JSON.parse(page.getElementById("state").textContent));
  $("query").value = page.getElementById("query").value;
  for (const part of ["count", "view-list"]) put($(part), page.getElementById(part));
  table.replace(page.getElementById("table"));
  await showChart();
}

function pointAtProblem(page) {
  const position = Number(page.querySelector("[data-position]")?.dataset.position);
  if (Number.isNaN(position)) return say(page.querySelector("main p")?.textContent ?? "That did not work.");
  $("query").focus();
  $("query").setSelectionRange(position, position + 1);
}

/** The same a little later. */
async function update() {
  const shown = table.rows.length, limit = Math.min(MOST_ROWS, Math.max(1, Math.ceil(shown / PAGE)) * PAGE);
  const { ok, page } = await load(addressOf({ limit: String(limit) })).catch(() => ({}));
  if (!ok) return;
  names = null;
  put($("count"), page.getElementById("count"));
  table.update(page.getElementById("table"), { isWhole: shown <= limit });
  await showChart();
}

async function showChart() {
  const said = new URLSearchParams(location.search), chart = said.get("chart");
  remember(said);
  for (const button of document.querySelectorAll("button[data-chart]")) button.setAttribute("aria-pressed", String(button.dataset.chart === chart));
  await charts.show(Object.fromEntries(CHART.map((name) => [name, said.get(name) ?? undefined])), said.get("query") ?? "", state.columns.filter((name) => !state.always.includes(name)));
}

// Find, sort, more

queryBox($("query"), $("query-options"), words, (query) => go({ query: query.trim() || null }));

$("table").addEventListener("click", async (event) => {
  const order = event.target.closest("thead button"), more = event.target.closest("#more");
  if (order) {
    event.preventDefault();
    await go({ sort: order.value });
  } else if (more && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    const { ok, page } = await load(more.href).catch(() => ({}));
    if (!ok) return say("These could not be loaded. Try again.");
    const last = table.rows.length;
    table.append(page.getElementById("table"));
    table.rows[last]?.querySelector("a").focus({ preventScroll: true });
  }
});

addEventListener("popstate", () => visit(new URL(location.href), { push: false }));

// Charts

/** What an address says of the chart. */
const chartOf = (said) => Object.fromEntries(CHART.filter((name) => said.has(name)).map((name) => [name, said.get(name)]));

/** Keep the reader's chart, or that there is none, for the next visit. */
function remember(said) {
  try {
    if (said.has("chart")) localStorage.setItem(REMEMBERED, JSON.stringify(chartOf(said)));
    else localStorage.removeItem(REMEMBERED);
  } catch { /* a browser that keeps nothing */ }
}

/** The chart of the visit before, where the address says nothing of one. */
function recall() {
  if (new URLSearchParams(location.search).has("chart")) return;
  try {
    const kept = JSON.parse(localStorage.getItem(REMEMBERED));
    const known = CHART.filter((name) => typeof kept?.[name] === "string").map((name) => [name, kept[name]]);
    if (known.length) history.replaceState(null, "", addressOf(Object.fromEntries(known)));
  } catch { /* a browser that keeps nothing */ }
}

function turnTo(chart) {
  history.pushState(null, "", addressOf(chart ? { chart } : { chart: null, x: null, y: null, goal: null }));
  return showChart();
}

for (const button of document.querySelectorAll("button[data-chart]")) {
  button.addEventListener("click", () => turnTo(button.getAttribute("aria-pressed") === "true" ? null : button.dataset.chart));
}

$("close-chart").addEventListener("click", () => {
  const button = document.querySelector("button[data-chart][aria-pressed=true]");
  turnTo(null);
  button?.focus();
});

// Columns

$("choose-columns").addEventListener("click", async () => {
  const { all } = await words(), shown = new Set(state.columns);
  const missing = state.columns.filter((name) => !all.some((column) => column.name === name)).map((name) => ({ kind: "run", title: name, name }));
  $("columns-list").replaceChildren(...[...all, ...missing].filter((column) => !state.always.includes(column.name)).map((column) => {
    const label = document.createElement("label"), box = document.createElement("input"), kind = document.createElement("small");
    Object.assign(box, { type: "checkbox", value: column.name, checked: shown.has(column.name) });
    kind.textContent = column.kind === "run" ? "" : column.kind;
    label.append(box, kind, ` ${column.title}`);
    return label;
  }));
  $("columns-filter").value = "";
  $("columns").showModal();
});

$("columns-filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const label of $("columns-list").children) label.hidden = !label.textContent.toLowerCase().includes(wanted);
});

$("columns").addEventListener("close", () => {
  const answer = $("columns").returnValue;
  if (answer === "usual") go({ column: null });
  if (answer !== "show") return;
  const ticked = [...$("columns-list").querySelectorAll("input:checked")].map((box) => box.value);
  const kept = state.columns.filter((name) => ticked.includes(name));
  go({ column: [...kept, ...ticked.filter((name) => !kept.includes(name))].concat(ticked.length ? [] : ["started"]) });
});
$("columns-filter").addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); $("columns").close("show"); }
});

// Saved views

$("save-view")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = new URLSearchParams(location.search), name = event.target.elements.name.value;
  const chart = chartOf(said);
  const settings = { query: said.get("query") ?? "", sort: said.getAll("sort"), columns: said.getAll("column"), chart };
  try {
    await ask("POST", `${api}/views`, { name, settings });
    event.target.reset();
    await showViews();
    say(`Saved as “${name}”.`);
  } catch (error) { say(error.message); }
});

$("views").addEventListener("click", async (event) => {
  const link = event.target.closest("li a"), button = event.target.closest("li button");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    $("views").open = false;
    await visit(new URL(link.href));
  } else if (button) {
    try {
      await ask("DELETE", `${api}/views/${button.closest("li").dataset.view}`);
      await showViews();
    } catch (error) { say(error.message); }
  }
});

async function showViews() {
  const { ok, page } = await load(location.href);
  if (!ok) return;
  put($("view-list"), page.getElementById("view-list"));
  $("no-views").hidden = $("view-list").children.length > 0;
}

for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => { if (event.target.isConnected && !menu.contains(event.target)) menu.open = false; });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
  });
}

table.chosen(table.selected);
recall();
if (document.querySelector("[data-position]")) pointAtProblem(document); // and there are no runs to chart
else showChart();
watch(`${api}/runs?limit=1`, update);
