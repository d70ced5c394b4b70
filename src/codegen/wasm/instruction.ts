/**
 * WebAssembly as trees: what the generator makes, the text printer shows and the encoder writes. Names stand for
 * locals, functions and labels; both back ends number them in the same way.
 */
export type WasmType = "i32" | "f32" | "f64" | "v128";

export type Instruction =
  | {
      readonly kind: "op";
      readonly op: Opcode;
      readonly args: readonly Instruction[];
      /** Loads and stores: constant byte offset. */
      readonly offset?: number;
      /** Lane number of an extract or replace. */
      readonly lane?: number;
      /** A shuffle: which of the eight 32-bit lanes of its two operands make up the four of the result. */
      readonly picks?: readonly number[];
    }
  | { readonly kind: "const"; readonly type: "i32" | "f32" | "f64"; readonly value: number }
  | { readonly kind: "lanes"; readonly type: "i32x4" | "f32x4"; readonly values: readonly number[] }
  | { readonly kind: "get"; readonly local: string }
  | { readonly kind: "set" | "tee"; readonly local: string; readonly value: Instruction }
  | { readonly kind: "call"; readonly fn: string; readonly args: readonly Instruction[] }
  /** `rounds`: how many there are, as far as costs go. */
  | {
      readonly kind: "loop";
      readonly label: string;
      readonly body: readonly Instruction[];
      readonly rounds?: number;
    }
  | {
      readonly kind: "if";
      readonly condition: Instruction;
      readonly then: readonly Instruction[];
      readonly else: readonly Instruction[];
      /** Absent: the arms leave nothing. */
      readonly result?: WasmType;
    }
  /** Back to the beginning of a loop around, where the condition holds. */
  | { readonly kind: "br_if"; readonly label: string; readonly condition: Instruction }
  | { readonly kind: "comment"; readonly text: string };

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: WasmType }[];
  readonly result: WasmType | null;
  readonly locals: readonly { readonly name: string; readonly type: WasmType }[];
  readonly body: readonly Instruction[];
  /** What the host knows it by. */
  readonly exports: readonly string[];
  /** Lines for a reader of the text. */
  readonly notes: readonly string[];
}
/** A function of the host, over doubles. */
export interface WasmImport {
  readonly name: string;
  readonly arity: number;
}
/** One memory, imported as `env.memory`; host functions as `host.NAME`. */
export interface WasmModule {
  /** Whether threads share its memory. */
  readonly isShared: boolean;
  readonly imports: readonly WasmImport[];
  readonly functions: readonly WasmFunction[];
}

/** Opcodes by their names in the text format (WebAssembly core specification 2.0, section 5.4). 0xfc and 0xfd prefix. */
export const OPCODES = {
  nop: [0x01],
  select: [0x1b],
  "memory.size": [0x3f],
  "i32.load": [0x28],
  "f32.load": [0x2a],
  "f64.load": [0x2b],
  "i32.load8_u": [0x2d],
  "i32.store": [0x36],
  "f32.store": [0x38],
  "f64.store": [0x39],
  "i32.store8": [0x3a],
  "i32.eqz": [0x45],
  "i32.eq": [0x46],
  "i32.ne": [0x47],
  "i32.lt_s": [0x48],
  "i32.lt_u": [0x49],
  "i32.gt_s": [0x4a],
  "i32.le_s": [0x4c],
  "i32.le_u": [0x4d],
  "i32.ge_s": [0x4e],
  "f32.eq": [0x5b],
  "f32.ne": [0x5c],
  "f32.lt": [0x5d],
  "f32.le": [0x5f],
  "f64.eq": [0x61],
  "f64.ne": [0x62],
  "f64.lt": [0x63],
  "f64.le": [0x65],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.div_s": [0x6d],
  "i32.div_u": [0x6e],
  "i32.rem_s": [0x6f],
  "i32.rem_u": [0x70],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.xor": [0x73],
  "i32.shl": [0x74],
  "i32.shr_s": [0x75],
  "i32.shr_u": [0x76],
  "f32.abs": [0x8b],
  "f32.neg": [0x8c],
  "f32.ceil": [0x8d],
  "f32.floor": [0x8e],
  "f32.trunc": [0x8f],
  "f32.nearest": [0x90],
  "f32.sqrt": [0x91],
  "f32.add": [0x92],
  "f32.sub": [0x93],
  "f32.mul": [0x94],
  "f32.div": [0x95],
  "f32.min": [0x96],
  "f32.max": [0x97],
  "f64.abs": [0x99],
  "f64.neg": [0x9a],
  "f64.ceil": [0x9b],
  "f64.floor": [0x9c],
  "f64.trunc": [0x9d],
  "f64.nearest": [0x9e],
  "f64.sqrt": [0x9f],
  "f64.add": [0xa0],
  "f64.sub": [0xa1],
  "f64.mul": [0xa2],
  "f64.div": [0xa3],
  "f64.min": [0xa4],
  "f64.max": [0xa5],
  "f32.convert_i32_s": [0xb2],
  "f32.convert_i32_u": [0xb3],
  "f32.demote_f64": [0xb6],
  "f64.convert_i32_s": [0xb7],
  "f64.convert_i32_u": [0xb8],
  "f64.promote_f32": [0xbb],
  "i32.trunc_sat_f32_s": [0xfc, 0],
  "i32.trunc_sat_f32_u": [0xfc, 1],
  "i32.trunc_sat_f64_s": [0xfc, 2],
  "i32.trunc_sat_f64_u": [0xfc, 3],
  "v128.load": [0xfd, 0x00],
  "v128.load32_splat": [0xfd, 0x09],
  "v128.load64_splat": [0xfd, 0x0a],
  "v128.store": [0xfd, 0x0b],
  "v128.load32_lane": [0xfd, 0x56],
  "v128.store32_lane": [0xfd, 0x5a],
  "v128.load32_zero": [0xfd, 0x5c],
  "i8x16.shuffle": [0xfd, 0x0d],
  "i32x4.splat": [0xfd, 0x11],
  "f32x4.splat": [0xfd, 0x13],
  "i32x4.extract_lane": [0xfd, 0x1b],
  "i32x4.replace_lane": [0xfd, 0x1c],
  "f32x4.extract_lane": [0xfd, 0x1f],
  "f32x4.replace_lane": [0xfd, 0x20],
  "i32x4.eq": [0xfd, 0x37],
  "i32x4.ne": [0xfd, 0x38],
  "i32x4.lt_s": [0xfd, 0x39],
  "i32x4.lt_u": [0xfd, 0x3a],
  "i32x4.le_s": [0xfd, 0x3d],
  "i32x4.le_u": [0xfd, 0x3e],
  "f32x4.eq": [0xfd, 0x41],
  "f32x4.ne": [0xfd, 0x42],
  "f32x4.lt": [0xfd, 0x43],
  "f32x4.le": [0xfd, 0x45],
  "v128.not": [0xfd, 0x4d],
  "v128.and": [0xfd, 0x4e],
  "v128.or": [0xfd, 0x50],
  "v128.bitselect": [0xfd, 0x52],
  "f32x4.demote_f64x2_zero": [0xfd, 0x5e],
  "f64x2.promote_low_f32x4": [0xfd, 0x5f],
  "f32x4.ceil": [0xfd, 0x67],
  "f32x4.floor": [0xfd, 0x68],
  "f32x4.trunc": [0xfd, 0x69],
  "f32x4.nearest": [0xfd, 0x6a],
  "i32x4.shl": [0xfd, 0xab],
  "i32x4.shr_s": [0xfd, 0xac],
  "i32x4.shr_u": [0xfd, 0xad],
  "i32x4.add": [0xfd, 0xae],
  "i32x4.sub": [0xfd, 0xb1],
  "i32x4.mul": [0xfd, 0xb5],
  "i32x4.min_s": [0xfd, 0xb6],
  "i32x4.min_u": [0xfd, 0xb7],
  "i32x4.max_s": [0xfd, 0xb8],
  "i32x4.max_u": [0xfd, 0xb9],
  "f32x4.abs": [0xfd, 0xe0],
  "f32x4.neg": [0xfd, 0xe1],
  "f32x4.sqrt": [0xfd, 0xe3],
  "f32x4.add": [0xfd, 0xe4],
  "f32x4.sub": [0xfd, 0xe5],
  "f32x4.mul": [0xfd, 0xe6],
  "f32x4.div": [0xfd, 0xe7],
  "f32x4.min": [0xfd, 0xe8],
  "f32x4.max": [0xfd, 0xe9],
  "f32x4.pmin": [0xfd, 0xea],
  "f32x4.pmax": [0xfd, 0xeb],
  "f64x2.add": [0xfd, 0xf0],
  "f64x2.mul": [0xfd, 0xf2],
  "i32x4.trunc_sat_f32x4_s": [0xfd, 0xf8],
  "i32x4.trunc_sat_f32x4_u": [0xfd, 0xf9],
  "f32x4.convert_i32x4_s": [0xfd, 0xfa],
  "f32x4.convert_i32x4_u": [0xfd, 0xfb],
  "f32x4.relaxed_madd": [0xfd, 0x105],
  "f64x2.relaxed_madd": [0xfd, 0x107],
} as const satisfies Readonly<Record<string, readonly [number] | readonly [number, number]>>;
export type Opcode = keyof typeof OPCODES;

/** log2 of the natural alignment of a load or store; undefined for other instructions. */
export function alignment(op: Opcode): number | undefined {
  if (/^i32\.(load|store)8/.test(op)) return 0;
  if (/^v128\.(load|store)32_/.test(op)) return 2;
  if (op === "v128.load64_splat") return 3;
  const [, type] = /^(i32|f32|f64|v128)\.(load|store)/.exec(op) ?? [];
  return type === undefined ? undefined : { i32: 2, f32: 2, f64: 3, v128: 4 }[type];
}

/** What an instruction is made of, in the order in which it runs. */
export function parts(i: Instruction): readonly Instruction[] {
  switch (i.kind) {
    case "op":
    case "call":
      return i.args;
    case "set":
    case "tee":
      return [i.value];
    case "loop":
      return i.body;
    case "if":
      return [i.condition, ...i.then, ...i.else];
    case "br_if":
      return [i.condition];
    case "const":
    case "lanes":
    case "get":
    case "comment":
      return NONE;
  }
}
const NONE: readonly Instruction[] = [];
/** An instruction with each of its parts, and then itself, replaced. */
export function mapped(i: Instruction, each: (i: Instruction) => Instruction): Instruction {
  const one = (part: Instruction): Instruction => mapped(part, each);
  switch (i.kind) {
    case "op":
    case "call":
      return each({ ...i, args: i.args.map(one) });
    case "set":
    case "tee":
      return each({ ...i, value: one(i.value) });
    case "loop":
      return each({ ...i, body: i.body.map(one) });
    case "if":
      return each({ ...i, condition: one(i.condition), then: i.then.map(one), else: i.else.map(one) });
    case "br_if":
      return each({ ...i, condition: one(i.condition) });
    case "const":
    case "lanes":
    case "get":
    case "comment":
      return each(i);
  }
}
/** All instructions of a list, each before its parts. */
export function visit(list: readonly Instruction[], each: (i: Instruction) => void): void {
  for (const i of list) {
    each(i);
    visit(parts(i), each);
  }
}

export const op = (name: Opcode, ...args: Instruction[]): Instruction => ({ kind: "op", op: name, args });
export const i32 = (value: number): Instruction => ({ kind: "const", type: "i32", value });
export const f32 = (value: number): Instruction => ({ kind: "const", type: "f32", value });
export const f64 = (value: number): Instruction => ({ kind: "const", type: "f64", value });
export const get = (local: string): Instruction => ({ kind: "get", local });
export const set = (local: string, value: Instruction): Instruction => ({ kind: "set", local, value });
export const call = (fn: string, ...args: Instruction[]): Instruction => ({ kind: "call", fn, args });
/** Four 32-bit lanes of two vectors: those of the second are counted from 4 on. */
export const shuffle = (a: Instruction, b: Instruction, ...picks: number[]): Instruction => ({
  kind: "op",
  op: "i8x16.shuffle",
  args: [a, b],
  picks,
});
/** The bytes that a shuffle names. */
export const shuffledBytes = (picks: readonly number[]): number[] =>
  picks.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));
export const lanes = (type: "i32x4" | "f32x4", ...values: number[]): Instruction => ({
  kind: "lanes",
  type,
  values,
});
