// Elements out of code. Text is only ever set as text.
const get = (id) => document.getElementById(id);

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

// A command, which breaks between its words only.
const command = (text) => make("code", {}, ...text.split(" ").flatMap((word, number) => [number ? " " : "", make("span", { class: "word", text: word })]));

// The parts of a text of this program: commands between backticks become code.
const told = (text) => text.split("`").map((part, number) => (number % 2 ? command(part) : part));

const svg = (path) => {
  const name = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(name, "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(name, "path");
  line.setAttribute("d", path);
  icon.append(line);
  return icon;
};

const icons = { approved: "M3 8.5l3.5 3.5L13 4.5", rejected: "M4 4l8 8M12 4l-8 8", note: "M3 13l.6-2.6L11 3l2 2-7.4 7.4z" };

// A picture that is shown small, and in full where there is no small one.
const picture = (shown, alt, loading) => {
  const image = make("img", { alt, loading, decoding: "async", src: shown.thumb || shown.link });
  if (shown.thumb) image.addEventListener("error", () => { image.src = shown.link; }, { once: true });
  return image;
};

const patch = (hex) => {
  const color = make("span", { class: "patch" });
  color.style.backgroundColor = hex;
  return color;
};

const swatch = (name, hex) => {
  const box = make("span", { class: "swatch" });
  box.append(patch(hex), make("span", { class: "role", text: `${name} ` }), make("span", { class: "hex", text: hex }));
  return box;
};

const dollars = (cents) => `$${(cents / 100).toFixed(2)}`;

// What a job or a try has cost, and what it may have cost besides.
const charged = ({ cost, reserved }) => (reserved ? `${dollars(cost)}, and ${dollars(reserved)} reserved` : dollars(cost));

const duration = (seconds) => {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds / 60) % 60)} min`;
};

const counted = (count, noun, nouns = `${noun}s`) => `${count.toLocaleString("en")} ${count === 1 ? noun : nouns}`;
