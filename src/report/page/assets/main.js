// Ties the parts together: fields, keys, clicks, and news while the batch runs.
const FIELDS = ["find", ...FACETS, "sort"];
const say = (text) => { get("said").textContent = text; };

const fillFacet = (facet) => {
  const select = get(facet);
  // A list that is open would close.
  if (document.activeElement === select && select.childElementCount > 0) return;
  const order = { state: ["completed", "failed", "uncertain", "pending"], verdict: ["on", "near", "off", "unmeasurable"], review: ["open", "approved", "rejected"] }[facet];
  const counts = tallied((job) => facetOf(job, facet));
  if (view[facet] && !counts.has(view[facet])) counts.set(view[facet], 0);
  const words = [...counts.keys()].sort((one, other) => (order ? order.indexOf(one) - order.indexOf(other) : names.compare(one, other)));
  select.replaceChildren(make("option", { value: "", text: "all" }), ...words.map((word) => make("option", { value: word, text: `${facet === "review" && word === "open" ? "unreviewed" : word} (${counts.get(word).toLocaleString("en")})` })));
  select.value = view[facet];
  select.closest("label").hidden = words.length === 0;
};

// The most values that a list offers; the search finds all others.
const VALUES = 1000;

const fillColumns = () => {
  const { own } = store.batch;
  const column = get("column");
  const chosen = column.value;
  column.replaceChildren(make("option", { value: "", text: "column…" }), ...own.map((name) => make("option", { value: name, text: name })));
  column.value = own.includes(chosen) ? chosen : "";
  column.closest("label").hidden = own.length === 0;
  fillValues();
};

const fillValues = () => {
  const name = get("column").value, number = store.batch.own.indexOf(name);
  get("value").closest("label").hidden = number < 0;
  if (number < 0) return;
  const counts = [...tallied((job) => ownCell(job, number))].sort((one, other) => other[1] - one[1] || names.compare(one[0], other[0]));
  get("value").replaceChildren(make("option", { value: "", text: "any value" }), ...counts.slice(0, VALUES).map(([value, count]) => make("option", { value, text: `${value.slice(0, 80)} (${count.toLocaleString("en")})` })));
  get("value").value = view.own.get(name) || "";
};

const fillChips = () => {
  const chips = [...view.own].map(([name, value]) => {
    const chip = make("button", { type: "button", class: "chip", "data-column": name, "aria-label": `Remove the filter ${name}: ${value.slice(0, 80)}` });
    chip.append(make("span", { class: "clamp", dir: "auto", text: `${name}: ${value}` }), svg(icons.rejected));
    return chip;
  });
  get("chips").replaceChildren(...chips);
  get("chips").hidden = chips.length === 0;
};

const fillReview = () => {
  const tally = tallyReview();
  get("reviewed").textContent = `${tally.approved.toLocaleString("en")} approved, ${tally.rejected.toLocaleString("en")} rejected, ${tally.open.toLocaleString("en")} unreviewed`;
  get("export-rejected").disabled = tally.rejected === 0;
  get("export-decisions").disabled = review.decisions.size === 0;
  get("unkept").hidden = review.isKept;
};

const fillShown = () => {
  const all = store.jobs.length;
  get("shown").textContent = visible.length === all ? counted(all, "job") : `${visible.length.toLocaleString("en")} of ${counted(all, "job")}`;
  list.hidden = visible.length === 0;
  get("nothing").hidden = visible.length > 0;
  get("nothing").textContent = all === 0 ? "The manifest has no jobs." : "No job matches the filters.";
  get("clear").hidden = !(view.find || FACETS.some((facet) => view[facet]) || view.own.size);
};

const apply = (isNew = true) => {
  choose();
  for (const field of FIELDS) if (document.activeElement !== get(field)) get(field).value = view[field];
  fillChips();
  fillShown();
  measure();
  draw(isNew);
  layOutSoon();
};

const applyFragment = () => {
  recall();
  FACETS.forEach(fillFacet);
  fillValues();
  apply();
  const job = store.byId.get(view.job);
  if (job) openViewer(job);
};

const afterDecision = (job) => {
  redraw(job);
  layOutSoon();
  fillReview();
  fillFacet("review");
  if (!review.isKept) say("This browser does not save your decisions: export them before closing the page.");
};

const takeIn = () => {
  const { batch } = store;
  document.title = `${batch.title} · dyehouse`;
  document.body.dataset.state = batch.state;
  const news = new DOMParser().parseFromString(batch.overview, "text/html");
  const isOpen = document.body.dataset.ready ? get("charts")?.open : innerWidth > 760;
  get("overview").replaceChildren(...news.body.childNodes);
  if (get("charts")) get("charts").open = isOpen ?? true;
  list.classList.toggle("colored", store.jobs.some((job) => job.asked));
  recallReview();
  FACETS.forEach(fillFacet);
  fillColumns();
  fillReview();
};

for (const field of FIELDS) {
  get(field).addEventListener("input", () => {
    view[field] = get(field).value;
    apply();
    remember();
    scrollToList();
  });
}
const scrollToList = () => {
  const top = get("tools").getBoundingClientRect().top;
  if (top <= 0) scrollTo({ top: get("tools").offsetTop, behavior: "instant" });
};
get("column").addEventListener("input", fillValues);
get("value").addEventListener("input", () => {
  const name = get("column").value, { value } = get("value");
  if (value) view.own.set(name, value);
  else view.own.delete(name);
  apply();
  remember();
});
get("chips").addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (!chip) return;
  view.own.delete(chip.dataset.column);
  fillValues();
  apply();
  remember();
});
get("clear").addEventListener("click", () => {
  Object.assign(view, { find: "", state: "", verdict: "", class: "", review: "", own: new Map() });
  fillValues();
  apply();
  remember();
  get("find").focus();
});
get("more").addEventListener("click", () => {
  const isOpen = get("tools").classList.toggle("all");
  get("more").setAttribute("aria-expanded", String(isOpen));
  get("more").textContent = isOpen ? "less" : "more";
});
get("tools").addEventListener("submit", (event) => event.preventDefault());

get("export-rejected").addEventListener("click", () => {
  const { count, text } = rejectedManifest();
  const name = `${store.batch.title.replace(/[^\p{L}\p{N}._-]+/gu, "-")}-rejected.csv`;
  download(name, text);
  const backend = store.batch.backend === "embedded" ? " --backend embedded" : "";
  say(`${name} has ${counted(count, "job")}. To let the next run make them anew: dyehouse redo DIR --from ${name}, where DIR is the run's folder. Or fix the prompts, then: dyehouse run ${name}${backend}`);
});
get("export-decisions").addEventListener("click", () => {
  const { count, text } = decisionsTable();
  const name = `${store.batch.title.replace(/[^\p{L}\p{N}._-]+/gu, "-")}-decisions.csv`;
  download(name, text);
  say(`${name} has ${counted(count, "decision")}.`);
});
get("import").addEventListener("click", () => get("file").click());
get("file").addEventListener("change", async () => {
  const [file] = get("file").files;
  if (!file) return;
  try {
    const { taken, older, unknown } = importDecisions(await file.text());
    const rest = [older && `${older} are older than those here`, unknown && `${unknown} are of no job of this batch`].filter(Boolean);
    say([`${counted(taken, "decision")} taken over`, ...rest].join("; "));
  } catch (error) {
    say(error.message);
  }
  get("file").value = "";
  fillReview();
  fillFacet("review");
  apply();
});
const THEMES = ["", "light", "dark"];
const setTheme = (theme) => {
  document.documentElement.style.colorScheme = theme || "light dark";
  get("theme").textContent = `theme: ${theme || "system"}`;
  try { localStorage.setItem("dyehouse theme", theme); } catch { /* The choice lasts as long as the page. */ }
  view.theme = theme;
};
get("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(view.theme) + 1) % THEMES.length]));

const editNote = (job) => {
  openViewer(job);
  get("note").focus();
};

const act = (job, name) => {
  if (name === "open") openViewer(job);
  else if (name === "note") editNote(job);
  else {
    toggleDecision(job, name);
    afterDecision(job);
  }
};

list.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) act(button.closest("article").job, button.dataset.act);
});

const KEYS = { a: "approved", r: "rejected", n: "note", Enter: "open" };

const moveTo = (key) => {
  const current = document.activeElement.closest("article.job")?.job;
  const at = isShown(current) ? current.place : -1;
  const page = Math.max(1, Math.floor(innerHeight / (grid.height + grid.gap))) * grid.columns;
  const by = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns, PageDown: page, PageUp: -page }[key];
  const to = key === "Home" ? 0 : key === "End" ? visible.length - 1 : at < 0 ? 0 : at + by;
  return visible[Math.min(visible.length - 1, Math.max(0, to))];
};

const viewerKey = (event) => {
  const isTyping = event.target.matches("textarea, input[type=range]");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) viewer.close();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowLeft" || event.key === "k") step(-1);
  else if (event.key === "ArrowRight" || event.key === "j") step(1);
  else if (event.key === "z") zoom();
  else if (event.key === "a") decideHere("approved");
  else if (event.key === "r") decideHere("rejected");
  else if (event.key === "b" || event.key === "s") { look.split = look.split === 50 ? 100 : look.split === 100 ? 0 : 50; divide(); }
  else if (event.key === "n") { event.preventDefault(); get("note").focus(); }
};

document.addEventListener("keydown", (event) => {
  if (viewer.open) return viewerKey(event);
  if (event.ctrlKey || event.metaKey || event.altKey || get("help").open || event.target.matches("input, select, textarea")) return;
  const article = document.activeElement.closest("article.job");
  const isMove = ["j", "k"].includes(event.key) || (article && /^(Arrow|Home$|End$|Page)/.test(event.key));
  if (event.key === "/") { event.preventDefault(); get("find").focus(); }
  else if (event.key === "?") get("help").showModal();
  else if (isMove && visible.length > 0) { event.preventDefault(); focusJob(moveTo(event.key)); }
  else if (article && KEYS[event.key] && !(event.key === "Enter" && event.target !== article)) { event.preventDefault(); act(article.job, KEYS[event.key]); }
});
get("keys").addEventListener("click", () => get("help").showModal());
get("skip").addEventListener("click", (event) => { event.preventDefault(); if (visible.length) focusJob(visible[0]); });

let isDue = false;
const soon = () => {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; draw(); });
};
addEventListener("scroll", soon, { passive: true });
addEventListener("resize", () => { measure(); draw(); if (viewer.open) fit(); });
addEventListener("hashchange", applyFragment);
// The jobs of a figure may be below the fold, where its click would seem to do nothing.
get("overview").addEventListener("click", (event) => {
  if (event.target.closest("a")) setTimeout(() => get("tools").scrollIntoView());
});

// Does `change`, after which the card that is first in view is where it was, wherever its job has gone in the list.
const inPlace = (change) => {
  const bar = get("tools").getBoundingClientRect().bottom;
  const above = [...cards.values()].filter((article) => article.getBoundingClientRect().top >= bar - grid.height / 2);
  const [anchor] = scrollY > 0 ? above.sort((one, other) => one.job.place - other.job.place) : [];
  const top = anchor?.getBoundingClientRect().top;
  change();
  const job = anchor && store.byId.get(anchor.job.id);
  if (!isShown(job)) return;
  const now = list.getBoundingClientRect().top + Math.floor(job.place / grid.columns) * (grid.height + grid.gap);
  if (Math.abs(now - top) > 1) {
    scrollBy({ top: now - top, behavior: "instant" });
    draw();
  }
};

// While the batch runs, the data beside the page is written again and again.
const NEWS = 4000;
const takeNews = async () => {
  try {
    if (!(await refresh())) return;
  } catch {
    // A file was replaced in between: the next look finds the new one.
    return;
  }
  inPlace(() => { takeIn(); apply(false); });
  if (viewer.open && store.byId.has(look.job.id)) show(store.byId.get(look.job.id), true);
};
const watch = () => setTimeout(async () => {
  if (!document.hidden) await takeNews();
  if (store.batch.state === "running") watch();
}, NEWS);

const begin = async () => {
  let theme = "";
  try { theme = localStorage.getItem("dyehouse theme") || ""; } catch { /* It follows the system. */ }
  setTheme(THEMES.includes(theme) ? theme : "");
  try {
    await refresh();
  } catch (error) {
    get("nothing").hidden = false;
    get("nothing").textContent = `${error.message}: keep the folder \`data\` beside this page.`;
    return;
  }
  takeIn();
  get("tools").hidden = store.jobs.length === 0;
  applyFragment();
  document.body.dataset.ready = "true";
  performance.mark("dyehouse ready");
  if (store.batch.state === "running") watch();
};
begin();
