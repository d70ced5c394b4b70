import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "./usage.js";

/** Set in the process that was started again with a software driver, so that it does not start a third. */
const AGAIN = "GRADC_SOFTWARE_ADAPTER";

/**
 * Makes `navigator.gpu` available from the optional package `webgpu`. Where no adapter answers and the software
 * driver of the development setup is there, starts this command again with it, as the driver is chosen by variables
 * that are read at the start of a process.
 * @returns the exit status of that second process, or null to go on in this one
 * @throws UserError where there is no WebGPU
 */
export async function prepareWebGpu(): Promise<number | null> {
  let gpu: GPU;
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    gpu = create([]);
  } catch {
    throw new UserError("no WebGPU here: install the package `webgpu` beside gradc", "GRAD6020");
  }
  if (await gpu.requestAdapter()) {
    Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
    return null;
  }
  const helper = fileURLToPath(new URL("../../scripts/swiftshader.mjs", import.meta.url));
  if (process.env[AGAIN] || !existsSync(helper)) throw new UserError("no WebGPU adapter answers", "GRAD6020");
  const {
    softwareAdapterEnvironment,
  }: { softwareAdapterEnvironment: () => Record<string, string> | undefined } = await import(
    pathToFileURL(helper).href
  );
  const extra = softwareAdapterEnvironment();
  if (!extra) throw new UserError("no WebGPU adapter answers", "GRAD6020");
  const { status } = spawnSync(process.execPath, process.argv.slice(1), {
    stdio: "inherit",
    env: { ...process.env, ...extra, [AGAIN]: "1" },
  });
  return status ?? 1;
}
