import type { Instruction, WasmFunction, WasmType } from "./instruction.js";
import { mapped, parts } from "./instruction.js";

/** A list of instructions that runs as a whole: a function's body, a loop's, or what only some runs come to. */
interface Region {
  readonly kind: "all" | "loop" | "some";
  readonly begin: number;
  end: number;
}
/** From the first place at which a local's value counts to the last one. */
interface Life {
  readonly local: string;
  readonly begin: number;
  readonly end: number;
}
interface Mention {
  readonly at: number;
  readonly isSet: boolean;
  readonly within: readonly Region[];
}

/**
 * Locals whose values are never wanted at the same time become one: the binary is shorter, and what its functions have in
 * common shows. A local's first name is kept.
 */
export function shareLocals(fn: WasmFunction): WasmFunction {
  const mentions = mentionsIn(fn.body);
  const names = new Map<string, string>();
  const kept: WasmFunction["locals"][number][] = [];
  const types = new Set(fn.locals.map(({ type }) => type));
  for (const type of types) {
    const lives = fn.locals
      .filter((l) => l.type === type)
      .map(({ name }) => lifeOf(name, mentions.get(name) ?? []))
      .sort((a, b) => a.begin - b.begin || a.end - b.end);
    const rooms: { readonly name: string; until: number }[] = [];
    for (const { local, begin, end } of lives) {
      const free = rooms.find(({ until }) => until < begin);
      if (free) free.until = end;
      else {
        rooms.push({ name: local, until: end });
        kept.push({ name: local, type });
      }
      names.set(local, free?.name ?? local);
    }
  }
  const rename = (i: Instruction): Instruction =>
    "local" in i ? { ...i, local: names.get(i.local) ?? i.local } : i;
  return { ...fn, locals: kept, body: fn.body.map((i) => mapped(i, rename)) };
}

function mentionsIn(body: readonly Instruction[]): ReadonlyMap<string, readonly Mention[]> {
  const found = new Map<string, Mention[]>();
  let at = 0;
  const region = (kind: Region["kind"], list: readonly Instruction[], outer: readonly Region[]): void => {
    const own: Region = { kind, begin: at, end: at };
    const within = [...outer, own];
    for (const i of list) walk(i, within);
    own.end = at;
  };
  const mention = (local: string, isSet: boolean, within: readonly Region[]): void => {
    const list = found.get(local) ?? [];
    list.push({ at: at++, isSet, within });
    found.set(local, list);
  };
  const walk = (i: Instruction, within: readonly Region[]): void => {
    switch (i.kind) {
      case "get":
        return mention(i.local, false, within);
      case "set":
      case "tee":
        walk(i.value, within);
        return mention(i.local, true, within);
      case "loop":
        return region("loop", i.body, within);
      case "if":
        walk(i.condition, within);
        region("some", i.then, within);
        return region("some", i.else, within);
      default:
        for (const part of parts(i)) walk(part, within);
    }
  };
  region("all", body, []);
  return found;
}

/**
 * Where what holds all mentions begins by setting the local, its value is of that run alone; else it may be an earlier
 * iteration's, or the 0 that it begins with. What a loop reads that is set outside of it counts until the loop ends.
 */
function lifeOf(local: string, mentions: readonly Mention[]): Life {
  const first = mentions[0];
  const last = mentions.at(-1);
  if (!first || !last) return { local, begin: 0, end: 0 };
  const common = first.within.filter((region) => mentions.every(({ within }) => within.includes(region)));
  let { at: begin } = first;
  let { at: end } = last;
  for (const { within } of mentions)
    for (const region of within)
      if (region.kind === "loop" && !common.includes(region)) {
        begin = Math.min(begin, region.begin);
        end = Math.max(end, region.end);
      }
  // A loop's body runs once at least.
  const isOwn =
    first.isSet && first.within.every((region) => common.includes(region) || region.kind === "loop");
  if (!isOwn) {
    begin = 0;
    for (const region of common) if (region.kind === "loop") end = Math.max(end, region.end);
  }
  return { local, begin, end };
}

const TYPES = ["i32", "f32", "f64", "v128"] as const;
/** Locals whose numbers take one byte. */
const ONE_BYTE = 128;

/**
 * Functions whose locals have the same numbers, kind by kind, however many parameters and locals each has: what functions
 * have in common is then the same bytes. What they lack is made up by locals that nothing uses, which cost nothing in code
 * that is optimised; where numbers would grow longer by it, all stays as it is.
 */
export function alignLocals(functions: readonly WasmFunction[]): readonly WasmFunction[] {
  const ofType = (fn: WasmFunction, type: WasmType): WasmFunction["locals"] =>
    fn.locals.filter((l) => l.type === type);
  const most = (count: (fn: WasmFunction) => number): number => Math.max(0, ...functions.map(count));
  const parameters = most((fn) => fn.parameters.length);
  const rooms = TYPES.map((type) => ({ type, count: most((fn) => ofType(fn, type).length) }));
  if (rooms.reduce((n, { count }) => n + count, parameters) > ONE_BYTE) return functions;
  return functions.map((fn) => {
    let unused = 0;
    const fill = (type: WasmType, count: number): WasmFunction["locals"] =>
      Array.from({ length: count }, () => ({ name: `unused.${unused++}`, type }));
    const locals = rooms.flatMap(({ type, count }) => {
      const own = ofType(fn, type);
      return [...own, ...fill(type, count - own.length)];
    });
    return { ...fn, locals: [...fill("i32", parameters - fn.parameters.length), ...locals] };
  });
}
