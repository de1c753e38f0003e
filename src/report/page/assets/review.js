// What a person decides on results: kept in this browser, exported as tables. A decision holds for the pictures that
// were looked at; when a later run brings others, the note stays and the decision is open again.
const review = { decisions: new Map(), isKept: true };

const reviewKey = () => `dyehouse review ${store.batch.key}`;

const recallReview = () => {
  try {
    review.decisions = new Map(JSON.parse(localStorage.getItem(reviewKey()) || "[]"));
    review.isKept = true;
  } catch {
    review.isKept = false;
  }
};

const keepReview = () => {
  try {
    localStorage.setItem(reviewKey(), JSON.stringify([...review.decisions]));
    review.isKept = true;
  } catch {
    review.isKept = false;
  }
};

const decisionOn = (job) => {
  const made = review.decisions.get(job.id);
  return made && made.result === job.result ? made.decision : "open";
};
const noteOn = (job) => (review.decisions.get(job.id) || {}).note || "";
const canApprove = (job) => job.after.length > 0;

const decide = (job, decision, note = noteOn(job)) => {
  if (decision === "approved" && !canApprove(job)) return;
  if (decision === "open" && note === "") review.decisions.delete(job.id);
  else review.decisions.set(job.id, { decision, note, result: job.result, at: new Date().toISOString() });
  keepReview();
};

// The same key again takes a decision back.
const toggleDecision = (job, decision) => decide(job, decisionOn(job) === decision ? "open" : decision);

const tallyReview = () => {
  const tally = { approved: 0, rejected: 0, open: 0 };
  for (const job of store.jobs) tally[decisionOn(job)] += 1;
  return tally;
};

// The rejected jobs as a manifest: the cells to the letter, since a changed prompt would be another edit.
const rejectedManifest = () => {
  const { manifest, own } = store.batch;
  let noteColumn = "note";
  while ([...manifest, ...own].includes(noteColumn)) noteColumn = `review_${noteColumn}`;
  const rejected = store.jobs.filter((job) => decisionOn(job) === "rejected");
  const rows = rejected.map((job) => [job.id, job.prompt, ...job.cells, ...own.map((_, column) => ownCell(job, column)), neutral(noteOn(job))]);
  return { count: rejected.length, text: [[...manifest, ...own, noteColumn], ...rows].map(csvLine).join("") };
};

const DECISIONS = ["id", "decision", "note", "decided_at", "result", "state", "color_verdict", "delta_e"];

const decisionsTable = () => {
  const decided = store.jobs.filter((job) => review.decisions.has(job.id));
  const rows = decided.map((job) => {
    const made = review.decisions.get(job.id);
    const delta = job.delta === undefined ? "" : String(job.delta);
    return [job.id, decisionOn(job), made.note, made.at, made.result, job.state, job.verdict || "", delta].map(neutral);
  });
  return { count: decided.length, text: [DECISIONS, ...rows].map(csvLine).join("") };
};

// Takes decisions over. What was decided later stays.
const importDecisions = (text) => {
  const [header = [], ...rows] = parseCsv(text);
  const at = (name) => header.indexOf(name);
  if (at("id") < 0 || at("decision") < 0) throw new Error("this is not a table of decisions: it has no columns `id` and `decision`");
  const found = { taken: 0, older: 0, unknown: 0 };
  for (const row of rows) {
    const cell = (name) => unneutral(row[at(name)] || "");
    const job = store.byId.get(cell("id"));
    const decision = cell("decision");
    if (!job || !["approved", "rejected", "open"].includes(decision)) {
      found.unknown += 1;
      continue;
    }
    const decidedAt = cell("decided_at") || new Date().toISOString();
    const present = review.decisions.get(job.id);
    if (present && present.at > decidedAt) {
      found.older += 1;
      continue;
    }
    const result = at("result") < 0 ? job.result : cell("result");
    review.decisions.set(job.id, { decision, note: cell("note"), result, at: decidedAt });
    found.taken += 1;
  }
  keepReview();
  return found;
};
