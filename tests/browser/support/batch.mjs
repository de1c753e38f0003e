// Runs to look at: made by `examples/batch.rs`, reported by the program itself.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const built = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug");

const folders = [];
process.on("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

// A folder that is gone when the tests are over.
export const temporary = () => {
  const folder = mkdtempSync(join(tmpdir(), "dyehouse-page-"));
  folders.push(folder);
  return folder;
};

const call = (program, words, options) => {
  const path = join(built, program);
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`cargo build --bin dyehouse --example batch\` first`);
  const environment = { ...process.env, NO_COLOR: "1" };
  for (const name of ["VIBEDREAM_API_KEY", "VIBEDREAM_BASE_URL", "RUST_LOG"]) delete environment[name];
  return execFileSync(path, words, { encoding: "utf8", env: environment, stdio: ["ignore", "pipe", "pipe"], ...options });
};

export const dyehouse = (words, options) => call("dyehouse", words, options);

// The folder of a run of `jobs` jobs that ended, without its report.
export const makeRun = (jobs, { side = 64, isHostile = false } = {}) => {
  const folder = join(temporary(), "run");
  call("examples/batch", [folder, "--jobs", String(jobs), "--side", String(side), ...(isHostile ? ["--hostile"] : [])]);
  return folder;
};

export const makeReport = (jobs, options) => {
  const folder = makeRun(jobs, options);
  dyehouse(["report", folder]);
  return folder;
};
