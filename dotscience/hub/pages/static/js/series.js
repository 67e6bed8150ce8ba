// Charts of series, of one run or of several laid over each other: small multiples, zoomed into on the server.
import { extremes, figures } from "./axes.js";
import { ask } from "./hub.js";
import { plot, unplot } from "./plotly.js";

const FIRST = 24; // charts that are made before the reader asks for all
const MOST_MARKS = 100; // of points that are no finite numbers
const collator = new Intl.Collator(undefined, { numeric: true });
const AXES = { step: "step", time: "time", epoch: "epoch" };

/** What stands before the first "/" or "." of a name, or "". */
export const prefix = (name) => /^([^/.]+)[/.]./.exec(name)?.[1] ?? "";

/** Exponential smoothing that does not lag at the beginning; gaps stay gaps. */
export function smoothed(values, weight) {
  let last = 0, seen = 0;
  return values.map((value) => {
    if (value === null) return null;
    last = last * weight + (1 - weight) * value;
    seen += 1;
    return last / (1 - weight ** seen);
  });
}

/**
 * As many of the points as draw the same line on a chart of that width, as the Hub chooses them: of each bucket the ends,
 * the extremes, and a gap where there is one.
 */
export function thinned({ x, y }, width) {
  if (x.length <= 10 * width) return { x, y };
  // of the halves, because the span of finite epochs need not be finite
  const begin = x[0] / 2, span = x.at(-1) / 2 - begin || 1, kept = new Set();
  const bucketOf = (at) => Math.min(width - 1, Math.floor((x[at] / 2 - begin) / span * width));
  for (let first = 0, after; first < x.length; first = after) {
    let low = first, high = first, gap = first;
    for (after = first + 1; after < x.length && bucketOf(after) === bucketOf(first); after++) {
      if (y[after] === null) { gap = after; continue; }
      if (y[low] === null || y[after] < y[low]) low = after;
      if (y[high] === null || y[after] > y[high]) high = after;
    }
    for (const at of [first, low, high, gap, after - 1]) kept.add(at);
  }
  const places = [...kept].sort((a, b) => a - b);
  return { x: places.map((at) => x[at]), y: places.map((at) => y[at]) };
}

/** Points with those that came since; null where these do not follow on them. */
export function joined(held, fresh, width) {
  if (fresh.x.length && fresh.x[0] < held.x.at(-1)) return null;
  const { x, y } = thinned({ x: [...held.x, ...fresh.x], y: [...held.y, ...fresh.y] }, width);
  return { x, y, odd: [...held.odd, ...fresh.odd].slice(0, MOST_MARKS), count: held.count + fresh.count };
}

/** A value as a heading says it. */
function figure(value) {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value ?? "");
  return Math.abs(value) < 1e6 ? String(Number(value.toPrecision(6))) : value.toPrecision(6);
}

/** One chart: a series of one or more runs. */
class Chart {
  constructor(name, board) {
    this.name = name;
    this.board = board;
    this.window = null;
    this.found = [];
    this.node = document.createElement("div");
    this.node.className = "chart-card";
    this.node.dataset.series = name;
    const head = document.createElement("h4"), label = document.createElement("span");
    label.textContent = name;
    this.last = document.createElement("span");
    this.last.className = "quiet";
    head.append(label, this.last);
    this.place = document.createElement("div");
    this.place.className = "chart";
    this.node.append(head, this.place);
  }

  /** Ask for the points of the window, and draw them. */
  load() {
    this.isWhole = false; // until they are here
    return this.follow();
  }

  /** Ask for what has come since; for everything where that is not here yet, or does not follow on what is. */
  async follow() {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    const runs = this.board.runs.filter((run) => run.names.has(this.name));
    try {
      this.found = await Promise.all(runs.map((run) => this.#points(run, signal)));
    } catch (error) {
      if (!signal.aborted) this.place.textContent = error.message;
      return;
    }
    this.isWhole = true;
    await this.draw();
  }

  async #points(run, signal) {
    const width = Math.max(200, Math.round(this.place.clientWidth));
    const held = this.isWhole ? this.found.find((each) => each.run === run) : null;
    if (held?.points.x.at(-1) > this.window?.[1]) return held; // nothing more comes into the window
    const said = await this.#ask(run, width, held?.end, signal);
    const points = said.after ? joined(held.points, said.series[0], width) : said.series[0];
    if (points) return { run, points, end: said.end };
    const all = await this.#ask(run, width, null, signal);
    return { run, points: all.series[0], end: all.end };
  }

  #ask(run, width, after, signal) {
    const query = new URLSearchParams({ name: this.name, width, x: this.board.axis });
    if (this.window) { query.set("from", this.window[0]); query.set("to", this.window[1]); }
    if (after) query.set("after", after);
    return ask("GET", `/api/projects/${run.project}/runs/${run.id}/series/points?${query}`, undefined, { signal });
  }

  async draw() {
    const { axis, smoothing, isLog, runs } = this.board, traces = [];
    for (const { run, points } of this.found) {
      const colour = `--series-${1 + (run.place % 6)}`, dash = ["solid", "dash", "dot"][Math.floor(run.place / 6) % 3];
      const x = axis === "time" ? points.x.map((each) => (runs.length > 1 ? (each - run.begun) / 1000 : new Date(each).toISOString())) : points.x;
      const line = { color: colour, width: 1.5, dash }, mode = x.length === 1 ? "markers" : "lines";
      const common = { x, type: "scatter", mode, name: run.label, line, marker: { color: colour }, connectgaps: false };
      if (smoothing > 0) {
        traces.push({ ...common, y: points.y, opacity: 0.3, hoverinfo: "skip", showlegend: false });
        traces.push({ ...common, y: smoothed(points.y, smoothing), line: { ...line, width: 2 } });
      } else traces.push({ ...common, y: points.y });
    }
    const odd = this.found.flatMap(({ points }) => points.odd);
    const points = this.found.reduce((sum, each) => sum + each.points.count, 0);
    if (!points && !this.window) return this.#nothing();
    const isClock = axis === "time" && runs.length === 1; // several runs are laid over each other from their beginnings
    const range = this.window && (isClock ? this.window.map((each) => new Date(each).toISOString()) : this.window);
    if (!this.listens) this.place.replaceChildren(); // words that stood there
    await plot(this.place, traces, {
      alt: `${this.name} over ${AXES[axis]}: ${points} points${odd.length ? `, ${odd.length} of them not finite` : ""}.`,
      margin: { l: 52, r: 8, t: 8, b: 34 },
      xaxis: { title: { text: isClock ? "" : axis === "time" ? "seconds" : AXES[axis], font: { size: 12 } }, nticks: 6, exponentformat: "SI", ...(range ? { range, autorange: false } : { autorange: true }), type: isClock ? "date" : "linear" },
      yaxis: { type: isLog ? "log" : "linear", nticks: 6, ...scaleOf(traces.flatMap((trace) => trace.y), isLog) },
      uirevision: `${axis} ${isLog} ${range}`,
    });
    this.node.dataset.points = traces.reduce((sum, trace) => sum + trace.y.length, 0);
    this.node.dataset.count = points;
    if (!this.listens) {
      this.listens = true;
      this.place.on("plotly_relayout", (change) => this.zoomed(change));
    }
  }

  /** Say that there is no point to draw: not every point has an epoch. */
  #nothing() {
    unplot(this.place);
    this.listens = false;
    this.place.textContent = `None of its points has ${this.board.axis === "epoch" ? "an epoch" : `a ${this.board.axis}`}.`;
    this.node.dataset.points = this.node.dataset.count = 0;
  }

  /** The reader dragged across the chart, or double-clicked. */
  zoomed(change) {
    const { axis, runs } = this.board;
    if (axis === "time" && runs.length > 1) return; // each run has its own clock, and plotly has looked closer by itself
    const edges = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (edges[0] !== undefined) {
      const read = (each) => Date.parse(`${String(each).replace(" ", "T")}${/Z$/.test(each) ? "" : "Z"}`);
      this.window = axis === "time" ? edges.map(read) : edges;
    } else if (change["xaxis.autorange"] && this.window) this.window = null;
    else return;
    this.load();
  }
}

/**
 * How figures are written; of a constant also the range that it stands in the middle of. Of one that is nearly zero, or was
 * smoothed, plotly would show the last digits of its arithmetic.
 */
function scaleOf(values, isLog) {
  const [low, high] = extremes(values.filter((value) => value !== null));
  const isConstant = high !== 0 && high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  if (!isConstant || (isLog && low <= 0)) return figures(values);
  return { ...figures(values), range: isLog ? [low / 2, high * 2].map(Math.log10) : [low - Math.abs(low) / 2, high + Math.abs(high) / 2] };
}

/** All charts of a page. `runs` are {id, project, label, place, begun}: their series are asked for. */
export class Board {
  constructor(place, controls, runs) {
    Object.assign(this, { place, controls, runs, axis: "step", smoothing: 0, isLog: false });
    this.charts = new Map();
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        this.seen.unobserve(entry.target);
        const chart = this.charts.get(entry.target.dataset.series);
        chart.isShown = true;
        chart.load();
      }
    }, { rootMargin: "300px" });
    controls.addEventListener("submit", (event) => event.preventDefault());
    controls.addEventListener("input", (event) => this.#changed(event.target));
  }

  /** Ask which series there are, and show a chart of each; those that are there go on. */
  async load() {
    for (const run of this.runs) {
      const { series } = await ask("GET", `/api/projects/${run.project}/runs/${run.id}/series`);
      run.names = new Map(series.map((each) => [each.name, each]));
    }
    const names = [...new Set(this.runs.flatMap((run) => [...run.names.keys()]))].sort(collator.compare);
    if (names.join("\n") !== this.names?.join("\n")) this.#lay(names);
    for (const chart of this.charts.values()) {
      const said = this.runs.length === 1 ? this.runs[0].names.get(chart.name) : null;
      chart.last.textContent = said ? figure(said.last) : "";
      if (chart.isShown) chart.follow();
    }
    return names.length;
  }

  #lay(names) {
    this.names = names;
    this.controls.querySelector(".find-series").hidden = names.length < 9;
    const groups = new Map([["", []]]);
    const sizes = names.reduce((found, name) => found.set(prefix(name), (found.get(prefix(name)) ?? 0) + 1), new Map());
    for (const name of names) {
      const group = sizes.get(prefix(name)) > 1 ? prefix(name) : ""; // one alone is no group
      groups.set(group, [...(groups.get(group) ?? []), name]);
    }
    const ordered = [...groups].sort(([a], [b]) => collator.compare(a, b));
    const nodes = [];
    let count = 0;
    for (const [group, members] of ordered) {
      const section = document.createElement("section"), grid = document.createElement("div");
      section.className = "chart-group";
      grid.className = "chart-grid";
      if (group) {
        const head = document.createElement("h3");
        head.textContent = group;
        section.append(head);
      }
      for (const name of members) {
        const chart = this.charts.get(name) ?? new Chart(name, this);
        chart.node.firstChild.ariaLevel = group ? 4 : 3;
        this.charts.set(name, chart);
        chart.node.hidden = !this.all && ++count > FIRST;
        grid.append(chart.node);
        if (!chart.isShown) this.seen.observe(chart.node);
      }
      section.append(grid);
      nodes.push(section);
    }
    if (!this.all && count > FIRST) nodes.push(this.#more(count));
    this.place.replaceChildren(...nodes);
    this.#hideEmpty();
  }

  #more(count) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `Show all ${count} charts`;
    button.addEventListener("click", () => {
      this.all = true;
      button.remove();
      for (const chart of this.charts.values()) chart.node.hidden = false;
      this.#hideEmpty();
    });
    return button;
  }

  #hideEmpty() {
    for (const group of this.place.querySelectorAll(".chart-group")) group.hidden = !group.querySelector(".chart-card:not([hidden])");
  }

  #changed(field) {
    if (field.name === "find") {
      const wanted = field.value.trim().toLowerCase();
      let count = 0;
      for (const chart of this.charts.values()) chart.node.hidden = !chart.name.toLowerCase().includes(wanted) || (!this.all && !wanted && ++count > FIRST);
      return this.#hideEmpty();
    }
    this.smoothing = Number(this.controls.elements.smoothing.value);
    this.controls.querySelector("output").textContent = this.smoothing;
    this.isLog = this.controls.elements.log.checked;
    const isOther = this.axis !== this.controls.elements.x.value;
    this.axis = this.controls.elements.x.value;
    for (const chart of this.charts.values()) {
      if (isOther) chart.window = null;
      if (chart.isShown) isOther ? chart.load() : chart.draw();
    }
  }
}
