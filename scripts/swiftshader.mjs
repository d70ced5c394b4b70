// SwiftShader's Vulkan library, for machines without a GPU: unpacked once from the package that carries it.
import { brotliDecompressSync } from "node:zlib";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";

/** Files of a tar archive: name, then contents. */
function* entriesOf(tar) {
  for (let at = 0; at + 512 <= tar.length;) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    if (!name) return;
    const size = parseInt(tar.toString("utf8", at + 124, at + 136), 8) || 0;
    yield [name, tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** @returns {Record<string, string> | undefined} variables to set before a process starts; undefined without the package */
export function softwareAdapterEnvironment() {
  let archive;
  try {
    const require = createRequire(import.meta.url);
    archive = join(dirname(require.resolve("@sparticuz/chromium")), "..", "..", "bin", "swiftshader.tar.br");
    for (
      let folder = dirname(require.resolve("@sparticuz/chromium"));
      !existsSync(archive) && folder !== dirname(folder);
      folder = dirname(folder)
    )
      archive = join(folder, "bin", "swiftshader.tar.br");
  } catch {
    return undefined;
  }
  const folder = join(dirname(archive), "..", "..", "..", ".cache", "gradc-swiftshader");
  if (!existsSync(join(folder, "vk_swiftshader_icd.json"))) {
    mkdirSync(folder, { recursive: true });
    for (const [name, data] of entriesOf(brotliDecompressSync(readFileSync(archive)))) {
      const file = name.split("/").pop();
      if (file && data.length) writeFileSync(join(folder, file), data, { mode: 0o755 });
    }
    if (existsSync(join(folder, "libvulkan.so.1")) === false)
      throw new Error("the SwiftShader archive holds no libvulkan.so.1");
  }
  const driver = join(folder, "vk_swiftshader_icd.json");
  return {
    VK_DRIVER_FILES: driver,
    VK_ICD_FILENAMES: driver,
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
  };
}
