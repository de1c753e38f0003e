// Looking at a result closely.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { makeReport } from "./support/batch.mjs";
import { PHONE, close, fragmentOf, idsOf, open, viewerClosed } from "./support/browser.mjs";

let run;
before(() => { run = makeReport(12, { side: 400 }); });

const clip = (page) => page.$eval("#over", (image) => image.style.clipPath);
const isLoaded = (page) => page.waitForFunction(() => ["under", "over"].every((id) => document.getElementById(id).naturalWidth > 0));

test("the divider follows the pointer, the slider and a key", async () => {
  const page = await open(run, { fragment: "#sort=manifest" });
  await page.click("article.job .open >> nth=0");
  await isLoaded(page);
  assert.match(await clip(page), /50%/);
  const frame = await page.locator("#frame").boundingBox();
  await page.mouse.move(frame.x + frame.width / 2, frame.y + frame.height / 2);
  await page.mouse.down();
  await page.mouse.move(frame.x + frame.width / 4, frame.y + frame.height / 2, { steps: 4 });
  await page.mouse.up();
  assert.match(await clip(page), /25%/);
  await page.focus("#split");
  await page.keyboard.press("ArrowRight");
  assert.match(await clip(page), /26%/);
  await page.focus("#stage");
  const seen = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await page.keyboard.press("s");
    seen.push(/(\d+)%/.exec(await clip(page))?.[1] ?? "0");
  }
  assert.deepEqual(seen, ["50", "100", "0"]);
  await close(page);
});

test("both pictures lie on each other to the pixel, and are whole", async () => {
  for (const size of [{ width: 1440, height: 900 }, PHONE]) {
    const page = await open(run, { size, fragment: "#job=pot-ocean-00002" });
    await isLoaded(page);
    const [under, over, stage] = await Promise.all(["#under", "#over", "#stage"].map((id) => page.locator(id).boundingBox()));
    assert.deepEqual(under, over);
    assert.ok(over.width <= stage.width + 1 && over.height <= stage.height + 1 && over.width > 100);
    await close(page);
  }
});

test("full size shows a pixel as a pixel, and the pointer moves the picture", async () => {
  const page = await open(run, { size: { width: 700, height: 420 }, fragment: "#job=mug-ocean-00000" });
  await isLoaded(page);
  await page.keyboard.press("z");
  assert.equal(await page.$eval("#zoom", (button) => button.getAttribute("aria-pressed")), "true");
  const [shown, natural] = await page.$eval("#over", (image) => [image.clientWidth, image.naturalWidth]);
  assert.equal(shown, natural);
  const stage = await page.locator("#stage").boundingBox();
  const top = () => page.$eval("#stage", (element) => element.scrollTop);
  const before = await top();
  await page.mouse.move(stage.x + 30, stage.y + 100);
  await page.mouse.down();
  await page.mouse.move(stage.x + 30, stage.y + 60, { steps: 4 });
  await page.mouse.up();
  assert.equal(Math.round(await top() - before), 40);
  await page.keyboard.press("z");
  assert.equal(await page.$eval("#zoom", (button) => button.getAttribute("aria-pressed")), "false");
  await close(page);
});

test("keys and buttons go from job to job, and the link goes along", async () => {
  const page = await open(run, { fragment: "#sort=manifest&job=mug-ocean-00000" });
  const which = () => page.textContent("#which");
  await page.keyboard.press("ArrowRight");
  assert.equal(await which(), "armchair-ocean-00001");
  assert.match(await fragmentOf(page), /job=armchair-ocean-00001/);
  await page.click("#next");
  await page.keyboard.press("k");
  assert.equal(await which(), "armchair-ocean-00001");
  await page.keyboard.press("k");
  await page.keyboard.press("k");
  assert.equal(await which(), "mug-ocean-00000");
  await page.click("#close");
  await viewerClosed(page);
  await close(page);
});

test("a corrected result is shown beside what the provider made", async () => {
  const page = await open(run, { fragment: "#job=tshirt-ocean-00004" });
  await isLoaded(page);
  assert.equal(await page.textContent("#right"), "corrected");
  const text = await page.innerText("#swatches");
  for (const words of ["requested", "provider", "corrected", "ΔE 0.0"]) assert.ok(text.includes(words), text);
  await page.click('#strip [data-side="before"] >> nth=1');
  assert.equal(await page.textContent("#left"), "as the provider made it");
  await page.waitForFunction(() => document.getElementById("under").complete && /originals/.test(document.getElementById("under").src));
  assert.ok(await page.$eval("#under", (image) => image.naturalWidth) > 0);
  await close(page);
});

test("all tries of a re-rolled job are there, with what each cost", async () => {
  const page = await open(run, { fragment: "#job=suitcase-brick-00009" });
  const rows = await page.$$eval("#tries tr", (all) => all.map((row) => row.innerText.replace(/\s+/g, " ").trim()));
  assert.deepEqual(rows, ["try color seed cost", "1, taken ΔE 16.0 $0.07", "2 ΔE 19.0 9 $0.07"]);
  assert.match(await page.innerText("#tries caption"), /2 tries: \$0\.14$/);
  await page.click('#strip [data-side="after"] >> nth=1');
  assert.equal(await page.textContent("#right"), "try 2, not taken");
  await page.waitForFunction(() => document.getElementById("over").complete && /earlier/.test(document.getElementById("over").src));
  assert.ok(await page.$eval("#over", (image) => image.naturalWidth) > 0);
  await close(page);
});

test("a try that may have been charged says so, and what it may have cost is in no sum of what was", async () => {
  const page = await open(makeReport(72, { side: 100 }), { fragment: "#find=reserved+money" });
  const ids = await idsOf(page);
  assert.ok(ids.includes("bottle-brick-00071"), ids);
  assert.match(await page.innerText("article.job:has-text('00071') .facts"), /^\$0\.07, and \$0\.07 reserved · .* 2 submits/);
  await page.click("article.job:has-text('00071') .open");
  assert.match(await page.innerText("#tries caption"), /2 tries: \$0\.07, and \$0\.07 reserved$/);
  assert.match(await page.innerText("#tries tr:last-child"), /uncertain: HTTP 502: bad gateway/);
  assert.match(await page.innerText("#facts"), /\$0\.07: a submit may have been charged.*dyehouse release \S+ \S+ frees the money/);
  await page.click("#close");
  await viewerClosed(page);
  assert.equal(await page.getAttribute(".figures a:has-text('reserved')", "href"), "#find=reserved+money");
  await close(page);
});

test("a picture that the manifest names by URL is shown as it was, and never loaded from there", async () => {
  const page = await open(makeReport(51, { side: 100 }), { fragment: "#find=photos.example&sort=manifest" });
  const before = (id) => page.locator(`article.job:has-text("${id}") .pane >> nth=0`);
  const ids = await idsOf(page);
  assert.equal(ids.length, 3);
  await page.waitForFunction(() => [...document.querySelectorAll("article.job .unseen + .pane img")].filter((image) => image.naturalWidth > 0).length === 2);
  assert.equal(await before(ids[0]).locator(".more").count(), 0, "the copy is not a second picture");
  assert.match(await before(ids[1]).innerText(), /no copy was kept of http:\/\/photos\.example/);
  await page.click("article.job .open >> nth=0");
  await isLoaded(page);
  assert.equal(await page.$eval("#split", (slider) => slider.disabled), false);
  assert.equal(await page.isHidden("#strip"), true);
  assert.equal(await page.locator("#facts a").count(), 0, "a copy needs no link");
  await page.click("#next");
  const link = page.locator("#facts a");
  assert.match(await link.getAttribute("href"), /^http:\/\/photos\.example/);
  assert.deepEqual([await link.getAttribute("rel"), await link.getAttribute("target")], ["noreferrer", "_blank"]);
  assert.match(await page.innerText("#facts"), /no copy was kept of http:\/\/photos\.example/);
  await close(page);
});

test("all that is known of a job stands beside its picture", async () => {
  const page = await open(run, { fragment: "#job=tshirt-ocean-00004" });
  const text = await page.innerText("#panel");
  for (const words of ["right color", "#1E90FF", "ΔE00", "pred-", "$0.07", "SKU-00000", "summer", "tshirt.jpg", "400 × 400", "UTC"]) {
    assert.ok(text.includes(words), `${words} is not in ${text}`);
  }
  await close(page);
});
