import chromium from "@sparticuz/chromium";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium as playwright, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../../src/compile.js";
import { READY, TICKET } from "../../src/runtime/ticket.js";

/** What a page says of a model with so many threads. */
interface Told {
  readonly isolated: boolean;
  readonly bits: number[];
  /** Of each worker that was started. */
  readonly ready: number[];
  readonly tickets: number[];
}

/** Runs a model and nothing else: no timer lets the page's loop turn between its calls. */
const PAGE = `import { create } from "./model.js";
const started = [];
globalThis.Worker = class extends Worker {
  postMessage(message) {
    started.push(message.control);
    super.postMessage(message);
  }
};
const x = Float32Array.from({ length: 1000003 }, (_, k) => 2 * (((k + 1) * 0.6180339887) % 1) - 1);
globalThis.tell = async (options) => {
  started.length = 0;
  const model = await create({ params: { x, a: 0.3, b: 0.2, c: 0.7 }, ...options });
  const bits = [];
  for (let k = 0; k < 5; k++) {
    const { l, grads } = model.backward({});
    for (const result of [l, grads.x, grads.a, grads.b, grads.c]) {
      let hash = 0;
      for (const word of new Int32Array((await result.read()).buffer)) hash = (31 * hash + word) | 0;
      bits.push(hash);
    }
  }
  const [ready, tickets] = [${READY}, ${TICKET}].map((place) => started.map((control) => control[place]));
  model.dispose();
  return { isolated: crossOriginIsolated, bits, ready, tickets };
};`;
const JAVASCRIPT = "text/javascript";
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
};
let server: Server;
let browser: Browser;
let address = "";

beforeAll(async () => {
  const source = readFileSync("bench/workloads/W1.grad", "utf8");
  const { code } = compile(source, { targets: ["wasm"], threads: true, runtimeImport: "./runtime.js" });
  const files: Readonly<Record<string, readonly [string, string | Uint8Array]>> = {
    "": ["text/html", `<script type="module" src="page.js"></script>`],
    "page.js": [JAVASCRIPT, PAGE],
    "model.js": [JAVASCRIPT, code],
    "runtime.js": [JAVASCRIPT, readFileSync("dist/runtime.js")],
    "worker.js": [JAVASCRIPT, readFileSync("dist/worker.js")],
  };
  server = createServer(({ url = "" }, response) => {
    const [, folder, name = ""] = url.split("/");
    const found = folder === "missing" && name === "worker.js" ? undefined : files[name];
    response.writeHead(found ? 200 : 404, {
      "Content-Type": found?.[0] ?? "text/plain",
      ...(folder !== "plain" && ISOLATED),
    });
    response.end(found?.[1] ?? "");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  address = `http://localhost:${(server.address() as AddressInfo).port}`;
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    headless: true,
  });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** What a page of that folder says with each of the options, what it warned of, and how many workers are left. */
async function visit(folder: string, ...options: string[]): Promise<[Told[], string[], number]> {
  const page = await browser.newPage();
  const warnings: string[] = [];
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  await page.goto(`${address}/${folder}/`);
  await page.waitForFunction("globalThis.tell");
  const told: Told[] = [];
  for (const each of options) told.push(await page.evaluate<Told>(`tell(${each})`));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const left = page.workers().length;
  await page.close();
  return [told, warnings, left];
}

test("an isolated page's workers take part, give the same bits and end with their model", async () => {
  const own = `{ threads: 2, worker: () => new Worker("worker.js", { type: "module" }) }`;
  const [told, warnings, left] = await visit("isolated", "{ threads: 1 }", "{ threads: 2 }", own, "{}");
  const [alone, ...others] = told;
  expect(alone).toMatchObject({ isolated: true, ready: [] });
  for (const { bits } of others) expect(bits).toEqual(alone?.bits);
  for (const { ready, tickets } of others.slice(0, 2)) {
    expect(ready).toEqual([1]);
    expect(tickets[0]).toBeGreaterThan(0);
  }
  // As many as there are cores, which may be one: all of them began.
  const byDefault = others[2]?.ready ?? [];
  expect(byDefault).toEqual(byDefault.map(() => byDefault.length));
  expect(warnings).toEqual([]);
  expect(left).toBe(0);
});

test("a page without the headers runs on one thread, to the same bits", async () => {
  const [[alone, asked]] = await visit("plain", "{ threads: 1 }", "{ threads: 2 }");
  expect(asked).toMatchObject({ isolated: false, ready: [], bits: alone?.bits });
});

test("a page without worker.js is told at once, and runs on one thread", async () => {
  const [[alone, asked], warnings] = await visit("missing", "{ threads: 1 }", "{ threads: 2 }");
  expect(asked).toMatchObject({ isolated: true, ready: [0], bits: alone?.bits });
  expect(warnings).toEqual([expect.stringContaining("could not be loaded")]);
});
