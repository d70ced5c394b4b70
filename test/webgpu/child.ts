import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** A WebGPU implementation, by the shader compiler that it has. */
interface Implementation {
  readonly compiler: "Tint" | "naga";
  readonly command: readonly string[];
}

/** The Deno binary that its package carries for this platform: no script of the package has to have run. */
function denoBinary(): string {
  const require = createRequire(import.meta.url);
  const modules = join(dirname(require.resolve("deno/package.json")), "..");
  const libc = process.platform === "linux" ? "-glibc" : "";
  const suffix = process.platform === "win32" ? ".exe" : "";
  const file = join(modules, "@deno", `${process.platform}-${process.arch}${libc}`, `deno${suffix}`);
  if (!existsSync(file)) throw new Error(`the package deno carries no binary for ${process.platform}`);
  return file;
}

/** Dawn in Node, and wgpu in Deno, which is kept from asking any network. */
const IMPLEMENTATIONS: readonly Implementation[] = [
  { compiler: "Tint", command: [process.execPath] },
  {
    compiler: "naga",
    command: [
      denoBinary(),
      "run",
      "--quiet",
      "--node-modules-dir=manual",
      "--unstable-webgpu",
      "--no-remote",
      "--cached-only",
      "--allow-read",
      "--allow-write",
      "--allow-env",
    ],
  },
];

/**
 * Runs a script (of this folder, or its full path; see gpu.mjs) with `request` on its standard input, on every implementation at once.
 * @returns what each answered; null where there is no adapter
 * @throws Error where one did not run to its end in `timeout` milliseconds
 */
export function runOnAll<Answer>(
  script: string,
  request: unknown,
  timeout = 100_000,
): Promise<readonly (Implementation & { readonly answer: Answer | null })[]> {
  return Promise.all(
    IMPLEMENTATIONS.map(async (on) => ({
      ...on,
      answer: JSON.parse(await run(on, script, JSON.stringify(request), timeout)) as Answer | null,
    })),
  );
}

/** As `runOnAll`, of programs as run-programs.mjs takes them, with the compiler and the runtime that are built. */
export const runPrograms = <Answer>(
  programs: readonly unknown[],
  timeout?: number,
): ReturnType<typeof runOnAll<readonly Answer[]>> => {
  const built = (file: string): string => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));
  const request = { compiler: built("index.js"), runtime: built("runtime/index.js"), programs };
  return runOnAll("run-programs.mjs", request, timeout);
};

function run({ compiler, command }: Implementation, script: string, input: string, timeout: number) {
  const [binary = "", ...options] = command;
  return new Promise<string>((done, reject) => {
    const file = resolve(fileURLToPath(new URL(".", import.meta.url)), script);
    const child = execFile(
      binary,
      [...options, file],
      { encoding: "utf8", timeout, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) =>
        error
          ? reject(new Error(`${script} did not run to its end with ${compiler}: ${stderr || error.message}`))
          : done(stdout),
    );
    // A child that dies early closes its input; its status says so better than the broken pipe.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
