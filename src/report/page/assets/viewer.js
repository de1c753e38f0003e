// One job at a time: the comparison, everything that is known, and the decision.
const viewer = get("viewer");
const stage = get("stage");
const look = { job: null, before: 0, after: 0, split: 50, isFull: false };

// What may lie on either side: the picture before and the result, and what a correction or a re-roll left aside.
const asideOf = (job) => [
  ...job.originals.map((shown) => ({ ...shown, role: "as the provider made it" })),
  ...job.tries.flatMap((tried, number) => (tried.isShown ? [] : (tried.pictures || []).map((shown) => ({ ...shown, role: `try ${number + 1}, not taken` })))),
];
const sidesOf = (job) => ({
  before: [...job.before.map((shown) => ({ ...shown, role: "before" })), ...asideOf(job)],
  after: [...job.after.map((shown) => ({ ...shown, role: job.originals.length ? "corrected" : "after" })), ...asideOf(job)],
});
const shownOn = (side) => [sidesOf(look.job)[side][look[side]]].find((shown) => shown && shown.link);

// The frame has the shape of the picture, so that both lie on each other to the pixel.
const fit = () => {
  const frame = get("frame"), image = get("over").hidden ? get("under") : get("over");
  const width = image.naturalWidth || 1, height = image.naturalHeight || 1;
  const scale = look.isFull ? 1 / devicePixelRatio : Math.min(stage.clientWidth / width, stage.clientHeight / height);
  frame.style.width = `${Math.round(width * scale)}px`;
  frame.style.height = `${Math.round(height * scale)}px`;
};

const divide = () => {
  const isPair = !get("over").hidden && !get("under").hidden;
  get("over").style.clipPath = isPair ? `inset(0 0 0 ${look.split}%)` : "none";
  get("divider").style.left = `${look.split}%`;
  get("divider").hidden = !isPair;
  get("split").value = look.split;
  get("split").disabled = !isPair;
};

const setImage = (id, shown) => {
  const image = get(id);
  image.hidden = !shown;
  if (shown) {
    if (image.getAttribute("src") !== shown.link) image.src = shown.link;
    image.alt = `${shown.role}: ${shown.label}`;
  } else {
    image.removeAttribute("src");
    image.alt = "";
  }
};

const strip = () => {
  const groups = Object.entries(sidesOf(look.job)).filter(([, pictures]) => pictures.length > 1).map(([side, pictures]) => {
    const buttons = pictures.map((shown, number) => {
      const name = `${side === "before" ? "left" : "right"}: ${shown.role}, ${shown.label}`;
      const button = make("button", { type: "button", "data-side": side, "data-number": number, "aria-pressed": String(look[side] === number), "aria-label": name, title: name });
      button.append(shown.link ? picture(shown, "") : make("span", { text: shown.label.slice(0, 40) }));
      return button;
    });
    return make("span", { class: "choice", role: "group", "aria-label": side === "before" ? "Pictures for the left side" : "Pictures for the right side" }, ...buttons);
  });
  get("strip").replaceChildren(...groups);
  get("strip").hidden = groups.length === 0;
};

const fillTries = () => {
  const { tries } = look.job;
  const cells = (tag, words) => words.map((word) => make(tag, { text: word, scope: tag === "th" ? "col" : null }));
  const outcome = (tried) => (tried.delta === undefined ?
    make("span", { class: "reason", dir: "auto", text: tried.verdict || [tried.state, tried.error].filter(Boolean).join(": ") }) :
    make("span", { class: `delta ${tried.verdict}`, text: `ΔE ${tried.delta.toFixed(1)}` }));
  const rows = tries.map((tried, number) => make("tr", { class: tried.isShown ? "taken" : "" },
    ...cells("td", [`${number + 1}${tried.isShown ? ", taken" : ""}`]),
    make("td", {}, outcome(tried)),
    ...cells("td", [tried.seed === undefined ? "" : String(tried.seed), charged(tried)])));
  get("tries").replaceChildren(make("caption", { text: `${counted(tries.length, "try", "tries")}: ${charged(look.job)}` }), make("tr", {}, ...cells("th", ["try", "color", "seed", "cost"])), ...rows);
  get("tries").hidden = tries.length === 0;
};

const RESERVED = "a submit may have been charged. Check the provider's dashboard: if it was not,";

// The name of a picture. One of which no copy was kept may still be at its URL, which only a click asks for.
const named = (shown) => {
  if (!/^https?:/i.test(shown.url || "")) return [shown.label];
  return ["no copy was kept of ", make("a", { href: shown.url, target: "_blank", rel: "noreferrer", text: shown.url })];
};

const details = (job) => {
  const { own } = store.batch;
  const rows = [
    ["same picture", job.twin && `as ${job.twin.id}: the provider may have mixed them up`],
    ["prompt", job.prompt], ["verdict", job.verdict && VERDICTS[job.verdict]], ["ΔE00", job.delta === undefined ? "" : `${job.delta.toFixed(2)}, of the product's own color, without light and gloss`], ["background", job.background === undefined ? "" : `moved by ΔE00 ${job.background.toFixed(2)}`], ["why", job.reason],
    ["error", job.error && [job.class, job.error].filter(Boolean).join(": ")], ["what to do", job.advice && told(job.advice)],
    ["prediction", job.prediction], ["cost", dollars(job.cost)], ["reserved", job.reserved && told(dollars(job.reserved) + (job.release ? `: ${RESERVED} \`${job.release}\` frees the money` : ""))],
    ["submits", job.attempts && String(job.attempts)], ["time", job.seconds === undefined ? "" : duration(job.seconds)],
    ["submitted", job.submitted], ["request", job.request], ["ended", job.ended], ["size", job.size], ["seed", job.seed === undefined ? "" : String(job.seed)],
    ["before", job.before.length && job.before.flatMap((shown, number) => (number ? ["\n", ...named(shown)] : named(shown)))],
    ["after", job.after.map((shown) => (shown.width ? `${shown.label}, ${shown.width} × ${shown.height}` : shown.label)).join("\n")],
    ["provider's", job.originals.map((shown) => shown.label).join("\n")],
    ["manifest line", String(job.line)],
    ...job.own.map(([number, cell]) => [own[number], cell]),
  ];
  return rows.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", { dir: "auto", text: name }), make("dd", { dir: "auto" }, ...[value].flat())]);
};

const fillDecision = () => {
  const { job } = look;
  get("decision").replaceChildren(decisionButton(job, "approved", "approve", "a"), decisionButton(job, "rejected", "reject", "r"));
  if (document.activeElement !== get("note")) get("note").value = noteOn(job);
};

const show = (job, isSame = false) => {
  if (!isSame) Object.assign(look, { before: 0, after: 0, isFull: false });
  look.job = job;
  const words = job.after.length ? "" : [job.class || job.state, job.error].filter(Boolean).join(": ") || "no picture yet";
  get("which").textContent = job.id;
  get("place").textContent = isShown(job) ? `${job.place + 1} of ${visible.length}` : "";
  const left = shownOn("before"), right = shownOn("after");
  setImage("under", left);
  setImage("over", right);
  get("left").textContent = left ? left.role : "";
  get("right").textContent = right ? right.role : "";
  get("absent").textContent = right || left ? "" : words || "the pictures are not on this machine";
  get("badge").replaceChildren(badge(job));
  get("swatches").replaceChildren(...[colors(job, true)].filter(Boolean));
  get("facts").replaceChildren(...details(job));
  get("original").hidden = !(right || left);
  if (!get("original").hidden) get("original").href = (right || left).link;
  stage.classList.toggle("full", look.isFull);
  get("zoom").setAttribute("aria-pressed", String(look.isFull));
  strip();
  fillTries();
  fillDecision();
  divide();
  fit();
  if (!isSame) get("panel").scrollTop = 0;
  view.job = job.id;
  remember();
};

const openViewer = (job) => {
  show(job);
  if (!viewer.open) viewer.showModal();
  fit();
  stage.focus({ preventScroll: true });
};

const step = (by) => {
  const next = visible[look.job.place + by];
  if (next) {
    keepNote();
    show(next);
  }
};

const zoom = () => {
  look.isFull = !look.isFull;
  show(look.job, true);
  if (look.isFull) stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
};

const keepNote = () => {
  const note = get("note").value.trim();
  if (look.job && note !== noteOn(look.job)) {
    decide(look.job, decisionOn(look.job), note);
    afterDecision(look.job);
  }
};

const decideHere = (decision) => {
  const { job } = look;
  keepNote();
  toggleDecision(job, decision);
  afterDecision(job);
  const isMade = decisionOn(job) === decision;
  const next = visible[job.place + (isShown(job) ? 1 : 0)];
  if (isMade && next) show(next);
  else fillDecision();
};

for (const id of ["under", "over"]) get(id).addEventListener("load", fit);
get("split").addEventListener("input", () => { look.split = Number(get("split").value); divide(); });
get("previous").addEventListener("click", () => step(-1));
get("next").addEventListener("click", () => step(1));
get("zoom").addEventListener("click", zoom);
get("close").addEventListener("click", () => viewer.close());
get("note").addEventListener("change", keepNote);
get("decision").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) decideHere(button.dataset.act);
});
get("strip").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  look[button.dataset.side] = Number(button.dataset.number);
  show(look.job, true);
});
viewer.addEventListener("close", () => {
  keepNote();
  view.job = "";
  remember();
  focusJob(look.job);
});

// The divider follows the pointer; in full size the pointer moves the picture.
let drag = null;
stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, left: stage.scrollLeft, top: stage.scrollTop };
  stage.setPointerCapture(event.pointerId);
  moveDivider(event);
});
const moveDivider = (event) => {
  if (!drag) return;
  if (look.isFull && !event.target.closest?.("#divider")) {
    stage.scrollTo(drag.left + drag.x - event.clientX, drag.top + drag.y - event.clientY);
    return;
  }
  const box = get("frame").getBoundingClientRect();
  look.split = Math.round(Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100)));
  divide();
};
stage.addEventListener("pointermove", moveDivider);
stage.addEventListener("pointerup", () => { drag = null; });
stage.addEventListener("pointercancel", () => { drag = null; });
stage.addEventListener("dblclick", zoom);
