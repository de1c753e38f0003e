"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const list = get("jobs");
  const cards = [...list.children];
  const fields = ["find", "state", "verdict", "class", "sort"].map(get).filter(Boolean);
  const texts = new Map();
  let visible = cards;

  // The text of a card is gathered when it is first searched, so that a report of thousands opens at once.
  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };
  const number = (card, name) => Number(card.dataset[name] || 0);
  const states = ["failed", "uncertain", "pending", "completed"];
  const orders = {
    line: (one, other) => number(one, "line") - number(other, "line"),
    state: (one, other) => states.indexOf(one.dataset.state) - states.indexOf(other.dataset.state),
    delta: (one, other) => number(other, "delta") - number(one, "delta"),
    seconds: (one, other) => number(other, "seconds") - number(one, "seconds"),
    cost: (one, other) => number(other, "cost") - number(one, "cost"),
    id: (one, other) => one.querySelector("h2").firstChild.data.localeCompare(other.querySelector("h2").firstChild.data, undefined, { numeric: true }),
  };

  let order = "line";
  const apply = () => {
    const value = Object.fromEntries(fields.map((field) => [field.id, field.value]));
    const words = (value.find || "").toLowerCase().split(/\s+/).filter(Boolean);
    visible = cards.filter((card) =>
      ["state", "verdict", "class"].every((name) => !value[name] || card.dataset[name] === value[name]) &&
      words.every((word) => textOf(card).includes(word)));
    const chosen = new Set(visible);
    for (const card of cards) card.hidden = !chosen.has(card);
    const sort = orders[value.sort] ? value.sort : "line";
    const compare = (one, other) => orders[sort](one, other) || orders.line(one, other);
    visible.sort(compare);
    if (sort !== order) {
      order = sort;
      list.append(...[...cards].sort(compare));
    }
    get("shown").textContent = visible.length === cards.length ? `${cards.length} jobs` : `${visible.length} of ${cards.length} jobs`;
    get("nothing").hidden = visible.length > 0;
  };

  // The view is in the fragment, so that a link shows the same.
  const remember = () => {
    const view = new URLSearchParams();
    for (const field of fields) {
      if (field.value && !(field.id === "sort" && field.value === "line")) view.set(field.id, field.value);
    }
    history.replaceState(null, "", view.size ? `#${view}` : location.pathname + location.search);
  };
  const recall = () => {
    const view = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) {
      field.value = view.get(field.id) || (field.id === "sort" ? "line" : "");
      if (field.selectedIndex === -1) field.selectedIndex = 0;
    }
    apply();
  };

  const viewer = get("viewer");
  let current = null;
  const split = () => { get("over").style.clipPath = `inset(0 0 0 ${100 - get("split").value}%)`; };
  const show = (card) => {
    const sides = Object.fromEntries([...card.querySelectorAll("a[data-side]")].reverse().map((link) => [link.dataset.side, link]));
    const before = sides.before || sides.after;
    const after = sides.after || sides.before;
    if (!before) return false;
    current = card;
    for (const [id, link] of [["under", before], ["over", after]]) {
      get(id).src = link.href;
      get(id).alt = link.firstChild.alt;
    }
    get("which").textContent = card.querySelector("h2").firstChild.data.trim();
    get("split").disabled = !(sides.before && sides.after);
    split();
    return true;
  };
  const step = (by) => {
    for (let at = visible.indexOf(current) + by; visible[at]; at += by) if (show(visible[at])) return;
  };
  const zoom = () => {
    const isFull = get("stage").classList.toggle("full");
    get("zoom").setAttribute("aria-pressed", String(isFull));
  };
  list.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-side]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (show(link.closest(".job"))) viewer.showModal();
  });
  get("split").addEventListener("input", split);
  get("previous").addEventListener("click", () => step(-1));
  get("next").addEventListener("click", () => step(1));
  get("zoom").addEventListener("click", zoom);
  viewer.addEventListener("close", () => { if (current) current.focus(); });

  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (viewer.open) {
      if (event.key === "ArrowLeft" && event.target.type !== "range") step(-1);
      else if (event.key === "ArrowRight" && event.target.type !== "range") step(1);
      else if (event.key === "z") zoom();
      return;
    }
    if (isTyping) return;
    if (event.key === "/") {
      event.preventDefault();
      get("find").focus();
    } else if (event.key === "j" || event.key === "k") {
      const at = visible.indexOf(document.activeElement.closest(".job"));
      const next = visible[at + (event.key === "j" ? 1 : -1)];
      if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
    } else if (event.key === "Enter" && document.activeElement.classList.contains("job")) {
      if (show(document.activeElement)) viewer.showModal();
    }
  });

  for (const field of fields) {
    field.addEventListener("input", () => { apply(); remember(); });
  }
  get("tools").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", recall);
  get("tools").hidden = cards.length === 0;
  recall();
})();
