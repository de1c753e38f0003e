// Ten thousand jobs. `DYEHOUSE_PAGE_LONG=1` also asserts the times, which says nothing on a machine that is busy.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { makeReport } from "./support/batch.mjs";
import { addressOf, close, newPerson, open, shownOf } from "./support/browser.mjs";

const isLong = Boolean(process.env.DYEHOUSE_PAGE_LONG);
let run;
before(() => { run = makeReport(10_000, { side: 16 }); });

test("ten thousand jobs open at once and scroll smoothly, with a screenful of cards in the page", async (t) => {
  const page = await open(run);
  const seconds = await page.evaluate(() => performance.getEntriesByName("dyehouse ready")[0].startTime / 1000);
  t.diagnostic(`open after ${seconds.toFixed(2)} s`);
  assert.equal(await shownOf(page), "10,000 jobs");
  const scrolled = await page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    let most = 0, last = await frame();
    for (let turn = 0; turn < 120; turn += 1) {
      scrollBy({ top: 400, behavior: "instant" });
      const now = await frame();
      times.push(now - last);
      last = now;
      most = Math.max(most, document.querySelectorAll("article.job").length);
    }
    times.sort((one, other) => one - other);
    return { most, median: times[60], slow: times[113] };
  });
  t.diagnostic(`a frame while scrolling: half within ${scrolled.median.toFixed(0)} ms, 95 of 100 within ${scrolled.slow.toFixed(0)} ms; at most ${scrolled.most} cards`);
  assert.ok(scrolled.most < 60);
  await page.keyboard.press("j");
  await page.keyboard.press("End");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-posinset")), "10000");
  const filtering = await page.evaluate(() => {
    const began = performance.now();
    const field = document.getElementById("find");
    field.value = "suitcase plum";
    field.dispatchEvent(new Event("input"));
    return performance.now() - began;
  });
  t.diagnostic(`a search took ${filtering.toFixed(0)} ms`);
  assert.match(await shownOf(page), /of 10,000 jobs/);
  if (isLong) assert.ok(seconds < 2 && scrolled.slow < 50 && filtering < 500);
  await close(page);
});

test("a link into ten thousand jobs shows its job", async () => {
  const page = await open(run, { address: addressOf(run, "#job=mug-ocean-09000"), person: await newPerson() });
  assert.equal(await page.textContent("#viewer[open] #which"), "mug-ocean-09000");
  await close(page);
});
