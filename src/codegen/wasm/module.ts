import { fuse } from "../../runtime/fuse.js";
import type { ScheduledModule } from "../../schedule/kernel/ir.js";
import { inParts } from "../parts.js";
import type { HostFunction, UsedFunctions } from "./calls.js";
import { encodeModule } from "./encode.js";
import { mathFunction } from "./functions.js";
import { hoistAddresses } from "./hoist.js";
import type { WasmFunction, WasmModule } from "./instruction.js";
import { wasmKernel } from "./kernel.js";
import { fused, unmarked } from "./madd.js";
import { alignLocals, shareLocals } from "./locals.js";
import { keepOnStack, spreadConstants } from "./shorten.js";
import { printWat } from "./text.js";

export interface WasmCode {
  readonly scheduled: ScheduledModule;
  /** Whether threads share its memory. */
  readonly isShared: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the runtime's `fuse` may be given the bytes: it finds products to fuse, and takes nothing else for one. */
  readonly isFusable: boolean;
  /** The text form, made when it is asked for. */
  readonly wat: string;
  /** Functions of the function table that the module calls in the host, over doubles, by the name of their import. */
  readonly hosts: ReadonlyMap<string, HostFunction>;
}

/** What may be left out here, which costs speed alone. */
export const WASM_SWITCHES = ["lanes", "hoist", "madd"] as const;

export interface WasmOptions {
  /** Names of optimisations to leave out. */
  readonly off?: readonly string[];
  /** Memory is shared, for threads; the schedule is one for them. */
  readonly isShared?: boolean;
  /** Locals are for whatever needs one, not each its own. */
  readonly isCompact?: boolean;
}

/** All kernels of a scheduled module as one WebAssembly module. */
export function emitWasm(
  scheduled: ScheduledModule,
  { off = [], isShared = false, isCompact = false }: WasmOptions = {},
): WasmCode {
  const used: UsedFunctions = { math: new Set(), hosts: new Map(), helpers: new Map() };
  const lanes = !off.includes("lanes");
  const { kernels: parted, twins } = inParts(scheduled.kernels.values());
  const made = parted.flatMap(({ kernel, calls, parts }) => {
    const twinNames = [...twins].flatMap(([name, twin]) => (twin === kernel.name ? [name] : []));
    const whole = wasmKernel(kernel, used, lanes, calls);
    return [
      ...parts.map((part) => ({ ...wasmKernel(part, used, lanes), exports: [] })),
      { ...whole, exports: [...whole.exports, ...twinNames] },
    ];
  });
  const hoisted = off.includes("hoist") ? made : made.map(hoistAddresses);
  const kernels = isCompact
    ? alignLocals(hoisted.map((fn) => shareLocals(keepOnStack(spreadConstants(fn)))))
    : hoisted;
  const written = [...[...used.math].map(mathFunction), ...used.helpers.values(), ...kernels];
  const module = (functions: readonly WasmFunction[]): WasmModule => ({
    isShared,
    imports: [...used.hosts].map(([name, { arity }]) => ({ name, arity })),
    functions,
  });
  const bytes = encodeModule(module(written));
  const found = fuse(bytes);
  // Numbers of a module may read like marks: then it goes without them.
  const isFusable =
    !off.includes("madd") &&
    !isEqual(found, bytes) &&
    isEqual(found, encodeModule(module(written.map(fused))));
  const shown = module(isFusable ? written : written.map(unmarked));
  return {
    scheduled,
    isShared,
    bytes: isFusable ? bytes : encodeModule(shown),
    isFusable,
    get wat() {
      return printWat(shown);
    },
    hosts: used.hosts,
  };
}
const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, n) => byte === b[n]);
