// The contact sheet that comes out when the page is printed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeReport } from "./support/batch.mjs";
import { PHONE, close, open } from "./support/browser.mjs";

const laidOut = (page, count) => page.waitForFunction((count) => document.querySelectorAll("#sheet figure").length === count, count);
const picturesIn = (pdf) => pdf.toString("latin1").split("/Subtype /Image").length - 1;

test("the browser's own print command finds a contact sheet with all pictures", async () => {
  const page = await open(makeReport(12));
  await laidOut(page, 12);
  const pdf = await page.pdf();
  // Five products before, and what they became: the same picture is in the file once.
  assert.ok(picturesIn(pdf) >= 12, `${picturesIn(pdf)} pictures`);
  await close(page);
});

test("what is printed is what is chosen, with the decisions on it", async () => {
  const page = await open(makeReport(12), { fragment: "#find=mug" });
  await laidOut(page, 2);
  await page.locator("article.job").first().focus();
  await page.keyboard.press("r");
  await page.waitForFunction(() => document.querySelector("#sheet figure")?.textContent.includes("rejected"));
  await close(page);
});

test("the figures at the top are whole, on a screen and on paper", async () => {
  const page = await open(makeReport(60));
  for (const [media, width] of [["screen", 800], ["screen", PHONE.width], ["print", 800]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ media });
    const cut = await page.$$eval(".figures li", (all) => all.filter((figure) => figure.scrollHeight > figure.offsetHeight).map((figure) => figure.textContent));
    assert.deepEqual(cut, [], media);
    assert.equal(await page.$eval(".figures", (figures) => figures.scrollWidth > figures.clientWidth), false, media);
  }
  await close(page);
});
