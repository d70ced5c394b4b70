// Runs a command where requestAdapter() answers: as it is on a machine with a GPU, else with a software adapter.
import { spawnSync } from "node:child_process";
import { softwareAdapterEnvironment } from "./swiftshader.mjs";

const [command, ...args] = process.argv.slice(2);
if (!command) {
  console.error("usage: node scripts/with-webgpu.mjs COMMAND [ARGUMENTS]");
  process.exit(2);
}
const probe = `const { create } = await import("webgpu"); const a = await create([]).requestAdapter(); process.exit(a ? 0 : 1);`;
const hasAdapter =
  spawnSync(process.execPath, ["--input-type=module", "-e", probe], { stdio: "ignore", timeout: 30_000 })
    .status === 0;
const extra = hasAdapter ? {} : (softwareAdapterEnvironment() ?? {});
const { status } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...extra } });
process.exit(status ?? 1);
