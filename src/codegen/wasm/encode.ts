import { invariant } from "../../diagnostics/invariant.js";
import {
  alignment,
  type Instruction,
  OPCODES,
  type WasmFunction,
  type WasmModule,
  type WasmType,
  shuffledBytes,
} from "./instruction.js";

/**
 * The module in the binary format (WebAssembly core specification 2.0, chapter 5). Compiling is synchronous and has
 * no assembler to load; a test holds the bytes against wabt's for the printed text.
 */
export function encodeModule(module: WasmModule): Uint8Array<ArrayBuffer> {
  const types = new Types();
  const functions = new Map<string, number>();
  const imports = module.imports.map((i) => {
    functions.set(`host.${i.name}`, functions.size);
    return [
      ...text("host"),
      ...text(i.name),
      0x00,
      ...unsigned(types.of(new Array<WasmType>(i.arity).fill("f64"), "f64")),
    ];
  });
  // Limits: at least a page; of shared memory also the most, all that there can be.
  const limits = module.isShared ? [0x03, ...unsigned(1), ...unsigned(65536)] : [0x00, ...unsigned(1)];
  imports.push([...text("env"), ...text("memory"), 0x02, ...limits]);
  for (const fn of module.functions) functions.set(fn.name, functions.size);
  const signatures = module.functions.map((fn) =>
    unsigned(
      types.of(
        fn.parameters.map((p) => p.type),
        fn.result,
      ),
    ),
  );
  const exports = module.functions.flatMap((fn) =>
    fn.exports.map((name) => [...text(name), 0x00, ...unsigned(functions.get(fn.name) ?? 0)]),
  );
  const bodies = module.functions.map((fn) => {
    const body = functionBody(fn, functions);
    return [...unsigned(body.length), ...body];
  });
  const sections: readonly (readonly [number, readonly (readonly number[])[]])[] = [
    [1, types.list],
    [2, imports],
    [3, signatures],
    [7, exports],
    [10, bodies],
  ];
  const bytes: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const [id, entries] of sections) {
    if (entries.length === 0) continue;
    const count = unsigned(entries.length);
    const length = entries.reduce((n, e) => n + e.length, count.length);
    bytes.push(id, ...unsigned(length), ...count);
    for (const entry of entries) for (const byte of entry) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

const TYPE_BYTES: Readonly<Record<WasmType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

class Types {
  readonly list: number[][] = [];
  private readonly known = new Map<string, number>();
  of(parameters: readonly WasmType[], result: WasmType | null): number {
    const key = `${parameters.join(" ")} -> ${result ?? ""}`;
    const old = this.known.get(key);
    if (old !== undefined) return old;
    const results = result ? [TYPE_BYTES[result]] : [];
    this.list.push([
      0x60,
      ...unsigned(parameters.length),
      ...parameters.map((p) => TYPE_BYTES[p]),
      ...unsigned(results.length),
      ...results,
    ]);
    this.known.set(key, this.list.length - 1);
    return this.list.length - 1;
  }
}

function functionBody(fn: WasmFunction, functions: ReadonlyMap<string, number>): number[] {
  const locals = new Map([...fn.parameters, ...fn.locals].map(({ name }, k) => [name, k]));
  const groups: { count: number; type: WasmType }[] = [];
  for (const { type } of fn.locals) {
    const last = groups[groups.length - 1];
    if (last?.type === type) last.count++;
    else groups.push({ count: 1, type });
  }
  const bytes = [
    ...unsigned(groups.length),
    ...groups.flatMap((g) => [...unsigned(g.count), TYPE_BYTES[g.type]]),
  ];
  new Code(locals, functions, bytes).all(fn.body);
  bytes.push(0x0b);
  return bytes;
}

class Code {
  /** Of the loops around, the outermost first; an `if` counts, but has none. */
  private readonly labels: string[] = [];
  constructor(
    private readonly locals: ReadonlyMap<string, number>,
    private readonly functions: ReadonlyMap<string, number>,
    private readonly out: number[],
  ) {}

  all(list: readonly Instruction[]): void {
    for (const i of list) this.one(i);
  }
  private one(i: Instruction): void {
    switch (i.kind) {
      case "comment":
        return;
      case "const":
        if (i.type === "i32") this.out.push(0x41, ...signed(i.value));
        else this.out.push(i.type === "f32" ? 0x43 : 0x44, ...floatBytes(i.value, i.type));
        return;
      case "lanes":
        this.out.push(0xfd, 0x0c);
        for (const v of i.values)
          this.out.push(...(i.type === "f32x4" ? floatBytes(v, "f32") : wordBytes(v)));
        return;
      case "get":
        this.out.push(0x20, ...this.number(this.locals, i.local));
        return;
      case "set":
      case "tee":
        this.one(i.value);
        this.out.push(i.kind === "set" ? 0x21 : 0x22, ...this.number(this.locals, i.local));
        return;
      case "call":
        this.all(i.args);
        this.out.push(0x10, ...this.number(this.functions, i.fn));
        return;
      case "loop":
        this.out.push(0x03, 0x40);
        this.labels.push(i.label);
        this.all(i.body);
        this.labels.pop();
        this.out.push(0x0b);
        return;
      case "if":
        this.one(i.condition);
        this.out.push(0x04, i.result ? TYPE_BYTES[i.result] : 0x40);
        this.labels.push("");
        this.all(i.then);
        if (i.else.length) {
          this.out.push(0x05);
          this.all(i.else);
        }
        this.labels.pop();
        this.out.push(0x0b);
        return;
      case "br_if":
        this.one(i.condition);
        this.out.push(0x0d, ...unsigned(this.labels.length - 1 - this.labels.lastIndexOf(i.label)));
        return;
      case "op": {
        this.all(i.args);
        const [first, second] = OPCODES[i.op] as readonly [number, number?];
        this.out.push(first);
        if (second !== undefined) this.out.push(...unsigned(second));
        const align = alignment(i.op);
        if (align !== undefined) this.out.push(align, ...unsigned(i.offset ?? 0));
        if (i.lane !== undefined) this.out.push(i.lane);
        if (i.picks) this.out.push(...shuffledBytes(i.picks));
        if (i.op === "memory.size") this.out.push(0x00);
        return;
      }
    }
  }
  private number(map: ReadonlyMap<string, number>, name: string): number[] {
    const found = map.get(name);
    invariant(found !== undefined, `${name} is declared`);
    return unsigned(found);
  }
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return bytes;
}
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(byte & 0x40)) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}
function floatBytes(value: number, type: "f32" | "f64"): number[] {
  return [...new Uint8Array((type === "f32" ? Float32Array.of(value) : Float64Array.of(value)).buffer)];
}
const wordBytes = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)];
function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}
