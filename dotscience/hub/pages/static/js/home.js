// Home: what happens is kept up to date while the page is looked at.
import "./forms.js";
import { refresh } from "./refresh.js";
import { watch } from "./hub.js";

watch("/api/home", () => refresh(location.href, ["table.projects tbody", "#running-list", "#failed-list", "#recent-list"]), { every: 5000 });
