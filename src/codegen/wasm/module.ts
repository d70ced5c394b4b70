import { fuse } from "../../runtime/fuse.js";
import type { ScheduledModule } from "../../schedule/kernel/ir.js";
import { inParts } from "../parts.js";
import type { HostFunction, UsedFunctions } from "./calls.js";
import { encodeModule } from "./encode.js";
import { mathFunction } from "./functions.js";
import { hoistAddresses } from "./hoist.js";
import type { Instruction, Opcode, WasmFunction, WasmModule } from "./instruction.js";
import { get, i32, op, set } from "./instruction.js";
import { wasmKernel } from "./kernel.js";
import { fused, unmarked } from "./madd.js";
import { productFunction } from "./product.js";
import { alignLocals, shareLocals } from "./locals.js";
import { keepOnStack, spreadConstants } from "./shorten.js";
import { printWat } from "./text.js";

export interface WasmCode {
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

/**
 * All kernels of a scheduled module as one WebAssembly module. `off` names optimisations to leave out; memory is shared for
 * threads; what is compact has locals for whatever needs one, not each its own.
 */
export function emitWasm(
  scheduled: ScheduledModule,
  off: readonly string[] = [],
  isShared = false,
  isCompact = false,
): WasmCode {
  const used: UsedFunctions = { math: new Set(), hosts: new Map(), helpers: new Set() };
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
  const written = [
    ...[...used.math].map(mathFunction),
    ...[...used.helpers].map((name) => productFunction(name) ?? integerHelper(name)),
    ...kernels,
  ];
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

/** Quotients that round down and remainders of the divisor's sign; by 0: 0 and the dividend. */
function integerHelper(name: string): WasmFunction {
  const [a, b, r] = [get("a"), get("b"), get("r")];
  const signed = name.endsWith("i32");
  const suffix = signed ? "_s" : "_u";
  const quotient = op(`i32.div${suffix}` as Opcode, a, b);
  // The remainder has the dividend's sign; -1 as divisor never reaches div_s, which traps on -2^31 / -1.
  const off = op("i32.and", op("i32.ne", r, i32(0)), op("i32.lt_s", op("i32.xor", r, b), i32(0)));
  const remainder = set("r", op(`i32.rem${suffix}` as Opcode, a, b));
  const isFloor = name.startsWith("floor_div");
  const zero = op("i32.eqz", b);
  const general: Instruction[] = !signed
    ? [isFloor ? quotient : op("i32.rem_u", a, b)]
    : isFloor
      ? [
          {
            kind: "if",
            condition: op("i32.eq", b, i32(-1)),
            then: [op("i32.sub", i32(0), a)],
            else: [remainder, op("i32.sub", quotient, off)],
            result: "i32",
          },
        ]
      : [remainder, op("i32.add", r, op("select", b, i32(0), off))];
  return {
    name,
    parameters: [
      { name: "a", type: "i32" },
      { name: "b", type: "i32" },
    ],
    result: "i32",
    locals: [{ name: "r", type: "i32" }],
    body: [{ kind: "if", condition: zero, then: [isFloor ? i32(0) : a], else: general, result: "i32" }],
    exports: [],
    notes: [isFloor ? "quotient, rounded down; 0 by 0" : "remainder of the divisor's sign"],
  };
}
