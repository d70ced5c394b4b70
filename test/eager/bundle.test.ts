import { build } from "esbuild";
import { expect, test } from "vitest";

/** The code of a page in a checkout that is built, where `gradc/eager` is what users import. */
async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

test("a bundle that imports one function has the methods of what it gives", async () => {
  const text = await bundled(`
    import { zeros } from "gradc/eager";
    globalThis.found = zeros([2, 3]).add_(1).T.matmul(zeros([2, 2])).exp().sum().item();
  `);
  new Function(text)();
  expect((globalThis as { found?: number }).found).toBe(6);
});
