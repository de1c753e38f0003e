// The cards: only those in view are in the page, at the places that they would have in a list of all.
const list = get("jobs");
const cards = new Map();
const grid = { columns: 1, width: 0, height: 0, gap: 18, least: 350 };

const VERDICTS = { on: "right color", near: "nearly right", off: "wrong color", unmeasurable: "not measured" };

const badge = (job) => {
  if (job.twin) return make("span", { class: "badge off", text: "same picture", title: twinOf(job) });
  const isColor = job.state === "completed" && job.verdict;
  const word = isColor ? VERDICTS[job.verdict] : job.state;
  return make("span", { class: `badge ${isColor ? job.verdict : job.state}`, text: word });
};

const pane = (shown, side, job) => {
  const others = (side === "before" ? job.before : job.after).length - 1;
  const more = others > 0 ? make("span", { class: "more", text: `+${others}` }) : null;
  if (shown && shown.link) return make("span", { class: "pane" }, picture(shown, `${side}: ${shown.label}`), more);
  if (shown) return make("span", { class: "pane words" }, make("span", { class: "clamp", dir: "auto", text: shown.label }), more);
  if (side === "before") return make("span", { class: "pane words" }, make("span", { text: "no picture to edit" }));
  const ending = { failed: job.class || "failed", uncertain: "uncertain", pending: "no picture yet", completed: "no picture" }[job.state];
  const box = make("span", { class: `pane words ${job.state}` }, make("strong", { text: ending }));
  if (job.error) box.append(make("span", { class: "error clamp", dir: "auto", text: job.error }));
  if (job.advice) box.append(make("span", { class: "advice clamp" }, ...told(job.advice)));
  return box;
};

const facts = (job) => {
  const parts = [job.twin && twinOf(job), charged(job)].filter(Boolean);
  if (job.seconds !== undefined) parts.push(duration(job.seconds));
  if (job.attempts > 0) parts.push(counted(job.attempts, "submit"));
  if (job.originals.length) parts.push("corrected here");
  if (job.prediction) parts.push(job.prediction);
  return parts.join(" · ");
};

const WITHOUT_LIGHT = "The measured color is what the picture shows, with light and gloss. ΔE compares the product's own color, without them, with the requested one.";

const colors = (job, isClose = false) => {
  if (!job.asked) return null;
  const line = make("p", { class: "colors" }, swatch("requested", job.asked));
  if (isClose && job.original) line.append(swatch("provider", job.original));
  if (job.measured) line.append(swatch(job.original ? "corrected" : "measured", job.measured));
  if (job.delta !== undefined) line.append(make("span", { class: `delta ${job.verdict}`, title: WITHOUT_LIGHT, text: `ΔE ${job.delta.toFixed(1)}` }));
  else if (job.reason) line.append(make("span", { class: "clamp reason", dir: "auto", title: job.reason, text: job.reason }));
  return line;
};

const decisionButton = (job, decision, word, key) => {
  const isDisabled = decision === "approved" && !canApprove(job);
  const button = make("button", { type: "button", class: decision, "data-act": decision, "aria-pressed": String(decisionOn(job) === decision), "aria-keyshortcuts": key, disabled: isDisabled });
  button.append(svg(icons[decision]), word);
  return button;
};

const decisionButtons = (job) => {
  const note = noteOn(job);
  const noteButton = make("button", { type: "button", class: "note", "data-act": "note", "aria-keyshortcuts": "n", title: note || "Write a note" });
  noteButton.append(svg(icons.note), make("span", { class: "clamp", dir: "auto", text: note || "note" }));
  return make("div", { class: "decide" }, decisionButton(job, "approved", "approve", "a"), decisionButton(job, "rejected", "reject", "r"), noteButton);
};

const card = (job) => {
  const name = `job-${job.number}`;
  const open = make("button", { type: "button", class: "open", "data-act": "open" },
    make("span", { class: "unseen", text: `Look at ${job.id} closely: ` }), pane(job.before[0], "before", job), pane(job.after[0], "after", job));
  const article = make("article", { class: `job ${job.state} ${job.verdict || ""} is-${decisionOn(job)}`, tabindex: "0", "aria-labelledby": name, "aria-posinset": job.place + 1, "aria-setsize": visible.length },
    open,
    make("h2", {}, make("span", { id: name, class: "clamp name", dir: "auto", text: job.id, title: job.id }), badge(job)),
    make("p", { class: "prompt", dir: "auto", text: job.prompt.slice(0, 600) }),
    colors(job),
    make("p", { class: "facts clamp", text: facts(job), title: facts(job) }),
    decisionButtons(job));
  article.job = job;
  article.shows = shownIn(job);
  return article;
};

const put = (article) => {
  const { place } = article.job;
  const column = place % grid.columns, row = Math.floor(place / grid.columns);
  article.style.width = `${grid.width}px`;
  article.style.transform = `translate(${column * (grid.width + grid.gap)}px, ${row * (grid.height + grid.gap)}px)`;
};

const measure = () => {
  const width = list.clientWidth;
  grid.gap = width < 500 ? 12 : 18;
  grid.columns = Math.max(1, Math.floor((width + grid.gap) / (Math.min(grid.least, width) + grid.gap)));
  grid.width = Math.floor((width - (grid.columns - 1) * grid.gap) / grid.columns);
  if (visible.length === 0) return;
  const sample = card(visible[0]);
  sample.style.width = `${grid.width}px`;
  sample.style.visibility = "hidden";
  list.append(sample);
  grid.height = sample.offsetHeight;
  sample.remove();
};

// All that a card shows. A card is made again when it changes, and only then, so that nothing flickers while news come in.
const shownIn = (job) => JSON.stringify([job.state, job.before, job.after, job.originals.length, job.tries.length, job.prompt, job.asked, job.measured, job.delta, job.verdict, job.reason, job.class, job.error, job.advice, job.cost, job.reserved, job.seconds, job.attempts, job.prediction, job.twin?.id, decisionOn(job), noteOn(job)]);

// Gives a card the job as it is by now.
const renew = (article, job) => {
  if (article.job !== job && article.shows !== shownIn(job)) {
    article.job = job;
    return redraw(job);
  }
  article.job = job;
  article.setAttribute("aria-posinset", job.place + 1);
  article.setAttribute("aria-setsize", visible.length);
  return article;
};

// Draws the cards that are in view and a screen around it. `isNew` makes all of them anew.
const draw = (isNew = false) => {
  const rows = Math.ceil(visible.length / grid.columns);
  list.style.height = `${Math.max(0, rows * (grid.height + grid.gap) - grid.gap)}px`;
  const top = -list.getBoundingClientRect().top, margin = innerHeight;
  const row = (at) => Math.floor(at / (grid.height + grid.gap));
  const from = Math.max(0, row(top - margin)) * grid.columns;
  const to = Math.min(visible.length, (row(top + innerHeight + margin) + 1) * grid.columns);
  const wanted = new Set(visible.slice(from, to).map((job) => job.id));
  const focused = document.activeElement.closest("article.job");
  for (const [id, article] of cards) {
    const isKept = wanted.has(id) || (article === focused && isShown(article.job));
    if (!isKept || (isNew && article !== focused)) { article.remove(); cards.delete(id); }
  }
  let previous = null;
  for (const job of visible.slice(from, to)) {
    let article = cards.get(job.id);
    if (article) {
      article = renew(article, job);
      const isInOrder = article.previousElementSibling === previous || article.contains(document.activeElement);
      if (!isInOrder) list.insertBefore(article, previous ? previous.nextSibling : list.firstChild);
    } else {
      article = card(job);
      cards.set(job.id, article);
      if (previous) previous.after(article);
      else list.prepend(article);
    }
    put(article);
    previous = article;
  }
};

// Draws one card again, and keeps the focus where it was in it.
const redraw = (job) => {
  const old = cards.get(job.id);
  if (!old) return null;
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.act || "card" : null;
  const article = card(job);
  put(article);
  old.replaceWith(article);
  cards.set(job.id, article);
  if (focused) (article.querySelector(`[data-act="${focused}"]`) || article).focus({ preventScroll: true });
  return article;
};

const focusJob = (job) => {
  if (!isShown(job)) return;
  const row = Math.floor(job.place / grid.columns);
  const top = list.getBoundingClientRect().top + scrollY + row * (grid.height + grid.gap);
  const bar = get("tools").offsetHeight + 8;
  if (top < scrollY + bar) scrollTo({ top: top - bar, behavior: "instant" });
  else if (top + grid.height > scrollY + innerHeight) scrollTo({ top: top + grid.height + 8 - innerHeight, behavior: "instant" });
  draw();
  cards.get(job.id)?.focus({ preventScroll: true });
};
