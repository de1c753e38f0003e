// The page for those who cannot see it well, or use no mouse.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import axe from "axe-core";
import { makeReport } from "./support/batch.mjs";
import { DESKTOP, PHONE, close, open, viewerClosed } from "./support/browser.mjs";

let run;
before(() => { run = makeReport(60); });

const violations = async (page, where) => {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const lines = found.violations.flatMap((violation) => violation.nodes.map((node) => `${where}: ${violation.id}: ${node.target} ${node.failureSummary}`));
  assert.deepEqual(lines, []);
};

for (const [width, size] of [["desktop", DESKTOP], ["phone", PHONE]]) {
  for (const theme of ["light", "dark"]) {
    test(`axe finds nothing at ${width} width in the ${theme} theme`, async () => {
      const page = await open(run, { size, theme });
      await violations(page, "cards");
      await page.locator("article.job .rejected").first().click();
      await page.locator("article.job:has(.approved:enabled) .approved").first().click();
      if (await page.locator("#charts").count()) await page.$eval("#charts", (charts) => { charts.open = true; });
      await violations(page, "cards with decisions");
      await page.fill("#find", "no such thing");
      await violations(page, "no cards");
      await page.fill("#find", "");
      await page.locator("article.job .open").first().click();
      await violations(page, "a failure, closely");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("z");
      await violations(page, "a job in full size");
      await page.keyboard.press("Escape");
      await viewerClosed(page);
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("?");
      await violations(page, "the keys");
      await close(page);
    });
  }
}

test("no label of a chart is cut off", async () => {
  // Their cost needs an axis up to $10.00.
  const page = await open(makeReport(100, { side: 32 }));
  const cut = await page.$$eval(".charts svg text", (texts) => texts.filter((text) => {
    const { x, width } = text.getBBox();
    return x < 0 || x + width > text.ownerSVGElement.viewBox.baseVal.width;
  }).map((text) => text.textContent));
  assert.deepEqual(cut, []);
  assert.ok((await page.$$eval(".charts .end", (labels) => labels.map((label) => label.textContent))).includes("$10.00"));
  await close(page);
});

test("the theme can be chosen, and the choice is kept", async () => {
  const page = await open(run);
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await paper();
  for (const word of ["light", "dark"]) {
    await page.click("#theme");
    assert.match(await page.textContent("#theme"), new RegExp(word));
  }
  assert.notEqual(await paper(), light);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  assert.notEqual(await paper(), light);
  await close(page);
});

test("the jobs are a feed that says how many there are and which one this is", async () => {
  const page = await open(run);
  const card = page.locator("article.job").first();
  assert.equal(await page.getByRole("feed").count(), 1);
  assert.equal(await card.getAttribute("aria-setsize"), "60");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.ok(await page.evaluate(() => document.activeElement.matches("article.job")), "the skip link leads to the jobs");
  await close(page);
});

test("printing gives a sheet of all that is shown", async () => {
  const page = await open(run, { fragment: "#state=completed" });
  const pdf = await page.pdf({ format: "A4" });
  assert.ok(pdf.length > 20_000);
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("#sheet figure").count(), Number(/\d+/.exec(await page.textContent("#shown"))[0]));
  assert.ok(await page.isHidden("#tools"));
  await close(page);
});
