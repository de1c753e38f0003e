// The jobs, which arrive in files beside the page. Each file is a script that hands over what it holds.
const store = { batch: null, jobs: [], byId: new Map(), files: new Map() };

const arrived = new Map();
window.dyehouse = {
  batch: (batch) => arrived.set("batch", batch),
  jobs: (name, jobs) => arrived.set(name, jobs),
};

const load = (path) => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.addEventListener("load", () => { script.remove(); done(); });
  script.addEventListener("error", () => { script.remove(); failed(new Error(`${path} could not be loaded`)); });
  script.src = path;
  document.head.append(script);
});

// Loads what is new. The answer is whether anything is.
const refresh = async () => {
  await load(`data/batch.js?${Date.now()}`);
  const batch = arrived.get("batch");
  const isNew = !store.batch || JSON.stringify(batch) !== JSON.stringify(store.batch);
  if (!isNew) return false;
  const missing = batch.chunks.filter((name) => !store.files.has(name));
  await Promise.all(missing.map(load));
  const files = new Map();
  for (const name of batch.chunks) files.set(name, store.files.get(name) || arrived.get(name));
  arrived.clear();
  store.batch = batch;
  store.files = files;
  store.jobs = [...files.values()].flat();
  store.jobs.forEach((job, number) => {
    job.number = number;
    job.before ??= [];
    job.after ??= [];
    job.originals ??= [];
    job.tries ??= [];
    job.own ??= [];
    job.result ??= "";
    job.twin = store.jobs[job.alike];
  });
  // Either of two jobs with the same picture may be the wrong one, so the first one names the next.
  for (const job of store.jobs) if (job.alike !== undefined) job.twin.twin ??= job;
  store.byId = new Map(store.jobs.map((job) => [job.id, job]));
  return true;
};

const twinOf = (job) => `same picture as ${job.twin.id}`;

const ownCell = (job, column) => (job.own.find(([number]) => number === column) || [0, ""])[1];

// The text of a job is gathered when it is first searched, so that a report of thousands opens at once.
const texts = new WeakMap();
const textOf = (job) => {
  if (!texts.has(job)) {
    const parts = [job.id, job.prompt, job.error, job.class, job.state, job.verdict, job.reason, job.prediction, job.asked, job.measured, ...job.tries.map((tried) => tried.prediction)];
    const tended = [job.originals.length && "corrected here", job.tries.length && "re-rolled", job.reserved && "reserved money", job.twin && twinOf(job)];
    const labels = [...job.before, ...job.after].map((picture) => picture.label);
    const all = [...parts, ...tended, ...labels, ...job.own.map(([, cell]) => cell)];
    texts.set(job, all.filter(Boolean).join("\n").toLowerCase());
  }
  return texts.get(job);
};
