import chromium from "@sparticuz/chromium";
import { execFileSync } from "node:child_process";
import { chromium as playwright, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { graph, randn, tensor } from "../../src/eager/index.js";

let browser: Browser;
beforeAll(async () => {
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ["--no-sandbox"],
    headless: true,
  });
}, 120_000);
afterAll(async () => browser?.close());

async function eagerGraph(): Promise<string> {
  const [w, v] = [randn([3, 4], { seed: 1 }).requiresGrad_(), randn([4, 1], { seed: 2 }).requiresGrad_()];
  const [bias, scale] = [randn([4], { seed: 3 }).requiresGrad_(), tensor(2, { requiresGrad: true })];
  const hidden = randn([5, 3], { seed: 4 }).matmul(w).add(bias).relu();
  const loss = hidden.matmul(v).mul(scale).add(scale.sin()).square().mean();
  return graph(loss, { names: { w, v, bias, scale } }).svg();
}
const emitted = (file: string): string =>
  execFileSync(process.execPath, ["dist/cli.js", "emit", file, "--stage", "svg"], { encoding: "utf8" });

test.each([
  ["the eager engine's graph", eagerGraph],
  ["emit --stage svg of a network", () => emitted("test/models/mlp.grad")],
  ["emit --stage svg of a recurrence", () => emitted("test/models/lotka_volterra.grad")],
])("%s can be read: no label is cut off, wider than its node or over another", async (_, draw) => {
  const svg = await draw();
  const page = await browser.newPage();
  await page.setContent(svg.slice(svg.indexOf("<svg")));
  const faults = await page.evaluate(() => {
    const picture = document.querySelector("svg")!.getBoundingClientRect();
    const texts = [...document.querySelectorAll("text")];
    const boxes = texts.map((t) => t.getBoundingClientRect());
    const inside = (a: DOMRect, b: DOMRect): boolean =>
      a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
    const over = (a: DOMRect, b: DOMRect): boolean =>
      a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
    const found: string[] = texts.length ? [] : ["there are no labels"];
    texts.forEach((text, k) => {
      const label = text.textContent ?? "";
      if (!inside(boxes[k]!, picture)) found.push(`${label} is cut off`);
      const shape = text.closest(".node")?.querySelector("polygon, ellipse, path");
      const own = shape?.getBoundingClientRect();
      if (own && (boxes[k]!.left < own.left || boxes[k]!.right > own.right))
        found.push(`${label} is wider than its node`);
      boxes.slice(0, k).forEach((box, j) => {
        if (over(boxes[k]!, box)) found.push(`${label} is over ${texts[j]!.textContent}`);
      });
    });
    return found;
  });
  await page.close();
  expect(faults).toEqual([]);
});
