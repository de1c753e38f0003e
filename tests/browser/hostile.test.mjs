// Texts that have broken pages before, in every field.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { dyehouse, makeReport, temporary } from "./support/batch.mjs";
import { PHONE, close, drawn, find, fragmentOf, idsOf, open, viewerClosed } from "./support/browser.mjs";

let run;
before(() => { run = makeReport(120, { isHostile: true }); });

// Scrolls through all cards.
const lookAtAll = async (page) => {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let top = 0; top < height; top += 900) {
    await page.evaluate((to) => scrollTo(0, to), top);
    await drawn(page);
  }
  await page.evaluate(() => scrollTo(0, 0));
};

test("hostile texts are shown as text and run nothing", async () => {
  const page = await open(run, { fragment: "#sort=manifest" });
  await lookAtAll(page);
  const title = await page.title();
  assert.ok(title.includes("<img src=x onerror=alert(1)>"), title);
  assert.equal(await page.textContent("h1"), title.replace(" · dyehouse", ""));
  await page.click("article.job .open >> nth=0");
  for (let turn = 0; turn < 40; turn += 1) await page.keyboard.press("ArrowRight");
  const text = await page.textContent("#panel");
  assert.ok(text.includes("<script>document.title='broken'</script>"));
  // Nothing of theirs became an element.
  assert.equal(await page.locator("main script, dialog script, header script, [onerror], img[src='x'], iframe, a[href^='javascript']").count(), 0);
  await page.keyboard.press("Escape");
  await viewerClosed(page);
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.locator("#sheet figure").count(), 120);
  await close(page);
});

test("the page holds its shape: nothing is wider than the screen", async () => {
  for (const size of [{ width: 1440, height: 900 }, PHONE]) {
    const page = await open(run, { size, fragment: "#sort=manifest" });
    await lookAtAll(page);
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= screen, `${content} > ${screen}`);
    const overlaps = await page.$$eval("article.job", (all) => all.filter((card) => card.scrollWidth > card.clientWidth + 1 || card.scrollHeight > card.clientHeight + 1).map((card) => card.innerText.slice(0, 80)));
    assert.deepEqual(overlaps, []);
    await page.click("article.job .open >> nth=0");
    for (let turn = 0; turn < 10; turn += 1) {
      const [panel, room] = await page.$eval("#panel", (panel) => [panel.scrollWidth, panel.clientWidth]);
      assert.ok(panel <= room, `${panel} > ${room}`);
      await page.keyboard.press("ArrowRight");
    }
    await close(page);
  }
});

test("a long error of a try leaves its table readable", async () => {
  const page = await open(run, { fragment: "#find=re-rolled" });
  await page.locator("article.job").first().locator(".open").click();
  for (let turn = 0; !(await page.innerText("#tries")).includes("moderated") && !(await page.innerText("#tries")).includes("refused-"); turn += 1) {
    assert.ok(turn < 20, "no try was refused");
    await page.keyboard.press("ArrowRight");
  }
  const lines = await page.$$eval("#tries td:first-child", (cells) => cells.map((cell) => cell.getClientRects().length && cell.offsetWidth));
  assert.ok(lines.every((width) => width >= 60), lines);
  const [panel, room] = await page.$eval("#panel", (panel) => [panel.scrollWidth, panel.clientWidth]);
  assert.ok(panel <= room, `${panel} > ${room}`);
  const cost = await page.$eval("#tries tr:last-child td:last-child", (cell) => cell.getBoundingClientRect().right);
  assert.ok(cost <= await page.$eval("#panel", (panel) => panel.getBoundingClientRect().right));
  await close(page);
});

test("an id of a hundred letters and the id of a prediction end in an ellipsis on their own lines", async () => {
  const page = await open(run, { fragment: "#sort=manifest" });
  const card = page.locator("article.job >> nth=1");
  const box = (part) => card.locator(part).boundingBox();
  const [pictures, heading, name, prompt, facts] = await Promise.all([".open", "h2", ".name", ".prompt", ".facts"].map(box));
  assert.ok((await card.locator(".name").textContent()).length >= 100);
  assert.ok(name.height <= heading.height, `the id takes ${name.height} px of ${heading.height}`);
  assert.ok(name.y >= pictures.y + pictures.height && name.y + name.height <= prompt.y);
  for (const part of [".name", ".facts"]) {
    const style = await card.locator(part).evaluate((element) => [getComputedStyle(element).whiteSpace, getComputedStyle(element).textOverflow]);
    assert.deepEqual(style, ["nowrap", "ellipsis"], part);
  }
  assert.ok(facts.height <= 20);
  await close(page);
});

test("hostile values can be searched, filtered by and linked to", async () => {
  const page = await open(run);
  const column = "<script>document.title='broken'</script><img src=x onerror=alert(1)>";
  await page.selectOption("#column", column);
  const value = await page.$eval("#value option:nth-child(3)", (option) => option.value);
  await page.selectOption("#value", value);
  const ids = await idsOf(page);
  assert.ok(ids.length > 0 && ids.length < 120);
  const other = await open(run, { fragment: await fragmentOf(page) });
  assert.deepEqual(await idsOf(other), ids);
  await close(other);
  await close(page);
});

test("hostile cells come through an export to the letter, and check takes them", async () => {
  const page = await open(run, { fragment: "#sort=manifest&state=completed" });
  const count = 8;
  for (let at = 0; at < count; at += 1) await page.locator(`article.job[aria-posinset="${at + 1}"] .rejected`).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#export-rejected")]);
  const manifest = join(temporary(), "rejected.csv");
  await file.saveAs(manifest);
  const same = JSON.parse(dyehouse(["check", manifest, "--backend", "embedded", "--json", "-o", run]));
  assert.deepEqual([same.errors, same.plan.jobs, same.plan.new], [[], count, 0], "another text would be another edit");
  await close(page);
});

test("ten thousand characters are one card among others", async () => {
  const page = await open(run, { fragment: "#sort=manifest" });
  const card = await find(page, "it's 3 👩🏽‍🎨 & 'עברית' {{x}} =1+1");
  assert.equal(await card.count(), 1);
  const heights = await page.evaluate(() => document.querySelector("article.job").offsetHeight);
  assert.ok(heights < 700);
  await card.locator(".open").click();
  assert.equal((await page.textContent("#facts dd")).length, 10000);
  await close(page);
});

test("a run whose folder has a hostile name opens as well", async () => {
  const folder = join(temporary(), "50% off?#1 'größe' \"x\" <b> ");
  mkdirSync(folder);
  const photos = new URL("../../manifests/photos/", import.meta.url).pathname;
  writeFileSync(join(folder, "a.csv"), `id,prompt,images\nmug & 'größe' #1 100%,Make the mug #1E90FF,${photos}mug.jpg\n`);
  dyehouse(["run", "a.csv", "--backend", "embedded", "-o", "out", "-q", "--rate", "10/s"], { cwd: folder });
  const page = await open(join(folder, "out"));
  await page.waitForFunction(() => [...document.querySelectorAll(".pane img")].filter((image) => image.naturalWidth > 0).length === 2);
  await page.click(".open");
  await page.waitForFunction(() => document.getElementById("over").naturalWidth > 0);
  await close(page);
});
