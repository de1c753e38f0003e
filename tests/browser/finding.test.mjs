// Opening the page, and finding things in it.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { before, test } from "node:test";
import { makeReport } from "./support/batch.mjs";
import { addressOf, assertShown, cardsOf, close, fragmentOf, idsOf, open, shownOf, viewerClosed } from "./support/browser.mjs";

let run, summary;
before(() => {
  run = makeReport(120);
  summary = JSON.parse(readFileSync(join(run, "report/summary.json")));
});

const option = (page, id, word) => page.$$eval(`#${id} option`, (all, start) => all.find((one) => one.textContent.startsWith(start)).value, word);

test("the page opens from disk and tells how the batch stands", async () => {
  const page = await open(run);
  assert.equal(await page.textContent("h1"), "spring catalog");
  assert.match(await page.textContent(".figures"), new RegExp(`${summary.jobs.completed} of 120\\s+completed`));
  assert.equal(await shownOf(page), "120 jobs");
  assert.equal(await page.locator(".charts svg").count(), 4);
  assert.match(await page.textContent("#overview"), /dyehouse run 'spring catalog\.yaml' -o/);
  await close(page);
});

test("a static host serves it as well", async (t) => {
  const types = { html: "text/html", js: "text/javascript", jpg: "image/jpeg", png: "image/png" };
  const server = createServer((request, response) => {
    const name = normalize(decodeURIComponent(new URL(request.url, "http://host").pathname));
    try {
      const body = readFileSync(join(run, name));
      response.writeHead(200, { "Content-Type": types[name.split(".").pop()] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => server.close());
  const page = await open(run, { address: `http://127.0.0.1:${server.address().port}/report/index.html#state=completed` });
  assert.equal(await shownOf(page), `${summary.jobs.completed} of 120 jobs`);
  await page.waitForFunction(() => [...document.querySelectorAll(".pane:last-child img")].some((image) => image.naturalWidth > 0));
  // Pictures to edit lie outside the folder that this host serves.
  page.problems = page.problems.filter((problem) => !/404/.test(problem));
  await close(page);
});

test("what needs a look comes first: off colors, failures, uncertain submits", async () => {
  const page = await open(run);
  const badges = await page.$$eval("article.job", (all) => all.sort((one, other) => one.getAttribute("aria-posinset") - other.getAttribute("aria-posinset")).map((card) => card.querySelector(".badge").textContent));
  const order = [...new Set(badges)];
  assert.deepEqual(order.slice(0, 3), ["wrong color", "failed", "uncertain"]);
  assert.equal(badges.filter((badge) => badge === "wrong color").length, summary.colors.off);
  await close(page);
});

test("a click on a figure shows its jobs below the filters", async () => {
  const page = await open(run);
  assert.ok((await page.locator("article.job").first().boundingBox()).y > 500, "the jobs begin far below");
  await page.click(".figures a[href='#state=failed']");
  await page.waitForFunction(() => document.querySelector("#tools").getBoundingClientRect().top < 5);
  assert.equal(await shownOf(page), `${summary.jobs.failed} of 120 jobs`);
  await close(page);
});

test("two jobs with the same picture are both marked, come first, and can be found", async () => {
  const mixed = makeReport(5);
  const [name] = readdirSync(join(mixed, "report/data")).filter((name) => name.startsWith("jobs-"));
  const data = join(mixed, "report/data", name);
  const ids = [...readFileSync(data, "utf8").matchAll(/^\{"id":"([^"]+)"/gm)].map(([, id]) => id);
  writeFileSync(data, readFileSync(data, "utf8").replace(`{"id":"${ids[3]}"`, `{"id":"${ids[3]}","alike":0`));
  const page = await open(mixed);
  assert.equal(await page.locator("article.job .badge", { hasText: "same picture" }).count(), 2);
  assert.deepEqual((await idsOf(page)).slice(0, 2).sort(), [ids[0], ids[3]].sort());
  for (const id of [ids[0], ids[3]]) {
    await page.fill("#find", `same picture as ${id}`);
    await page.waitForFunction(() => document.querySelector("#shown").textContent.startsWith("2 of"));
    assert.deepEqual((await idsOf(page)).sort(), [ids[0], ids[3]].sort());
    await page.fill("#find", "");
  }
  await close(page);
});

test("search finds words of the id, the prompt, the error and any column, all of them at once", async () => {
  const page = await open(run);
  for (const [words, found] of [["armchair-ocean", 4], ["internal error", summary.errors.provider], ["SKU-00003 plum", 0], ["sku-00004", 5], ["BRICK tshirt", 4]]) {
    await page.fill("#find", words);
    assert.equal(await shownOf(page), `${found} of 120 jobs`, words);
  }
  await page.fill("#find", "no such thing");
  assert.match(await page.textContent("#nothing"), /No job matches/);
  await page.click("#clear");
  assert.equal(await shownOf(page), "120 jobs");
  await close(page);
});

test("filters combine, count truly, and can be taken back one by one", async () => {
  const page = await open(run);
  assert.match(await page.textContent("#state"), new RegExp(`completed \\(${summary.jobs.completed}\\)`));
  await page.selectOption("#state", "failed");
  assert.equal(await shownOf(page), "4 of 120 jobs");
  await page.selectOption("#class", "moderated");
  assert.equal(await cardsOf(page).count(), summary.errors.moderated);
  await page.click("#clear");
  await page.selectOption("#verdict", "off");
  const { off } = summary.colors;
  assert.equal(await cardsOf(page).count(), off);
  await page.selectOption("#column", "collection");
  await page.selectOption("#value", "summer");
  assert.ok(await cardsOf(page).count() < off);
  await page.click(".chip");
  assert.equal(await cardsOf(page).count(), off);
  await close(page);
});

test("every order is the one it says", async () => {
  const page = await open(run, { fragment: "#state=completed" });
  const read = (selector) => page.$$eval("article.job", (all, part) => all.sort((one, other) => one.getAttribute("aria-posinset") - other.getAttribute("aria-posinset")).map((card) => card.querySelector(part)?.textContent ?? ""), selector);
  const isFalling = (numbers) => numbers.every((number, at) => at === 0 || numbers[at - 1] >= number);
  await page.selectOption("#sort", "delta");
  assert.ok(isFalling((await read(".delta")).filter(Boolean).map((text) => Number(text.slice(3)))));
  await page.selectOption("#sort", "time");
  assert.match((await read(".facts"))[0], /min/);
  await page.selectOption("#sort", "manifest");
  assert.deepEqual((await idsOf(page)).slice(0, 2), ["mug-ocean-00000", "armchair-ocean-00001"]);
  await page.selectOption("#sort", "id");
  assert.deepEqual((await idsOf(page)).slice(0, 2), ["armchair-brick-00007", "armchair-brick-00037"]);
  await close(page);
});

test("a link shows the same view", async () => {
  const page = await open(run);
  await page.fill("#find", "mug");
  await page.selectOption("#verdict", "on");
  await page.selectOption("#sort", "delta");
  await page.selectOption("#column", "collection");
  await page.selectOption("#value", "spring");
  const [ids, fragment] = [await idsOf(page), await fragmentOf(page)];
  const other = await open(run, { fragment });
  assert.deepEqual(await idsOf(other), ids);
  assert.equal(await other.inputValue("#find"), "mug");
  assert.equal(await other.inputValue("#sort"), "delta");
  assert.equal(await other.locator(".chip").count(), 1);
  await other.goto(addressOf(run, "#state=failed"));
  await assertShown(other, "4 of 120 jobs");
  await other.goto(addressOf(run, "#job=mug-ocean-00000"));
  assert.equal(await other.textContent("#viewer[open] #which"), "mug-ocean-00000");
  await other.goto(addressOf(run, "#sort=nonsense&state=%00&verdict=constructor&job=__proto__"));
  await assertShown(other, "0 of 120 jobs");
  await close(other);
  await close(page);
});

test("a figure leads to what it counts", async () => {
  const page = await open(run);
  await page.click(".figures .failed a");
  await assertShown(page, "4 of 120 jobs");
  assert.equal(await page.inputValue("#state"), await option(page, "state", "failed"));
  await page.click("#clear");
  const corrected = page.locator(".figures li", { hasText: "corrected here" });
  const count = await corrected.locator("b").textContent();
  await corrected.locator("a").click();
  await assertShown(page, `${count} of 120 jobs`);
  await close(page);
});

test("keys alone lead through the jobs", async () => {
  const page = await open(run, { fragment: "#sort=manifest" });
  const focused = () => page.evaluate(() => document.activeElement.querySelector(".name")?.textContent);
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "find");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  assert.equal(await focused(), "mug-ocean-00000");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "armchair-ocean-00001");
  await page.keyboard.press("End");
  assert.match(await focused(), /-00119$/);
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  assert.equal(await page.textContent("#viewer[open] #which"), "mug-ocean-00000");
  await page.keyboard.press("Escape");
  await viewerClosed(page);
  assert.equal(await focused(), "mug-ocean-00000");
  await page.keyboard.press("?");
  assert.ok(await page.isVisible("#help"));
  await close(page);
});

test("the command to continue breaks between its words only, and is copied as one line", async () => {
  const page = await open(run);
  const command = await page.textContent("#overview code");
  for (const width of [320, 330, 340, 350, 360, 400, 480, 800]) {
    await page.setViewportSize({ width, height: 900 });
    const broken = await page.$eval("#overview code", (code) => {
      const found = [], texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        for (const word of texts.currentNode.data.matchAll(/\S+/g)) {
          const range = document.createRange();
          range.setStart(texts.currentNode, word.index);
          range.setEnd(texts.currentNode, word.index + word[0].length);
          if (new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size > 1) found.push(word[0]);
        }
      }
      return found;
    });
    assert.deepEqual(broken, [], `${width} pixels`);
  }
  const copied = await page.$eval("#overview code", (code) => {
    getSelection().selectAllChildren(code);
    return getSelection().toString();
  });
  assert.equal(copied, command);
  await close(page);
});
