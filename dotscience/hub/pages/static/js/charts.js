// Charts of the runs that the table shows: two columns against each other, many side by side, a metric and the best so far.
import { figures, isWide } from "./axes.js";
import { ask } from "./hub.js";
import { parallel } from "./parallel.js";
import { plot, unplot } from "./plotly.js";

const FALLING = /loss|error|err$|rmse|mse|mae|perplexity|latency|time|duration|cost/i;

/** A name as an axis has room for it. */
const titled = (name) => (name.length > 32 ? `${name.slice(0, 31)}…` : name);

/** The axis of a column: its name, and its scale where that is not the usual one. */
function axisOf(name, values) {
  const isLog = isWide(values);
  return { title: `${titled(name)}${isLog ? ", log scale" : ""}`, ...(isLog ? { type: "log", nticks: 6 } : {}), ...figures(values) };
}

/** Whether a metric is better when it is lower, as far as its name tells. */
export const isFalling = (name) => FALLING.test(name);

/** The best value so far at each point; what is no number changes nothing. */
export function bestSoFar(values, goal) {
  let best = null;
  return values.map((value) => {
    if (typeof value === "number" && (best === null || (goal === "min" ? value < best : value > best))) best = value;
    return best;
  });
}

/** The chart panel. `open` goes to a run; `settings()` gives {chart, x, y, goal} and the table's columns; `set` changes them. */
export class Charts {
  constructor(panel, { project, words, open, set }) {
    Object.assign(this, { panel, project, words, open, set });
    this.choices = panel.querySelector("#chart-choices");
    this.place = panel.querySelector("#chart");
    this.said = panel.querySelector("#chart-said");
  }

  /** Draw what is asked for; nothing where `chart` is none of ours. */
  async show({ chart, x, y, goal }, query, tableColumns) {
    this.asking?.abort();
    const known = ["scatter", "parallel", "best"].includes(chart);
    this.panel.hidden = !known;
    if (!known) return this.#clear(null);
    this.panel.dataset.chart = chart;
    const { all } = await this.words();
    const numeric = all.filter((column) => column.kind !== "run" || column.name === "duration").map((column) => column.name);
    const metric = numeric.find((name) => name.startsWith("metric")) ?? "duration";
    const wanted = {
      scatter: { x: x ?? numeric.find((name) => name.startsWith("parameter")) ?? "started", y: y ?? metric },
      best: { x: "started", y: y ?? metric },
      parallel: {},
    }[chart];
    const names = chart === "parallel" ? tableColumns : [wanted.x, wanted.y];
    if (!names.length) { this.#clear(null); this.said.textContent = "Choose columns first: this chart has an axis for each."; return; }
    this.#choose(chart, wanted, goal, all);
    this.asking = new AbortController();
    try {
      const address = new URLSearchParams([["query", query], ...[...new Set(names)].map((name) => ["column", name])]);
      const found = await ask("GET", `/api/projects/${this.project}/columns?${address}`, undefined, { signal: this.asking.signal });
      await this.#draw(chart, found, wanted, goal, all);
    } catch (error) {
      if (error.name !== "AbortError") { this.#clear(null); this.said.textContent = error.message; }
    }
  }

  #clear(kind) {
    this.place.hidden = kind === null;
    if (this.kind === kind) return;
    unplot(this.place);
    this.place.replaceChildren();
    this.kind = kind;
  }

  #choose(chart, wanted, goal, all) {
    const fields = { scatter: [["x", "Across"], ["y", "Up"]], best: [["y", "Metric"], ["goal", "Best is"]], parallel: [] }[chart];
    const known = JSON.stringify([chart, all.length]);
    if (this.choices.dataset.known !== known) {
      this.choices.dataset.known = known;
      this.choices.replaceChildren(...fields.map(([name, text]) => this.#choice(name, text, all)));
    }
    for (const field of this.choices.querySelectorAll("select")) {
      const value = { ...wanted, goal: goal ?? (isFalling(wanted.y ?? "") ? "min" : "max") }[field.name];
      if (![...field.options].some((option) => option.value === value)) field.add(new Option(value, value));
      field.value = value;
    }
  }

  #choice(name, text, all) {
    const label = document.createElement("label"), field = document.createElement("select");
    field.name = name;
    const options = name === "goal" ? [["max", "the highest"], ["min", "the lowest"]] : all.map((column) => [column.name, column.name]);
    for (const [value, words] of options) field.add(new Option(words, value));
    field.addEventListener("change", () => this.set({ [name]: field.value }));
    label.append(`${text} `, field);
    return label;
  }

  async #draw(chart, found, wanted, goal, all) {
    const column = (name) => found.columns.find((one) => one.name === name)?.values ?? [];
    let count = found.runs.length;
    this.#clear(chart);
    if (chart === "parallel") {
      const columns = found.columns.map((one) => ({ ...all.find((each) => each.name === one.name), ...one }));
      if (count) count = parallel(this.place, found.runs, columns, this.open);
      else this.#clear(null);
    } else if (chart === "scatter") await this.#scatter(found.runs, column(wanted.x), column(wanted.y), wanted);
    else await this.#best(found.runs, column("started"), column(wanted.y), wanted.y, goal ?? (isFalling(wanted.y) ? "min" : "max"));
    const isAll = found.is_complete && count === found.runs.length;
    if (!this.kind) this.said.textContent = "None of these runs has what this chart shows.";
    else this.said.textContent = isAll ? "" : `The latest ${count.toLocaleString()} runs.`;
  }

  async #scatter(runs, x, y, wanted) {
    const kept = runs.map((_, at) => at).filter((at) => x[at] !== null && y[at] !== null);
    const across = kept.map((at) => x[at]), up = kept.map((at) => y[at]);
    await this.#plot([{
      type: "scatter", mode: "markers", x: across, y: up, customdata: kept.map((at) => runs[at]),
      marker: { size: 8, opacity: 0.75, color: "--series-1" }, hovertemplate: "%{customdata}<br>%{x}<br>%{y}<extra></extra>",
    }], {
      xaxis: axisOf(wanted.x, across), yaxis: axisOf(wanted.y, up),
      alt: `Scatter plot of ${kept.length} runs: ${wanted.y} against ${wanted.x}.`,
    });
  }

  async #best(runs, started, y, name, goal) {
    const kept = runs.map((_, at) => at).filter((at) => started[at] !== null && typeof y[at] === "number")
      .sort((a, b) => (started[a] < started[b] ? -1 : 1));
    const x = kept.map((at) => started[at]), values = kept.map((at) => y[at]), best = bestSoFar(values, goal);
    await this.#plot([
      { type: "scatter", mode: "lines", name: "best so far", x, y: best, line: { shape: "hv", color: "--series-2", width: 2 }, hoverinfo: "skip" },
      { type: "scatter", mode: "markers", name: titled(name), x, y: values, customdata: kept.map((at) => runs[at]), marker: { size: 7, color: "--series-1" }, hovertemplate: "%{customdata}<br>%{x}<br>%{y}<extra></extra>" },
    ], {
      xaxis: { title: "started" }, yaxis: axisOf(name, values), showlegend: true,
      alt: `${name} of ${kept.length} runs over time; the best so far is ${best.at(-1) ?? "unknown"}.`,
    });
  }

  async #plot(traces, layout) {
    if (!traces[0].x.length) return this.#clear(null);
    await plot(this.place, traces, layout);
    this.place.removeAllListeners?.("plotly_click");
    this.place.on("plotly_click", (event) => { const run = event.points[0]?.customdata; if (run) this.open(run); });
  }
}
