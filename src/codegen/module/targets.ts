import { SCALARS } from "../../ir/scalar/table.js";
import type { ScheduledModule } from "../../schedule/kernel/ir.js";
import { inParts } from "../parts.js";
import type { WasmCode } from "../wasm/module.js";
import { compactWgsl } from "../wgsl/compact.js";
import { printWgslKernel } from "../wgsl/kernel.js";
import { toBase64, toDense } from "./binary.js";
import { dataText } from "./data.js";
import { mappedKernels, type ModuleText } from "./source-map.js";

/** A target in the text of a module. */
export interface TargetText {
  readonly backend: "webgpu" | "wasm" | "js";
  readonly scheduled: ScheduledModule;
  /** Whether calls of its kernels end in the number of invocations. */
  readonly countsInvocations: boolean;
  /** What it takes from the runtime. */
  readonly imports: readonly string[];
  /** JavaScript of it, which may call helper functions. */
  readonly script: string;
  /** Adds its kernels. */
  write(text: ModuleText): void;
  /** Makes its device, by the name of its entry points. */
  device(entries: string): string;
}

export function jsText(scheduled: ScheduledModule): TargetText {
  const { kernels: parted, twins } = inParts(scheduled.kernels.values());
  const lines = mappedKernels(scheduled, parted);
  const named = [...scheduled.kernels.keys()].map((kernel) => {
    const twin = twins.get(kernel);
    return twin === undefined ? kernel : `${kernel}: ${twin}`;
  });
  return {
    backend: "js",
    scheduled,
    countsInvocations: false,
    imports: ["jsDevice"],
    script: lines.map((line) => line.text).join("\n"),
    write(text) {
      for (const line of lines) text.add(line.text, line.span);
      text.add(`const kernels = ${listText(named)};\n`);
    },
    device: (entries) => `jsDevice(kernels, ${entries})`,
  };
}

export function wasmText(code: WasmCode, isCompact: boolean): TargetText {
  const { scheduled, isFusable, isShared } = code;
  const decode = isCompact ? "fromDense" : "fromBase64";
  const hosts = hostText(code);
  return {
    backend: "wasm",
    scheduled,
    countsInvocations: false,
    imports: ["wasmDevice", decode, ...(isFusable ? ["fusing"] : []), ...(isShared ? ["threadPool"] : [])],
    script: hosts,
    write(text) {
      const bytes = isCompact ? toDense(code.bytes) : toBase64(code.bytes);
      text.add(`const wasm = "${bytes}";\nconst host = {${hosts && `\n${hosts}`}};\n`);
    },
    device: (entries) =>
      `wasmDevice(${isFusable ? `fusing(${decode})` : decode}, wasm, host, ${entries}${isShared ? ", threadPool" : ""})`,
  };
}

/** @param halves what the device takes from the runtime for f16, if there is any */
export function wgslText(
  scheduled: ScheduledModule,
  isCompact: boolean,
  halves: readonly string[],
): TargetText {
  return {
    backend: "webgpu",
    scheduled,
    countsInvocations: true,
    imports: ["webgpuDevice"],
    script: "",
    write(text) {
      const shaders = [...scheduled.kernels].map(([name, kernel]) => {
        const shader = printWgslKernel(kernel);
        return [name, isCompact ? compactWgsl(shader) : shader];
      });
      text.add(`const shaders = ${dataText(Object.fromEntries(shaders))};\n`);
    },
    device: (entries) =>
      `webgpuDevice(shaders, ${entries}${halves.length ? `, { ${halves.join(", ")} }` : ""})`,
  };
}
/** What a device of WebGPU needs where kernels have f16. */
export const halvesOf = ({ kernels }: ScheduledModule): readonly string[] =>
  [...kernels.values()].some(({ buffers }) => buffers.some(({ dtype }) => dtype === "f16"))
    ? ["floatToHalf", "halfToFloat"]
    : [];

/** The host functions of a wasm module, over doubles. */
function hostText(wasm: WasmCode): string {
  return [...wasm.hosts]
    .map(([imported, { name, arity }]) => {
      const parameters = Array.from({ length: arity }, (_, k) => `x${k}`);
      const body = SCALARS[name]?.js.expression(parameters, "f64") ?? "NaN";
      return `  ${imported}: (${parameters.join(", ")}) => ${body},\n`;
    })
    .join("");
}

function listText(names: readonly string[]): string {
  const line = `{ ${names.join(", ")} }`;
  return line.length < 90 ? line : `{\n${names.map((n) => `  ${n},\n`).join("")}}`;
}
