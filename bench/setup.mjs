import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const STAMP = `${FOLDER}node_modules/.gradc-installed`;

/** Installs the peers where the lock file has changed. @returns why that cannot be, or null */
export function installPeers() {
  const lock = readFileSync(`${FOLDER}package-lock.json`, "utf8");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lock) return null;
  console.error("installing the peers …");
  try {
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const args = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    execFileSync(npm, args, { cwd: FOLDER, stdio: ["ignore", "ignore", "pipe"] });
  } catch {
    return "npm ci failed in bench/";
  }
  writeFileSync(STAMP, lock);
  return null;
}
