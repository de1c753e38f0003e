// Chromium with the page in it, and an ear for all that must not happen there.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after } from "node:test";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

let started = null;
const browser = () => {
  const executablePath = PLACES.find((path) => path && existsSync(path));
  assert.ok(executablePath, "chromium is not installed; CHROMIUM can name it");
  started ??= chromium.launch({ executablePath, args: FLAGS });
  return started;
};
after(async () => { if (started) await (await started).close(); });

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

// A person's browser: what is decided in it stays in it.
export const newPerson = async ({ size = DESKTOP, theme = "light" } = {}) =>
  (await browser()).newContext({ viewport: size, colorScheme: theme, acceptDownloads: true });

export const addressOf = (run, fragment = "") => `${pathToFileURL(join(run, "report/index.html"))}${fragment}`;

// Opens the report of `run` from disk. `page.problems` has every error, and every request that is not for a file.
export const open = async (run, { fragment = "", person, address = addressOf(run, fragment), ...how } = {}) => {
  const page = await (person ?? await newPerson(how)).newPage();
  page.problems = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) page.problems.push(message.text()); });
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("dialog", (dialog) => { page.problems.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("popup", () => page.problems.push("a window opened"));
  const own = new URL(address);
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol !== own.protocol || to.host !== own.host) page.problems.push(`a request to ${request.url().slice(0, 200)}`);
  });
  await page.goto(address);
  await page.waitForSelector("body[data-ready]");
  return page;
};

// Ends a test with a page: nothing was wrong in it all the while.
export const close = async (page) => {
  assert.deepEqual(page.problems, []);
  await page.context().close();
};

export const cardsOf = (page) => page.locator("article.job");
export const idsOf = async (page) => {
  const cards = await page.$$eval("article.job", (all) => all.map((card) => [Number(card.getAttribute("aria-posinset")), card.querySelector(".name").textContent]));
  return cards.sort(([one], [other]) => one - other).map(([, id]) => id);
};
export const shownOf = (page) => page.textContent("#shown");
// The page counts `text` as shown. A link within the page ends its click before it takes effect, so this waits for it.
export const assertShown = async (page, text) => {
  await page.waitForFunction((text) => document.getElementById("shown").textContent === text, text, { timeout: 10_000 }).catch(() => {});
  assert.equal(await shownOf(page), text);
};
// The fragment as the page has it by now; the browser tells of changes later.
export const fragmentOf = (page) => page.evaluate(() => location.hash);
// Until a job is no longer looked at closely: that it ends is told after the key that ends it.
export const viewerClosed = (page) => page.waitForFunction(() => !document.getElementById("viewer").open && !/job=/.test(location.hash));
// Until what was scrolled to has been drawn: the page draws in the frame after a scroll.
export const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
// A card by its job's id, after the page has been told to show it alone.
export const find = async (page, id) => {
  await page.fill("#find", id);
  return page.locator("article.job", { has: page.locator(`.name:text-is("${id}")`) });
};
