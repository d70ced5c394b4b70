import chromium from "@sparticuz/chromium";
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { chromium as playwright, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../../dist/index.js";
import { grad } from "../../dist/plugins/esbuild.js";
import { loadDigits } from "../../examples/digits/data.mjs";
import { instantiate } from "../../dist/cli/model.js";

const RUNTIME = resolve("dist/runtime/index.js");
const COUNT = 200;
let server: Server;
let browser: Browser;
let address = "";

/** Weights after 400 steps, and the first test images. */
async function files(): Promise<Map<string, { type: string; body: Uint8Array | string }>> {
  const { train, test: held } = loadDigits();
  const result = compile(readFileSync("examples/digits/digits.grad", "utf8"), {
    filename: "digits.grad",
    runtimeImport: RUNTIME,
  });
  const model = await instantiate(result, { backend: "js", seed: 1 });
  for (let k = 0; k < 400; k++)
    model.step(
      { x: train.x.slice(k * 64 * 784, (k + 1) * 64 * 784), label: train.label.slice(k * 64, (k + 1) * 64) },
      { rate: 2e-3 },
    );
  const weights = await model.store.save();
  const { outputFiles } = await build({
    entryPoints: ["examples/digits/page/app.js"],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    logLevel: "silent",
    plugins: [grad({ runtimeImport: RUNTIME })],
  });
  return new Map([
    ["/", { type: "text/html", body: readFileSync("examples/digits/page/index.html", "utf8") }],
    ["/app.bundle.js", { type: "text/javascript", body: outputFiles[0]?.text ?? "" }],
    ["/digits.safetensors", { type: "application/octet-stream", body: weights }],
    [
      "/pixels.bin",
      {
        type: "application/octet-stream",
        body: Uint8Array.from(held.x.slice(0, COUNT * 784), (v: number) => Math.round(v * 255)),
      },
    ],
    ["/labels.bin", { type: "application/octet-stream", body: Uint8Array.from(held.label.slice(0, COUNT)) }],
  ]);
}

beforeAll(async () => {
  const served = await files();
  server = createServer((request, response) => {
    const found = served.get(new URL(request.url ?? "/", "http://localhost").pathname);
    response.writeHead(found ? 200 : 404, {
      "Content-Type": found?.type ?? "text/plain",
      "Content-Security-Policy": "script-src 'self'",
    });
    response.end(found?.body ?? "");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  address = `http://localhost:${(server.address() as AddressInfo).port}`;
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--enable-features=Vulkan",
      "--use-vulkan=swiftshader",
      "--use-webgpu-adapter=swiftshader",
      "--disable-gpu-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    headless: true,
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  server?.close();
});

for (const backend of ["js", "webgpu"])
  test(`a page under script-src 'self' classifies digits on ${backend}`, async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("console", (m) => m.type() === "error" && problems.push(m.text()));
    await page.goto(`${address}/?backend=${backend}`);
    await page.waitForSelector("#status[data-done]", { timeout: 40_000 });
    const status = (await page.textContent("#status")) ?? "";
    if (process.env["GRADC_SCREENSHOT"])
      await page.screenshot({ path: `${process.env["GRADC_SCREENSHOT"]}-${backend}.png` });
    expect(problems.filter((p) => /Content Security|eval/i.test(p))).toEqual([]);
    expect(status).toMatch(new RegExp(`^${backend}: `));
    expect(Number(/([\d.]+) %/.exec(status)?.[1])).toBeGreaterThan(85);
    await page.close();
  }, 60_000);
