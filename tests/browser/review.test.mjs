// Approving, rejecting, and what comes out of it.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { dyehouse, makeReport, temporary } from "./support/batch.mjs";
import { close, find, newPerson, open, viewerClosed } from "./support/browser.mjs";

let run;
before(() => { run = makeReport(60); });

const NOTE = 'darker, "please"\n=and the handle, too 👩🏽‍🎨';
const decisionOf = async (page, id) => {
  const card = await find(page, id);
  const pressed = await card.locator('.decide [aria-pressed="true"]').allTextContents();
  return pressed[0] ?? "open";
};
const saved = async (page, button) => {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  const path = join(temporary(), file.suggestedFilename());
  await file.saveAs(path);
  return path;
};

// Rejects two with a click and a key, approves one, and leaves a note.
const decideSome = async (page) => {
  await (await find(page, "mug-ocean-00000")).locator(".rejected").click();
  const card = await find(page, "armchair-ocean-00001");
  await card.focus();
  await page.keyboard.press("r");
  await page.keyboard.press("n");
  await page.keyboard.type(NOTE.replace("\n", " "));
  await page.fill("#note", NOTE);
  await page.keyboard.press("Escape");
  await viewerClosed(page);
  await (await find(page, "pot-ocean-00002")).focus();
  await page.keyboard.press("a");
  await page.fill("#find", "");
};

test("decisions are made with keys and clicks, and stay in the browser", async () => {
  const person = await newPerson();
  const page = await open(run, { person });
  await decideSome(page);
  assert.match(await page.textContent("#reviewed"), /1 approved, 2 rejected, 57 unreviewed/);
  await page.selectOption("#review", "rejected");
  assert.match(await page.textContent("#shown"), /2 of 60/);
  const again = await open(run, { person });
  assert.equal(await decisionOf(again, "armchair-ocean-00001"), "reject");
  assert.match(await (await find(again, "armchair-ocean-00001")).locator(".note").textContent(), /darker/);
  await (await find(again, "armchair-ocean-00001")).focus();
  await again.keyboard.press("r");
  assert.equal(await decisionOf(again, "armchair-ocean-00001"), "open");
  assert.deepEqual(page.problems, []);
  await close(again);
});

test("a decision in the comparison leads on to the next job", async () => {
  const page = await open(run, { fragment: "#sort=manifest&job=mug-ocean-00000" });
  await page.keyboard.press("a");
  assert.equal(await page.textContent("#which"), "armchair-ocean-00001");
  await page.click("#decision .rejected");
  assert.equal(await page.textContent("#which"), "pot-ocean-00002");
  await page.keyboard.press("Escape");
  await viewerClosed(page);
  assert.match(await page.textContent("#reviewed"), /1 approved, 1 rejected/);
  await close(page);
});

test("a job without a picture cannot be approved", async () => {
  const page = await open(run, { fragment: "#state=failed" });
  const card = page.locator("article.job").first();
  assert.ok(await card.locator(".approved").isDisabled());
  await card.focus();
  await page.keyboard.press("a");
  assert.match(await page.textContent("#reviewed"), /0 approved/);
  await close(page);
});

test("the rejected are a manifest that runs as it is, with the note as a column", async () => {
  const page = await open(run);
  await decideSome(page);
  const manifest = await saved(page, "#export-rejected");
  assert.match(manifest, /spring-catalog-rejected\.csv$/);
  assert.match(readFileSync(manifest, "utf8").split("\n")[0], /^id,prompt,images,.*,note$/);
  const folder = temporary();
  const checked = JSON.parse(dyehouse(["check", manifest, "--backend", "embedded", "--json", "-o", join(folder, "again")]));
  assert.deepEqual([checked.errors, checked.plan.jobs, checked.plan.new], [[], 2, 2]);
  dyehouse(["run", manifest, "--backend", "embedded", "-o", join(folder, "again"), "--rate", "10/s", "-q"]);
  assert.deepEqual(readdirSync(join(folder, "again/results")).sort(), ["armchair-ocean-00001.png", "mug-ocean-00000.png"]);
  const results = readFileSync(join(folder, "again/report/results.csv"), "utf8");
  assert.ok(results.includes('darker, ""please""\n=and the handle, too 👩🏽‍🎨'), results);
  // In the folder of the same run they are the same jobs: nothing is paid for again.
  const same = JSON.parse(dyehouse(["check", manifest, "--backend", "embedded", "--json", "-o", run]));
  assert.deepEqual([same.errors, same.plan.jobs, same.plan.new], [[], 2, 0]);
  await close(page);
});

test("decisions go from one browser to another in a table", async () => {
  const page = await open(run);
  await decideSome(page);
  const table = await saved(page, "#export-decisions");
  const other = await open(run);
  await (await find(other, "bottle-ocean-00005")).locator(".rejected").click();
  await other.setInputFiles("#file", table);
  await other.waitForFunction(() => /3 decisions taken over/.test(document.getElementById("said").textContent));
  assert.equal(await decisionOf(other, "mug-ocean-00000"), "reject");
  assert.equal(await decisionOf(other, "pot-ocean-00002"), "approve");
  assert.equal(await decisionOf(other, "bottle-ocean-00005"), "reject");
  await (await find(other, "armchair-ocean-00001")).locator(".note").click();
  assert.equal(await other.inputValue("#note"), NOTE);
  await other.keyboard.press("Escape");
  await viewerClosed(other);
  // What was decided later stays.
  await (await find(other, "mug-ocean-00000")).locator(".approved").click();
  await other.setInputFiles("#file", table);
  await other.waitForFunction(() => /older than those here/.test(document.getElementById("said").textContent));
  assert.equal(await decisionOf(other, "mug-ocean-00000"), "approve");
  await close(other);
  await close(page);
});

test("a file that is no table of decisions is told of, and changes nothing", async () => {
  const page = await open(run);
  for (const text of ["", "a,b\n1,2\n", "\u0000\u0001binary", 'id,decision\n"never closed']) {
    const path = join(temporary(), "strange.csv");
    writeFileSync(path, text);
    await page.evaluate(() => { document.getElementById("said").textContent = ""; });
    await page.setInputFiles("#file", path);
    await page.waitForFunction(() => document.getElementById("said").textContent !== "");
  }
  assert.match(await page.textContent("#reviewed"), /0 approved, 0 rejected/);
  await close(page);
});
