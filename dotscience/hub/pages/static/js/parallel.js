// Parallel coordinates: one axis for each column, one line for each run. Drag along an axis to keep the runs that pass there.
import { extremes, isWide } from "./axes.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 316, TOP = 50, BOTTOM = 22, SIDE = 70;
const MOST_LINES = 1000;

function make(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function shown(value) {
  if (typeof value !== "number") return String(value).slice(0, 16);
  const short = Number(value.toPrecision(4));
  return Math.abs(short) >= 1e6 ? short.toExponential() : String(short);
}

/** A name in so many letters. Its end is kept, for that is what names of one kind differ in. */
const titled = (name, most) => (name.length > most ? `${name.slice(0, Math.floor(most / 3))}…${name.slice(1 + Math.floor(most / 3) - most)}` : name);

/** Where a column's values lie on its axis, 0 at the bottom and 1 at the top. Texts are spread evenly. */
function scaleOf(values) {
  const there = values.filter((value) => value !== null);
  const numbers = there.filter((value) => typeof value === "number");
  if (numbers.length && numbers.length * 2 >= there.length) {
    const [low, high] = extremes(numbers), isLog = isWide(numbers), on = isLog ? Math.log10 : Number;
    const place = (value) => typeof value === "number" ? (high === low ? 0.5 : (on(value) - on(low)) / (on(high) - on(low))) : null;
    return { place, isLog, ends: high === low ? [[0.5, low]] : [[0, low], [1, high]] };
  }
  const words = [...new Set(there.map(String))].sort();
  const at = new Map(words.map((word, number) => [word, words.length === 1 ? 0.5 : number / (words.length - 1)]));
  const few = words.length <= 8 ? words : [words[0], words.at(-1)];
  return { place: (value) => value === null ? null : at.get(String(value)), ends: few.map((word) => [at.get(word), word]) };
}

/** Draw into a node; `columns` are {name, values}, and {kind, title} where these are known. `picked` is called with the id of a run whose line is clicked. */
export function parallel(node, runs, columns, picked) {
  const count = Math.min(runs.length, MOST_LINES), ranges = new Map();
  const width = Math.max(node.clientWidth, 2 * SIDE + 110 * (columns.length - 1));
  const x = (number) => columns.length === 1 ? width / 2 : SIDE + number * (width - 2 * SIDE) / (columns.length - 1);
  const y = (place) => TOP + (1 - place) * (HEIGHT - TOP - BOTTOM);
  const most = columns.length === 1 ? 20 : Math.min(20, Math.floor((x(1) - x(0) - 8) / 7)); // letters that an axis has room for
  const scales = columns.map((column) => scaleOf(column.values));

  const lines = make("g", { class: "lines" });
  const places = Array.from({ length: count }, (_, run) => columns.map((column, at) => scales[at].place(column.values[run])));
  places.forEach((found, run) => {
    const steps = found.map((place, at) => place === null ? null : `${x(at).toFixed(1)} ${y(place).toFixed(1)}`);
    const d = steps.map((step, at) => step === null ? "" : `${at === 0 || steps[at - 1] === null ? "M" : "L"}${step}`).join("");
    const line = make("path", { d, "data-run": runs[run] }, make("title", {}, runs[run].slice(0, 8)));
    line.addEventListener("click", () => picked(runs[run]));
    lines.append(line);
  });

  function light() {
    [...lines.children].forEach((line, run) => {
      const isIn = [...ranges].every(([at, [low, high]]) => places[run][at] !== null && places[run][at] >= low && places[run][at] <= high);
      line.classList.toggle("out", !isIn);
    });
  }

  const axes = columns.map((column, at) => axisOf(column, at));
  function axisOf(column, at) {
    const brush = make("rect", { class: "brush", x: x(at) - 8, width: 16, y: 0, height: 0 });
    const grip = make("rect", { class: "grip", x: x(at) - 14, width: 28, y: TOP - 6, height: HEIGHT - TOP - BOTTOM + 12 });
    const axis = make("g", { class: "axis" }, make("line", { x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM }), brush, grip);
    const anchor = at === 0 ? "start" : at === columns.length - 1 && at > 0 ? "end" : "middle";
    const edge = at === 0 ? 4 : at === columns.length - 1 && at > 0 ? width - 4 : x(at);
    const name = column.title ?? column.name, kind = [column.kind, scales[at].isLog && "log scale"].filter((each) => each && each !== "run").join(", ");
    axis.append(make("text", { class: "kind", x: edge, y: 12, "text-anchor": anchor }, kind));
    axis.append(make("text", { class: "name", x: edge, y: 28, "text-anchor": anchor }, titled(name, most), make("title", {}, column.name)));
    for (const [place, value] of scales[at].ends) {
      axis.append(make("text", { class: "end", x: x(at) + 6, y: y(place) + (place === 1 ? -5 : place === 0 ? 15 : 4), "text-anchor": "start" }, shown(value)));
    }
    const placeOf = (event) => 1 - (event.clientY - svg.getBoundingClientRect().top - TOP) / (HEIGHT - TOP - BOTTOM);
    grip.addEventListener("pointerdown", (event) => {
      const begin = placeOf(event);
      grip.setPointerCapture(event.pointerId);
      grip.onpointermove = (moved) => {
        const [low, high] = [begin, placeOf(moved)].sort((a, b) => a - b).map((place) => Math.min(1, Math.max(0, place)));
        ranges.set(at, [low, high]);
        brush.setAttribute("y", y(high));
        brush.setAttribute("height", Math.max(0, y(low) - y(high)));
        light();
      };
      grip.onpointerup = (ended) => {
        grip.onpointermove = null;
        if (Math.abs(placeOf(ended) - begin) > 0.02) return;
        ranges.delete(at); // a click takes the range away
        brush.setAttribute("height", 0);
        light();
      };
    });
    return axis;
  }

  const svg = make("svg", { class: "parallel", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-label": `Parallel coordinates of ${count} runs over ${columns.map((column) => column.name).join(", ")}.` }, lines, ...axes);
  node.replaceChildren(svg);
  if (width > node.clientWidth) node.tabIndex = 0; // then it scrolls
  else node.removeAttribute("tabindex");
  return count;
}
