// Runs side by side: only what differs, or all of it; their series laid over each other.
import { openable } from "./parts.js";
import { Board } from "./series.js";

const article = document.getElementById("compare");
const all = document.getElementById("show-all");

function show() {
  article.classList.toggle("all", all.checked);
  for (const section of article.querySelectorAll("section.values")) section.hidden = !all.checked && !section.querySelector("tr.differs");
}
all.addEventListener("change", show);
show();
openable(article);

const runs = JSON.parse(document.getElementById("runs").textContent);
const charts = document.getElementById("charts");
if (charts) new Board(document.getElementById("chart-groups"), document.getElementById("chart-controls"), runs).load();
