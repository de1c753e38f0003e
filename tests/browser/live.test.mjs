// A page that is open while the batch goes on.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dyehouse, makeRun } from "./support/batch.mjs";
import { close, drawn, find, open } from "./support/browser.mjs";

// A run that is half done, as it looks while a process works on it; `goOn` lets it come to its end.
const halfDone = () => {
  const run = makeRun(90);
  const journal = join(run, "journal.jsonl"), opening = join(run, "report/data/batch.js");
  const lines = readFileSync(journal, "utf8").trimEnd().split("\n");
  writeFileSync(journal, `${lines.slice(0, Math.floor(lines.length / 2)).join("\n")}\n`);
  dyehouse(["report", run]);
  writeFileSync(opening, readFileSync(opening, "utf8").replace('"state":"stopped"', '"state":"running"'));
  return { run, goOn: () => { writeFileSync(journal, `${lines.join("\n")}\n`); dyehouse(["report", run]); } };
};
const completed = (page) => page.$eval(".figures .completed b", (figure) => Number(/\d+/.exec(figure.textContent)[0]));
const isOver = (page) => page.waitForFunction(() => /budget/.test(document.querySelector(".pill").textContent));

test("news come in by themselves, and decisions, notes and filters stay", async () => {
  const { run, goOn } = halfDone();
  const page = await open(run, { fragment: "#sort=manifest" });
  const before = await completed(page);
  await (await find(page, "mug-ocean-00000")).locator(".rejected").click();
  await page.fill("#find", "mug-ocean");
  await page.evaluate(() => { document.querySelector("article.job").isTheSame = true; });
  const pending = await page.locator("article.job.pending").count();
  goOn();
  await isOver(page);
  assert.ok(await completed(page) > before);
  assert.equal(await page.inputValue("#find"), "mug-ocean");
  assert.match(await page.textContent("#reviewed"), /1 rejected/);
  assert.ok(await page.evaluate(() => document.querySelector("article.job").isTheSame), "a card without news is left alone");
  assert.ok(await page.locator("article.job.pending").count() < pending, "cards with news are made anew");
  await close(page);
});

test("what is looked at stays in its place, whatever comes in above it", async () => {
  const { run, goOn } = halfDone();
  const page = await open(run);
  const { top } = await page.evaluate(() => document.getElementById("jobs").getBoundingClientRect());
  await page.evaluate((to) => scrollTo(0, to), top + 2400);
  await drawn(page);
  const first = () => page.evaluate(() => {
    const bar = document.getElementById("tools").getBoundingClientRect().bottom;
    const shown = [...document.querySelectorAll("article.job")].filter((card) => card.getBoundingClientRect().top >= bar - card.offsetHeight / 2);
    shown.sort((one, other) => Number(one.getAttribute("aria-posinset")) - Number(other.getAttribute("aria-posinset")));
    return [shown[0].querySelector(".name").textContent, Math.round(shown[0].getBoundingClientRect().top)];
  });
  const [name, at] = await first();
  goOn();
  await isOver(page);
  const now = await page.evaluate((name) => {
    const card = [...document.querySelectorAll("article.job")].find((one) => one.querySelector(".name").textContent === name);
    return card && Math.round(card.getBoundingClientRect().top);
  }, name);
  assert.ok(now !== undefined && Math.abs(now - at) <= 2, `${name} went from ${at} to ${now}`);
  await close(page);
});

test("a note that is being written is not disturbed, and the job beside it is brought up to date", async () => {
  const { run, goOn } = halfDone();
  const page = await open(run, { fragment: "#job=pot-plum-00086" });
  assert.match(await page.textContent("#badge"), /pending/);
  await page.focus("#note");
  await page.keyboard.type("half a sen");
  goOn();
  await page.waitForFunction(() => !/pending/.test(document.getElementById("badge").textContent));
  await page.keyboard.type("tence");
  assert.equal(await page.inputValue("#note"), "half a sentence");
  await page.keyboard.press("Control+Enter");
  assert.match(await (await find(page, "pot-plum-00086")).locator(".note").textContent(), /half a sentence/);
  await close(page);
});
