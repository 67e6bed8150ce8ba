// Charts: plotly.js, loaded when the first chart is shown, in the page's own colours, light and dark.

let loading = null;
const drawn = new Map(); // node → {traces, layout}, to be drawn again in other colours

/** Plotly itself. */
export function library() {
  loading ??= new Promise((loaded, failed) => {
    const script = document.createElement("script");
    script.src = "/static/plotly.min.js";
    script.onload = () => loaded(window.Plotly);
    script.onerror = () => { loading = null; script.remove(); failed(new Error("The chart library could not be loaded.")); };
    document.head.append(script);
  });
  return loading;
}

/** The colour that a variable such as "--series-1" stands for now. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.cssText = `display: none; color: var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A text as plotly shows it letter by letter: its own texts are a kind of HTML, with links. */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** What plotly gets: colours for their variables, and every text as it is but the templates, which no user writes. */
function resolved(value, colours, name = "") {
  if (typeof value === "string") {
    if (!name.includes("color")) return name === "hovertemplate" ? value : escaped(value);
    if (!value.startsWith("--")) return value;
    if (!colours.has(value)) colours.set(value, colour(value));
    return colours.get(value);
  }
  if (Array.isArray(value)) return value.map((each) => resolved(each, colours, name));
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, colours, key)]));
}

const AXIS = { gridcolor: "--line", zerolinecolor: "--line", linecolor: "--line", automargin: true, title: { standoff: 8 } };

function themed(layout) {
  const { alt, ...given } = layout;
  const axes = Object.fromEntries(Object.keys(given).filter((name) => /^[xy]axis\d*$/.test(name)).map((name) => {
    const title = typeof given[name].title === "string" ? { text: given[name].title } : given[name].title;
    return [name, { ...AXIS, ...given[name], title: { ...AXIS.title, ...title } }];
  }));
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    colorway: [1, 2, 3, 4, 5, 6].map((number) => `--series-${number}`),
    margin: { l: 56, r: 12, t: 12, b: 44 },
    hovermode: "closest",
    uirevision: "kept",
    showlegend: false,
    xaxis: AXIS,
    yaxis: AXIS,
    ...given,
    ...axes,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "--text", ...given.font },
    hoverlabel: { bgcolor: "--raised", bordercolor: "--line", font: { color: "--text" }, ...given.hoverlabel },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...given.legend },
  };
}

const CONFIG = {
  responsive: true,
  displaylogo: false,
  displayModeBar: false, // its buttons cannot be reached by keyboard; dragging zooms, a double click zooms out
  doubleClick: "reset+autosize",
};

/** What a chart says to those who do not see it. */
function described(traces, layout) {
  if (layout.alt) return layout.alt;
  const text = (axis) => layout[axis]?.title?.text ?? layout[axis]?.title ?? "";
  const points = traces.reduce((sum, trace) => sum + (trace.y?.length ?? 0), 0);
  const names = traces.map((trace) => trace.name).filter(Boolean).slice(0, 20);
  const of = [text("yaxis"), text("xaxis") && `over ${text("xaxis")}`].filter(Boolean).join(" ");
  return `Chart${of ? ` of ${of}` : ""}: ${points} points${names.length ? `, ${names.join(", ")}` : ""}.`;
}

/**
 * Draw a chart into a node, or draw it anew. Colours are given as variables: `line: {color: "--series-2"}`.
 * `layout.alt` is the text alternative; without it one is made. Resolves to the node, on which plotly's events come.
 */
export async function plot(node, traces, layout = {}) {
  const Plotly = await library();
  drawn.set(node, { traces, layout });
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", described(traces, layout));
  await draw(Plotly, node);
  return node;
}

/** Take a chart away. */
export function unplot(node) {
  if (!drawn.delete(node)) return;
  window.Plotly.purge(node);
  node.removeAttribute("role");
  node.removeAttribute("aria-label");
}

function draw(Plotly, node) {
  const { traces, layout } = drawn.get(node), colours = new Map();
  return Plotly.react(node, resolved(traces, colours), resolved(themed(layout), colours), CONFIG);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", async () => {
  for (const node of drawn.keys()) {
    if (node.isConnected) await draw(window.Plotly, node);
    else drawn.delete(node);
  }
});
