// What every page shares: times as the reader's own, which go on as time does.
import { showTimes } from "./times.js";

showTimes(document);
setInterval(() => { if (!document.hidden) showTimes(document); }, 15_000);
