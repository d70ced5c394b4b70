// Installs what the project needs and builds it, when something has changed since the last time. Node's built-ins only.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const npm = (...args) =>
  execFileSync(process.platform === "win32" ? "npm.cmd" : "npm", args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
const digest = (files) => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
};
const filesBelow = (folder) =>
  readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    return statSync(join(root, path)).isDirectory() ? filesBelow(path) : [path];
  });
const changed = (stamp, now) => !existsSync(stamp) || readFileSync(stamp, "utf8") !== now;

const installed = join(root, "node_modules", ".gradc-installed");
const lock = digest(["package-lock.json"]);
if (changed(installed, lock)) {
  console.log("installing packages …");
  npm("ci", "--no-audit", "--no-fund", "--loglevel=error");
  writeFileSync(installed, lock);
}
const built = join(root, "dist", ".gradc-built");
const sources = digest([...filesBelow("src"), "tsconfig.json", "tsconfig.build.json"].sort());
if (changed(built, sources)) {
  console.log("building …");
  // Emptied first: what a removed source had left there would still be imported.
  rmSync(join(root, "dist"), { recursive: true, force: true });
  npm("run", "--silent", "build");
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(built, sources);
}
