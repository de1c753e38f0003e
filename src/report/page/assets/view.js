// Which jobs are shown, and in which order. All of it is in the URL's fragment, so that a link shows the same.
const view = { find: "", state: "", verdict: "", class: "", review: "", sort: "attention", own: new Map(), job: "" };
const FACETS = ["state", "verdict", "class", "review"];
let visible = [];

const facetOf = (job, facet) => (facet === "review" ? decisionOn(job) : job[facet] || "");

// What needs a person comes first: what looks done and is not above all.
const ATTENTION = ["off", "failed", "uncertain", "near", "unmeasurable", "pending"];
const attention = (job) => {
  if (job.twin) return 0;
  const at = ATTENTION.indexOf(job.state === "completed" ? job.verdict : job.state);
  return at < 0 ? ATTENTION.length : at;
};

const down = (value) => (value === undefined ? -Infinity : value);
const descending = (key) => (one, other) => (down(other[key]) > down(one[key]) ? 1 : down(other[key]) < down(one[key]) ? -1 : 0);
const names = new Intl.Collator(undefined, { numeric: true });
const ORDERS = {
  attention: (one, other) => attention(one) - attention(other) || (["off", "near"].includes(one.verdict) ? descending("delta")(one, other) : 0),
  manifest: () => 0,
  delta: descending("delta"),
  time: descending("seconds"),
  cost: descending("cost"),
  id: (one, other) => names.compare(one.id, other.id),
};

const choose = () => {
  const words = view.find.toLowerCase().split(/\s+/).filter(Boolean);
  const facets = FACETS.filter((facet) => view[facet]);
  const columns = [...view.own].map(([name, value]) => [store.batch.own.indexOf(name), value]);
  visible = store.jobs.filter((job) =>
    facets.every((facet) => facetOf(job, facet) === view[facet]) &&
    columns.every(([column, value]) => ownCell(job, column) === value) &&
    words.every((word) => textOf(job).includes(word)));
  const order = ORDERS[view.sort];
  if (view.sort !== "manifest") visible.sort((one, other) => order(one, other) || one.number - other.number);
  visible.forEach((job, place) => { job.place = place; });
};

const isShown = (job) => job !== undefined && visible[job.place] === job;

const fragment = () => {
  const parts = new URLSearchParams();
  for (const name of ["find", ...FACETS]) if (view[name]) parts.set(name, view[name]);
  if (view.sort !== "attention") parts.set("sort", view.sort);
  for (const [name, value] of view.own) parts.set(`column.${name}`, value);
  if (view.job) parts.set("job", view.job);
  return parts.toString();
};

const remember = () => {
  const text = fragment();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
};

const recall = () => {
  const parts = new URLSearchParams(location.hash.slice(1));
  for (const name of ["find", ...FACETS, "job"]) view[name] = parts.get(name) || "";
  view.sort = Object.hasOwn(ORDERS, parts.get("sort") || "") ? parts.get("sort") : "attention";
  view.own = new Map([...parts].filter(([name]) => name.startsWith("column.")).map(([name, value]) => [name.slice(7), value]));
};

const tallied = (valueOf) => {
  const counts = new Map();
  for (const job of store.jobs) {
    const value = valueOf(job);
    if (value) counts.set(value, (counts.get(value) || 0) + 1);
  }
  return counts;
};
