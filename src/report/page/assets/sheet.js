// A contact sheet of what is shown, for printing. It is laid out ahead, a piece at a time: a browser that prints loads the
// pictures that were waiting to come into view, but none that are added only then.
const sheet = get("sheet");
const PIECE = 100;
let laidOut = 0, nextPiece = 0;

const contact = (job) => {
  const pictures = [job.before[0], job.after[0]].filter((shown) => shown && shown.link);
  const images = pictures.map((shown) => picture(shown, shown.label, "lazy"));
  const words = [job.state === "completed" && job.verdict ? VERDICTS[job.verdict] : job.class || job.state];
  if (job.delta !== undefined) words.push(`ΔE ${job.delta.toFixed(1)}`);
  if (decisionOn(job) !== "open") words.push(decisionOn(job));
  if (noteOn(job)) words.push(noteOn(job));
  const patches = [job.asked, job.measured].filter(Boolean).map(patch);
  return make("figure", {}, make("div", { class: "pair" }, ...images),
    make("figcaption", {}, make("b", { dir: "auto", text: job.id }), ...patches, make("span", { dir: "auto", text: words.join(" · ") })));
};

// What was laid out of a job before, unless it was decided on since.
const contacts = new WeakMap();
const contactOf = (job) => {
  const said = `${decisionOn(job)} ${noteOn(job)}`;
  if (contacts.get(job)?.said !== said) contacts.set(job, { said, figure: contact(job) });
  return contacts.get(job).figure;
};

const layOutPiece = () => {
  sheet.append(...visible.slice(laidOut, laidOut + PIECE).map(contactOf));
  laidOut = Math.min(visible.length, laidOut + PIECE);
  if (laidOut < visible.length) nextPiece = setTimeout(layOutPiece);
};

const layOutSoon = () => {
  clearTimeout(nextPiece);
  laidOut = 0;
  nextPiece = setTimeout(() => { sheet.replaceChildren(); layOutPiece(); }, 400);
};

const layOutNow = () => {
  clearTimeout(nextPiece);
  sheet.replaceChildren(...visible.map(contactOf));
  laidOut = visible.length;
};

const printSheet = async () => {
  layOutNow();
  const images = [...sheet.querySelectorAll("img")];
  images.forEach((image) => { image.loading = "eager"; });
  await Promise.all(images.map((image) => image.decode().catch(() => {})));
  print();
};

get("print").addEventListener("click", printSheet);
addEventListener("beforeprint", () => { if (laidOut < visible.length) layOutNow(); });
