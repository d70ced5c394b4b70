import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import * as eager from "../../src/eager/index.js";

/** Each snippet of docs/eager.md runs, and logs what the comments behind its calls say. */
const text = readFileSync("docs/eager.md", "utf8");
const snippets = [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, code = ""]) => code);

test("there are snippets", () => expect(snippets.length).toBeGreaterThan(5));
snippets.forEach((code, k) =>
  test(`snippet ${k + 1} of docs/eager.md logs what it says`, async () => {
    const wanted = [...code.matchAll(/^\/\/ → ?(.*)$/gm)].map(([, line]) => line);
    expect(wanted.length).toBeGreaterThan(0);
    const body = code.replace(/import (\{[^}]*\}) from "gradc\/eager";/, "const $1 = eager;");
    const { code: script } = await transform(`async function run() {${body}}`, { loader: "ts" });
    const logged: string[] = [];
    const log = (...parts: unknown[]): void =>
      void logged.push(parts.map((p) => (typeof p === "string" ? p : inspect(p))).join(" "));
    await (new globalThis.Function("eager", "console", `${script}; return run();`)(eager, {
      log,
    }) as Promise<void>);
    expect(logged.join("\n").split("\n")).toEqual(wanted);
  }),
);
