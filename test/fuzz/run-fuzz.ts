import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The last lines of `test/fuzz/run.mjs`, of a fixed seed; fails where it does. `npm run fuzz` goes on with other seeds. */
export async function fuzz(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["test/fuzz/run.mjs", "--seed", "1", ...args],
    { maxBuffer: 1 << 28 },
  ).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`.replace(/^warning[^]*?\n\n/gm, ""));
  });
  console.log(stdout.trim());
  return stdout;
}
